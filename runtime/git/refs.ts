/**
 * The refs of stator, and how refs move: always with the value they must have before, so a second run, or somebody else's
 * commit in between, is seen instead of overwritten.
 * - `refs/stator/owned/<branch>`: this branch is ours. Written before the branch is.
 * - `refs/stator/base/<branch>`: a symbolic ref to the branch that this plan's branch was begun from, where it was one.
 * - `refs/stator/attempts/<run>`: how a run ended. `<run>` must be good as a ref name; that is the caller's part.
 * - `refs/stator/archive/<plan>/<pass>`: a plan's branch as it was before it started over; `former-<commit>` of an earlier plan of that name.
 */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gitFailure, ownGit, tryOwnGit } from './git.ts';
import { isObjectId } from './object-memo.ts';
import { isAncestor } from './objects.ts';
import type { Repository } from './repository.ts';

export type RefPlace = Pick<Repository, 'path' | 'commonDir'>;

/** A ref is locked for milliseconds; a lock file this old was left by a process that was killed. */
const staleLockMs = 10_000;

export const branchRef = (branch: string): string => `refs/heads/${branch}`;
export const ownedRef = (branch: string): string => `refs/stator/owned/${branch}`;
export const baseRef = (branch: string): string => `refs/stator/base/${branch}`;
export const attemptRef = (run: string): string => `refs/stator/attempts/${run}`;
export const archiveRef = (plan: string, pass: number | string): string => `refs/stator/archive/${plan}/${pass}`;

/** Where work may be kept: what one of these reaches is not lost when its branch or worktree goes. */
const keepingRefs = ['refs/stator/attempts', 'refs/stator/archive'] as const;

/** The commit that a ref, by its full name, points to; null where there is no such ref. */
export async function readRef(repo: Pick<RefPlace, 'path'>, ref: string): Promise<string | null> {
  const answer = await tryOwnGit(repo.path, ['rev-parse', '-q', '--verify', `${ref}^{commit}`]);
  return answer.exitCode === 0 ? answer.stdout : null;
}

/** The commits of several branches or marks, by their full names and in their order, at one look; null where there is no such ref. */
export async function readRefs(repo: Pick<RefPlace, 'path'>, refs: readonly string[]): Promise<(string | null)[]> {
  const listing = await ownGit(repo.path, ['for-each-ref', '--format=%(refname) %(objectname)', ...refs]);
  // A name also lists what is below it.
  const found = new Map(listing.split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']));
  return refs.map((ref) => found.get(ref) || null);
}

/**
 * Moves a ref `from` (null: it must not exist) `to` (null: delete it); false where it stands elsewhere by now.
 * A lock file that a killed process left on this ref is removed after 10 s.
 */
export async function moveRef(
  repo: RefPlace,
  ref: string,
  move: { from: string | null; to: string | null },
): Promise<boolean> {
  const args =
    move.to === null
      ? ['update-ref', '-d', ref, move.from ?? '']
      : ['update-ref', '-m', 'stator', ref, move.to, move.from ?? ''];
  const first = await tryOwnGit(repo.path, args);
  if (first.exitCode === 0) return true;
  if ((await readRef(repo, ref)) !== move.from) return false;
  if (!(await dropStaleLock(repo, ref))) throw gitFailure({ cwd: repo.path, args, result: first });
  await ownGit(repo.path, args);
  return true;
}

/** Remembers the branch that `branch` was begun from, where `start` is the name of one; it goes along with a rename of neither. */
export async function noteBase(repo: RefPlace, branch: string, start: string): Promise<void> {
  if (isObjectId(start) || start.startsWith('refs/')) return;
  const name = await tryOwnGit(repo.path, ['rev-parse', '-q', '--verify', `${branchRef(start)}^{commit}`]);
  if (name.exitCode !== 0) return;
  await ownGit(repo.path, ['symbolic-ref', '-m', 'stator', baseRef(branch), branchRef(start)]);
}

/** For a branch that goes. Git keeps a symbolic ref as a file of its own; where it does not, one that stays does no harm. */
export async function forgetBase(repo: RefPlace, branch: string): Promise<void> {
  const isNoted = await stat(join(repo.commonDir, baseRef(branch))).then(
    () => true,
    () => false,
  );
  if (isNoted) await tryOwnGit(repo.path, ['symbolic-ref', '-d', baseRef(branch)]);
}

/** The branch that `branch` was begun from; null where it was none, or nobody noted it. */
export async function readBaseOf(repo: Pick<RefPlace, 'path'>, branch: string): Promise<string | null> {
  const answer = await tryOwnGit(repo.path, ['symbolic-ref', '-q', baseRef(branch)]);
  return answer.exitCode === 0 ? answer.stdout.replace(/^refs\/heads\//, '') : null;
}

/** Points a ref at `to`, wherever it stood. For refs with one writer, such as those of a run. */
export async function setRef(repo: RefPlace, ref: string, to: string): Promise<void> {
  const from = await readRef(repo, ref);
  if (from === to || (await moveRef(repo, ref, { from, to }))) return;
  throw new Error(`${ref} of ${repo.path} has a second writer: it stood at ${from} a moment ago`);
}

/** Whether a commit survives without its branch: merged into one of `into`, or reached by an attempt or archive ref. */
export async function isKept(repo: RefPlace, commit: string, into: readonly (string | null)[] = []): Promise<boolean> {
  for (const target of into) {
    if (target !== null && (await isAncestor(repo, commit, target))) return true;
  }
  const args = ['for-each-ref', '--count=1', '--format=%(refname)', `--contains=${commit}`, ...keepingRefs];
  return (await ownGit(repo.path, args)) !== '';
}

/** Whether an attempt or archive ref holds exactly these files. */
export async function isTreeKept(repo: RefPlace, tree: string): Promise<boolean> {
  const trees = await ownGit(repo.path, ['for-each-ref', '--format=%(tree)', ...keepingRefs]);
  return trees.split('\n').includes(tree);
}

async function dropStaleLock(repo: RefPlace, ref: string): Promise<boolean> {
  const file = join(repo.commonDir, `${ref}.lock`);
  const lock = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (lock === null || Date.now() - lock.mtimeMs < staleLockMs) return false;
  await rm(file, { force: true });
  return true;
}
