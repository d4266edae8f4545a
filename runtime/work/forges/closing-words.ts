/** Texts with which a forge links, mentions people, and closes issues when a request is merged: writes them, and disables them in foreign text. Pure. */
import type { ForgeRepo, Server } from './forge.ts';
import { hostOf, type IssueReference } from './reference.ts';
import { isSameRepo } from './remote.ts';

/**
 * The closing text, which all forges know; it names another repository of the same forge. null: the issue is at another forge and cannot be closed from here.
 */
export function closingWords(
  { server, repo }: { readonly server: Server; readonly repo: ForgeRepo },
  issue: Pick<IssueReference, 'host' | 'owner' | 'name' | 'number'>,
): string | null {
  if (hostOf(server) !== issue.host) return null;
  return isSameRepo(repo, issue) ? `Closes #${issue.number}` : `Closes ${issue.owner}/${issue.name}#${issue.number}`;
}

/**
 * The keywords before an issue's address with which GitHub, GitLab and Gitea close an issue (and Gitea reopens one). A number with `#` is already disabled.
 */
const closingVerb = /\b(clos|fix|resolv|implement|reopen)(e[sd]?|ing|s|ed)?\b/gi;
const address = /:\/\/|\bGH-\d/gi;

/**
 * Puts an invisible word joiner behind `@`, `#`, `!` and inside closing keywords: the text then mentions no one, links no number and closes no issue, even in
 * fences.
 */
export function disarmed(text: string): string {
  return text
    .replace(/([@#!])(?=\w)/g, '$1\u2060')
    .split('\n')
    .map(withoutClosing)
    .join('\n');
}

/** A keyword counts only before an address on its line. */
function withoutClosing(line: string): string {
  let end = 0;
  for (const { index } of line.matchAll(address)) end = index;
  const before = line.slice(0, end).replace(closingVerb, (word) => `${word.slice(0, 2)}\u2060${word.slice(2)}`);
  return before + line.slice(end);
}
