/**
 * A merge into the checkout that was killed inside git, or could not write on: some of its files are written, the branch has not moved, a lock is left. The merge's files are
 * distinguished from a person's changes, so that the next merge can finish. A mark in the checkout's git folder exists while git runs the merge.
 */
import { lstat, mkdir, readdir, readFile, readlink, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError, thenContinues } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { inFolder } from '../../base/platform/safe-path.ts';
import { gitWorkingIn } from './at-work.ts';
import { checkoutTimeoutMs, ownGit, wholeDiff } from './git.ts';
import { textOf } from './git-folder.ts';
import { treeOf } from './objects.ts';
import { branchRef } from './refs.ts';
import type { Repository } from './repository.ts';
import { withTempIndex } from './temp-index.ts';

export interface CheckoutStep {
  readonly checkout: string;
  readonly gitDir: string;
  readonly into: string;
  /** The branch's head, and the merge commit that becomes its head. */
  readonly target: string;
  readonly head: string;
}

/** Files of the merge that differ between the checkout and the branch's head. */
export interface Differences {
  /** A person's changes: the merge would overwrite them. */
  readonly own: string[];
  /** Written by a killed merge, or equal by chance: overwriting them loses nothing. */
  readonly merged: readonly Change[];
}

interface Change {
  readonly path: string;
  readonly mode: string;
  /** The merge's blob; all zeros: the merge deletes the file. */
  readonly blob: string;
  readonly isAdded: boolean;
}

const slow = { timeoutMs: checkoutTimeoutMs };
const markName = 'stator-merge';
const gitlink = '160000';
const symlink = '120000';

/** Called before git writes the first file. Two merges of the same commits have the same tree. */
export async function markMerge(repo: Repository, { gitDir, target, head }: CheckoutStep): Promise<void> {
  const mark = `${target} ${await treeOf(repo, head)}\n`;
  inFolder({ root: await realpath(gitDir), way: '' }, (folder) => folder.write(markName, mark, { mode: 0o644 }));
}

/** Called when git has ended by itself and has left nothing half done. */
export async function unmarkMerge({ gitDir }: Pick<CheckoutStep, 'gitDir'>): Promise<void> {
  await rm(join(gitDir, markName), { force: true });
}

/**
 * Checks whether a merge from the branch's head was killed in the checkout, and then removes its locks. true: it was this same merge, which had found no
 * change of a person in its files. Throws `unreachable` while a git still works in that checkout.
 */
export async function wasKilled(repo: Repository, step: CheckoutStep): Promise<boolean> {
  const { gitDir, target, head } = step;
  const mark = textOf(join(gitDir, markName)) ?? '';
  const [from, tree] = mark.trim().split(' ');
  if (from !== target) {
    await unmarkMerge(step);
    return false;
  }
  await dropLocks(repo, step);
  return tree === (await treeOf(repo, head));
}

async function dropLocks(repo: Repository, { checkout, gitDir, into }: CheckoutStep): Promise<void> {
  const marked = await stat(join(gitDir, markName));
  const places = ['index.lock', 'HEAD.lock', 'ORIG_HEAD.lock'].map((name) => join(gitDir, name));
  const locks: string[] = [];
  for (const place of [...places, join(repo.commonDir, `${branchRef(into)}.lock`)]) {
    const found = await stat(place).catch(() => null);
    if (found !== null && found.mtimeMs >= marked.mtimeMs) locks.push(place);
  }
  if (locks.length > 0 && gitWorkingIn(checkout) !== null) {
    const hint = `wait for it, or see which it is: fuser -v ${shellWord(checkout)}; ${thenContinues}`;
    throw new EngineError('unreachable', `a git is still at work in ${checkout}`, hint);
  }
  for (const lock of locks) await rm(lock, { force: true });
}

/** `isBegun`: this merge was killed there, so it may also have left a missing or cut file. */
export async function differencesOf(repo: Repository, step: CheckoutStep, isBegun: boolean): Promise<Differences> {
  const { checkout, target, head } = step;
  const asked = ['status', '--porcelain', '-z', '-uall', '--no-renames', '--ignore-submodules=dirty'];
  const status = await ownGit(checkout, asked, slow);
  const listed = new Set(status.split('\0').map((entry) => entry.slice(3)));
  const differing: Change[] = [];
  for (const change of await changesOf(repo, target, head))
    if (listed.has(change.path) || (change.isAdded && (await existsIn(checkout, change.path)))) differing.push(change);
  if (differing.length === 0) return { own: [], merged: [] };
  const staged = await stagedByOthers(step);
  const blobs = await blobsIn(checkout, differing);
  const own: string[] = [];
  const merged: Change[] = [];
  for (const change of differing) {
    const isSame = !staged.has(change.path) && (await isMerged(checkout, change, blobs.get(change.path)));
    const isOurs = isSame || (isBegun && !staged.has(change.path) && (await isCut(repo, step, change)));
    if (isOurs) merged.push(change);
    else own.push(change.path);
  }
  return { own, merged };
}

