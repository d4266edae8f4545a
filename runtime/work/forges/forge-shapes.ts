/** The common parts of the forges' REST answers that stator reads. Texts are cut, so that the size of a row is bounded. */
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { MergeMethod } from '../../../machines/vocabulary/plan-pull.ts';
import type { Check, Comment, ForgeRepo, PullRequest } from './forge.ts';

const textLimit = 64 * 1024;
const wordLimit = 1024;

/** A text that may be missing; cut at 64 KiB of characters. */
export const longText = z
  .string()
  .nullish()
  .transform((text) => (text ?? '').slice(0, textLimit));
/** A name, a branch, a title; cut at 1,024 characters. */
export const word = z.string().transform((text) => text.slice(0, wordLimit));
export const person = z
  .object({ login: word.nullish(), username: word.nullish() })
  .nullish()
  .transform((who) => who?.login ?? who?.username ?? 'somebody');
export const number = z.number().int().min(0);
/** An http(s) address to show; anything else is left out. */
export const link = z
  .string()
  .nullish()
  .transform((text) => (text != null && /^https?:\/\/[^\s]{1,2000}$/.test(text) ? text : ''));

/** An issue's comment of GitHub and Gitea. */
export const comment = z.object({ user: person, body: longText, created_at: word });
export function commentOf({ user, body, created_at: at }: z.infer<typeof comment>): Comment {
  return { author: user, body, at };
}
/** An issue of GitHub and Gitea. */
export const issue = z.object({
  number,
  title: word,
  body: longText,
  user: person,
  state: word,
  html_url: link,
  updated_at: word.nullish(),
  comments: number.nullish().transform((count) => count ?? 0),
});
/** A pull request of GitHub and Gitea. */
export const pull = z.object({
  number,
  html_url: link,
  state: word,
  merged: z.boolean().nullish(),
  merged_at: word.nullish(),
  merge_commit_sha: word.nullish(),
  head: z.object({ ref: word, sha: word, repo: z.object({ full_name: word }).nullish() }),
  base: z.object({ ref: word, repo: z.object({ full_name: word }).nullish() }),
  requested_reviewers: z.array(person).nullish(),
  /** GitHub: an object if the forge will merge it automatically. */
  auto_merge: z.unknown().optional(),
});
/** A commit's status of GitHub and Gitea, which name its state differently. */
export const commitStatus = z.object({ context: word, description: longText, target_url: link });
export function checkOfStatus(
  { context: name, description, target_url: url }: z.infer<typeof commitStatus>,
  state: Check['state'],
): Check {
  return { name, state, detail: description, log: description, url: url || null };
}
export const commented = z.object({ html_url: link });

/** The newest open one, otherwise the newest that was merged as that commit. */
export function chosenPull(found: readonly PullRequest[], commit: string | undefined): PullRequest | null {
  const newest = [...found].sort((one, other) => other.number - one.number);
  const isMergedNow = ({ state, headCommit }: PullRequest) => state === 'merged' && headCommit === commit;
  return newest.find(({ state }) => state === 'open') ?? newest.find(isMergedNow) ?? null;
}

/** The merge method: the wanted one, otherwise the forge's first allowed one. Throws `forge_refused` if the wanted one is not allowed. */
export function chosenMethod<T extends string>(
  { wanted, allowed, first }: { wanted: MergeMethod | null; allowed: Partial<Record<MergeMethod, T>>; first: T | null },
  repo: ForgeRepo,
): T {
  const names = Object.keys(allowed);
  const chosen = wanted === null ? (first ?? Object.values(allowed)[0]) : allowed[wanted];
  if (chosen !== undefined) return chosen;
  throw new EngineError(
    'forge_refused',
    `${repo.owner}/${repo.name} does not allow ${wanted === null ? 'any way to merge' : `the method ${wanted}`}`,
    names.length === 0
      ? 'allow one there'
      : `it allows ${names.join(', ')}: set method of [pull_requests] to one of these, or leave it out`,
  );
}

/** null: the text is no full commit id. */
export function commitOr(text: string | null | undefined): string | null {
  return text != null && /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(text) ? text : null;
}

/** Converts a pull request of GitHub and Gitea. */
export function pullOf(found: z.infer<typeof pull>, etag: string | null): PullRequest {
  const isMerged = found.merged === true || (found.merged_at ?? null) !== null;
  return {
    number: found.number,
    url: found.html_url,
    state: isMerged ? 'merged' : found.state === 'open' ? 'open' : 'closed',
    head: found.head.ref,
    headCommit: found.head.sha,
    base: found.base.ref,
    mergeCommit: isMerged ? commitOr(found.merge_commit_sha) : null,
    awaited: found.requested_reviewers ?? [],
    isAutoMerged: found.auto_merge === undefined ? null : found.auto_merge !== null,
    etag,
  };
}
