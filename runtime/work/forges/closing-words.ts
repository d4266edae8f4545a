/** Words by which a forge links, calls people and closes issues when a request is merged: as we write them, and as they are taken out of what others wrote. Pure. */
import type { ForgeRepo, Server } from './forge.ts';
import { hostOf, type IssueReference } from './reference.ts';
import { isSameRepo } from './remote.ts';

/** All forges know these; another repository of the same forge is named. null: the issue is at another forge, which nobody can close from here. */
export function closingWords(
  { server, repo }: { readonly server: Server; readonly repo: ForgeRepo },
  issue: Pick<IssueReference, 'host' | 'owner' | 'name' | 'number'>,
): string | null {
  if (hostOf(server) !== issue.host) return null;
  return isSameRepo(repo, issue) ? `Closes #${issue.number}` : `Closes ${issue.owner}/${issue.name}#${issue.number}`;
}

/** What GitHub, GitLab and Gitea close an issue by (and Gitea opens one again), before the address of one. A number with `#` is taken apart already. */
const closingVerb = /\b(clos|fix|resolv|implement|reopen)(e[sd]?|ing|s|ed)?\b(?=[^\n]*(?::\/\/|\bGH-\d))/gi;

/** A word joiner, which nobody sees, behind `@`, `#`, `!` and inside of closing words: the text calls nobody, links no number and closes no issue, in fences too. */
export function disarmed(text: string): string {
  return text
    .replace(/([@#!])(?=\w)/g, '$1\u2060')
    .replace(closingVerb, (word) => `${word.slice(0, 2)}\u2060${word.slice(2)}`);
}