/** Sets files of a killed merge, and their index entries, to the merge's result; git then accepts them. */
export async function takeUp({ checkout, head }: CheckoutStep, merged: readonly Change[]): Promise<void> {
  const isGone = ({ mode }: Change) => mode === '000000';
  const namesOf = (changes: readonly Change[]) => changes.map(({ path }) => path).join('\0');
  const [gone, kept] = [merged.filter(isGone), merged.filter((change) => !isGone(change))];
  const literal = { ...slow, env: { GIT_LITERAL_PATHSPECS: '1' } };
  const listed = ['--pathspec-from-file=-', '--pathspec-file-nul'];
  if (gone.length > 0) {
    const args = ['rm', '--cached', '-f', '-q', '--ignore-unmatch', ...listed];
    await ownGit(checkout, args, { ...literal, input: namesOf(gone) });
  }
  if (kept.length > 0) {
    const args = ['restore', `--source=${head}`, '--staged', '--worktree', '-q', ...listed];
    await ownGit(checkout, args, { ...literal, input: namesOf(kept) });
  }
}

async function changesOf(repo: Repository, target: string, head: string): Promise<Change[]> {
  const listing = await ownGit(
    repo.path,
    ['diff-tree', '-r', '-z', '--no-renames', '--raw', ...wholeDiff, target, head],
    slow,
  );
  const fields = listing.split('\0');
  const changes: Change[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, mode = '', , blob = '', status = ''] = (fields[at] ?? '').split(' ');
    changes.push({ path: fields[at + 1] ?? '', mode, blob, isAdded: status === 'A' });
  }
  return changes;
}

/** Entries of the index that are neither the branch's nor the merge's. */
async function stagedByOthers({ checkout, target, head }: CheckoutStep): Promise<ReadonlySet<string>> {
  const differingFrom = async (commit: string) => {
    const args = ['diff-index', '--cached', '--name-only', '--no-renames', ...wholeDiff, '-z', commit];
    return (await ownGit(checkout, args, slow)).split('\0');
  };
  const fromHead = new Set(await differingFrom(head));
  return new Set((await differingFrom(target)).filter((path) => fromHead.has(path)));
}

/** The blobs that git would make of the present files. */
async function blobsIn(checkout: string, changes: readonly Change[]): Promise<ReadonlyMap<string, string>> {
  const paths: string[] = [];
  for (const { path } of changes) {
    const found = await lstat(join(checkout, path)).catch(() => null);
    if (found?.isFile() === true && !path.includes('\n')) paths.push(path);
  }
  if (paths.length === 0) return new Map();
  const hashed = await ownGit(checkout, ['hash-object', '--stdin-paths'], { ...slow, input: `${paths.join('\n')}\n` });
  const blobs = hashed.split('\n');
  return new Map(paths.map((path, index) => [path, blobs[index] ?? '']));
}

/** Whether the file is exactly as in the merge. */
async function isMerged(checkout: string, change: Change, blob: string | undefined): Promise<boolean> {
  const file = join(checkout, change.path);
  const found = await lstat(file).catch(() => null);
  if (change.mode === '000000') return found === null;
  if (found === null || change.mode === gitlink) return false;
  if (change.mode !== symlink) return found.isFile() && blob === change.blob;
  if (!found.isSymbolicLink()) return false;
  return (await readlink(file)) === (await ownGit(checkout, ['cat-file', 'blob', change.blob]));
}

/**
 * Whether a file is missing or the beginning of the merge's file: git removes the old file before it writes the new one from the first byte to the last.
 * Overwriting such a file loses nothing, because git has its content.
 */
async function isCut(repo: Repository, { checkout, gitDir, head }: CheckoutStep, change: Change): Promise<boolean> {
  const file = join(checkout, change.path);
  const found = await lstat(file).catch(() => null);
  if (found === null) return change.mode !== gitlink;
  if (!found.isFile() || change.mode === '000000' || change.mode === symlink || change.mode === gitlink) return false;
  return withTempIndex(tmpdir(), async (index, tempFolder) => {
    const folder = join(tempFolder, 'files');
    await mkdir(folder);
    const env = { GIT_DIR: gitDir, GIT_WORK_TREE: folder, ...index };
    await ownGit(repo.path, ['read-tree', head], { ...slow, env });
    await ownGit(folder, ['checkout-index', '-f', '-q', '--', change.path], { ...slow, env });
    const whole = await readFile(join(folder, change.path));
    const there = await readFile(file);
    return there.length < whole.length && whole.subarray(0, there.length).equals(there);
  });
}

/** An empty folder does not hinder the merge. */
async function existsIn(checkout: string, file: string): Promise<boolean> {
  const found = await lstat(join(checkout, file)).catch(() => null);
  if (found === null) return false;
  return !found.isDirectory() || (await readdir(join(checkout, file))).length > 0;
}
