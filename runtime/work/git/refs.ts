/**
 * stator's refs, and moving refs. A move always states the expected old value, so a second run, or another author's commit in between, is noticed and not
 * overwritten. None of stator's refs is symbolic; if someone made one symbolic, the ref itself is moved or deleted, never its target branch.
 * - `refs/stator/owned/<branch>`: this branch is ours. Written before the branch is.
 * - `refs/stator/attempts/<run>`: how a run ended. The caller makes sure that `<run>` is a valid ref name.
 * - `refs/stator/archive/<plan>/<pass>`: a plan's branch as it was before it started over; `former-<commit>` of an earlier plan of that name.
 */
import { join } from 'node:path';
import { statOrNull } from '../../base/platform/quiet-look.ts';
import { type GitResult, gitFailure, ownGit, tryOwnGit } from './git.ts';
import { isAncestor, pointee } from './objects.ts';
import { moveArgs, type OpenPlace } from './open-gits.ts';
import type { Repository } from './repository.ts';

export type RefPlace = Pick<Repository, 'commonDir'> & OpenPlace;

export const branchRef = (branch: string): string => `refs/heads/${branch}`;
export const ownedRef = (branch: string): string => `refs/stator/owned/${branch}`;
export const attemptRef = (run: string): string => `refs/stator/attempts/${run}`;
export const archiveRef = (plan: string, pass: number | string): string => `refs/stator/archive/${plan}/${pass}`;

/** Refs that preserve work: commits that they reach are not lost with their branch or worktree. */
const keepingRefs = ['refs/stator/attempts', 'refs/stator/archive'] as const;

/** The commit of a ref by its full name; null: there is no such ref. */
export async function readRef(repo: OpenPlace, ref: string): Promise<string | null> {
  return pointee(repo, ref);
}

/** The commits of several branches or marks, by their full names, in order and with one call; null: there is no such ref. */
export async function readRefs(repo: OpenPlace, refs: readonly string[]): Promise<(string | null)[]> {
  const names = refs.map((ref) => `${ref}^{commit}`);
  if (refs.length === 0) return [];
  const looked = (await repo.gits?.lookUpAll(repo.path, names)) ?? [];
  if (looked.some((answer) => answer !== undefined))
    // git itself must judge a broken ref.
    return Promise.all(looked.map((answer, at) => (answer === undefined ? readRef(repo, refs[at] ?? '') : answer)));
  const listing = await ownGit(repo.path, ['for-each-ref', '--format=%(refname) %(objectname)', ...refs]);
  // git also lists the refs below a name.
  const found = new Map(listing.split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']));
  return refs.map((ref) => found.get(ref) || null);
}

/**
 * The same, but never a tag or a branch that is itself called `refs/heads/plan/p`, which git's lookup of that name also finds. A ref's own file and a listing
 * are proof.
 */
export async function readExactRefs(repo: RefPlace, refs: readonly string[]): Promise<(string | null)[]> {
  const read = await readRefs(repo, refs);
  const isSure = refs.every((ref, at) => read[at] === null || statOrNull(join(repo.commonDir, ref))?.isFile() === true);
  return isSure ? read : readRefs({ path: repo.path }, refs);
}

/** `from` null: it must not exist. `to` null: delete it. */
interface RefMove {
  readonly ref: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Moves all refs or none, in this order; null: done, otherwise git's message. If git is killed, the first moves may be done. */
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

/** Moves a ref `from` (null: it must not exist) `to` (null: delete it); false if it has moved meanwhile. */
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

/** Makes refs that must not exist, in this order, all or none; false if one exists by now or conflicts with another. */
export async function makeRefs(repo: RefPlace, refs: readonly string[], to: string): Promise<boolean> {
  return (
    (await moveRefs(
      repo,
      refs.map((ref) => ({ ref, from: null, to })),
    )) === null
  );
}

/** Points a ref at `to`, whatever its old value. For refs with one writer, such as those of a run. */
export async function setRef(repo: RefPlace, ref: string, to: string): Promise<void> {
  const from = await readRef(repo, ref);
  if (from === to || (await moveRef(repo, ref, { from, to }))) return;
  throw new Error(`${ref} of ${repo.path} has a second writer: it was at ${from} a moment ago`);
}

/** The same for several refs, in this order, in one transaction if possible. If git is killed, the first ones may be done. */
export async function setRefs(repo: RefPlace, wanted: readonly (readonly [ref: string, to: string])[]): Promise<void> {
  const before = await readRefs(
    repo,
    wanted.map(([ref]) => ref),
  );
  const moves = wanted
    .map(([ref, to], at) => ({ ref, from: before[at] ?? null, to }))
    .filter(({ from, to }) => from !== to);
  if (moves.length === 0 || (await moveRefs(repo, moves)) === null) return;
  // The error then names the ref that conflicts.
  for (const { ref, to } of moves) await setRef(repo, ref, to);
}

/** A ref in a listing. */
export interface Ref {
  readonly name: string;
  readonly commit: string;
  /** The commit's time; 0 if it is no commit. */
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

/** The last fetched heads of remote branches of that name. */
export async function remoteHeads(repo: OpenPlace, branch: string): Promise<string[]> {
  return (await listRefs(repo, [`refs/remotes/*/${branch}`])).map(({ commit }) => commit);
}

/** Deletes refs that have not moved since they were listed; returns the names of the deleted ones. Needs one process if none has moved. */
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
