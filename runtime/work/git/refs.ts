/**
 * The refs of stator, and how refs move: always with the value they must have before, so a second run, or somebody else's
 * commit in between, is seen instead of overwritten. None of them is symbolic, and where somebody made one so, it is the ref
 * itself that moves or goes, never the branch that it points to.
 * - `refs/stator/owned/<branch>`: this branch is ours. Written before the branch is.
 * - `refs/stator/attempts/<run>`: how a run ended. `<run>` must be good as a ref name; that is the caller's part.
 * - `refs/stator/archive/<plan>/<pass>`: a plan's branch as it was before it started over; `former-<commit>` of an earlier plan of that name.
 */
import { type GitResult, gitFailure, ownGit, tryOwnGit } from './git.ts';
import { isAncestor, pointee } from './objects.ts';
import { moveArgs, type OpenPlace } from './open-gits.ts';
import type { Repository } from './repository.ts';

export type RefPlace = Pick<Repository, 'commonDir'> & OpenPlace;

export const branchRef = (branch: string): string => `refs/heads/${branch}`;
export const ownedRef = (branch: string): string => `refs/stator/owned/${branch}`;
export const attemptRef = (run: string): string => `refs/stator/attempts/${run}`;
export const archiveRef = (plan: string, pass: number | string): string => `refs/stator/archive/${plan}/${pass}`;

/** Where work may be kept: what one of these reaches is not lost when its branch or worktree goes. */
const keepingRefs = ['refs/stator/attempts', 'refs/stator/archive'] as const;

/** The commit that a ref, by its full name, points to; null where there is no such ref. */
export async function readRef(repo: OpenPlace, ref: string): Promise<string | null> {
  return pointee(repo, ref);
}

/** The commits of several branches or marks, by their full names and in their order, at one look; null where there is no such ref. */
export async function readRefs(repo: OpenPlace, refs: readonly string[]): Promise<(string | null)[]> {
  const names = refs.map((ref) => `${ref}^{commit}`);
  if (refs.length === 0) return [];
  const looked = (await repo.gits?.lookUpAll(repo.path, names)) ?? [];
  if (looked.some((answer) => answer !== undefined))
    // What is broken is for git itself to judge.
    return Promise.all(looked.map((answer, at) => (answer === undefined ? readRef(repo, refs[at] ?? '') : answer)));
  const listing = await ownGit(repo.path, ['for-each-ref', '--format=%(refname) %(objectname)', ...refs]);
  // A name also lists what is below it.
  const found = new Map(listing.split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']));
  return refs.map((ref) => found.get(ref) || null);
}

/** null before: it must not exist. null after: it goes. */
interface RefMove {
  readonly ref: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Moves all refs or none, in this order; null where it is done, else what git says against it. A kill of git leaves those that come first. */
export async function moveRefs(repo: RefPlace, moves: readonly RefMove[]): Promise<GitResult | null> {
  const input = moves.map(commandOf).join('');
  const said = await repo.gits?.moveRefs(repo.path, input);
  if (said === 'moved' || (said === 'unknown' && (await haveMoved(repo, moves)))) return null;
  const result = await tryOwnGit(repo.path, moveArgs, { input });
  return result.exitCode === 0 ? null : result;
}

function commandOf({ ref, from, to }: RefMove): string {
  if (to === null) return `delete ${ref} ${from ?? ''}\n`;
  return from === null ? `create ${ref} ${to}\n` : `update ${ref} ${to} ${from}\n`;
}

async function haveMoved(repo: RefPlace, moves: readonly RefMove[]): Promise<boolean> {
  const found = await readRefs(
    repo,
    moves.map(({ ref }) => ref),
  );
  return moves.every(({ to }, at) => found[at] === to);
}

/**
 * Moves a ref `from` (null: it must not exist) `to` (null: delete it); false where it stands elsewhere by now.
 */
export async function moveRef(
  repo: RefPlace,
  ref: string,
  move: { from: string | null; to: string | null },
): Promise<boolean> {
  const result = await moveRefs(repo, [{ ref, from: move.from, to: move.to }]);
  if (result === null) return true;
  if ((await readRef(repo, ref)) !== move.from) return false;
  throw gitFailure({ cwd: repo.path, args: moveArgs, result });
}

/** Makes refs that must not exist, in this order and all or none; false where one exists by now, or another is in its way. */
export async function makeRefs(repo: RefPlace, refs: readonly string[], to: string): Promise<boolean> {
  return (
    (await moveRefs(
      repo,
      refs.map((ref) => ({ ref, from: null, to })),
    )) === null
  );
}

/** Points a ref at `to`, wherever it stood. For refs with one writer, such as those of a run. */
export async function setRef(repo: RefPlace, ref: string, to: string): Promise<void> {
  const from = await readRef(repo, ref);
  if (from === to || (await moveRef(repo, ref, { from, to }))) return;
  throw new Error(`${ref} of ${repo.path} has a second writer: it stood at ${from} a moment ago`);
}

/** The same for several, in this order and at once, where that goes; a kill of git leaves those that come first. */
export async function setRefs(repo: RefPlace, wanted: readonly (readonly [ref: string, to: string])[]): Promise<void> {
  const before = await readRefs(
    repo,
    wanted.map(([ref]) => ref),
  );
  const moves = wanted
    .map(([ref, to], at) => ({ ref, from: before[at] ?? null, to }))
    .filter(({ from, to }) => from !== to);
  if (moves.length === 0 || (await moveRefs(repo, moves)) === null) return;
  // What stands in the way of one of them is said of that one.
  for (const { ref, to } of moves) await setRef(repo, ref, to);
}

/** A ref as a listing shows it. */
export interface Ref {
  readonly name: string;
  readonly commit: string;
  /** When that commit was made; 0 for what is no commit. */
  readonly committedMs: number;
  readonly isSymbolic: boolean;
}

export async function listRefs(repo: OpenPlace, prefixes: readonly string[]): Promise<Ref[]> {
  const format = '--format=%(refname)%00%(objectname)%00%(committerdate:unix)%00%(symref)';
  const listing = await ownGit(repo.path, ['for-each-ref', format, ...prefixes]);
  return listing.split('\n').flatMap((line) => {
    const [name = '', commit = '', seconds = '', target = ''] = line.split('\0');
    return name === '' ? [] : [{ name, commit, committedMs: Number(seconds) * 1000, isSymbolic: target !== '' }];
  });
}

/** Where remotes have a branch of that name, as far as they were fetched. */
export async function remoteHeads(repo: OpenPlace, branch: string): Promise<string[]> {
  return (await listRefs(repo, [`refs/remotes/*/${branch}`])).map(({ commit }) => commit);
}

/** Deletes refs that still stand where they were seen; the names of those that are gone. One process where none of them has moved. */
export async function dropRefs(repo: RefPlace, refs: readonly Ref[]): Promise<Set<string>> {
  if (refs.length === 0) return new Set();
  const all = await moveRefs(
    repo,
    refs.map(({ name, commit }) => ({ ref: name, from: commit, to: null })),
  );
  if (all === null) return new Set(refs.map(({ name }) => name));
  const gone = new Set<string>();
  for (const { name, commit } of refs) if (await moveRef(repo, name, { from: commit, to: null })) gone.add(name);
  return gone;
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
