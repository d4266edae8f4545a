/**
 * Lock files that a killed git left. Git takes one for milliseconds and never removes another's, so a remaining lock stops every later command. A lock is
 * left over when it is 10 s old and no running git may have made it. Removing it loses nothing, because only the lock itself contains incomplete data. stator
 * removes locks of refs, of packed-refs, and of its own worktrees; it only reports locks of the checkout and of other worktrees.
 */
import { existsSync, lstatSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { gitAtWork } from './at-work.ts';
import { entriesIn, textOf } from './git-folder.ts';

const leftOverMs = 10_000;
/** How long a younger lock, or one that a git holds, is waited for: a little longer than the age of a left-over lock. */
const retryLimitMs = 12_000;
const pollMs = 250;

/** The lock reason of our worktrees begins with this, and the branch follows. */
export const lockPrefix = 'stator: ';

/** The lock that git could not take, from its message; null: git failed for another reason. */
export function lockInTheWay(stderr: string): string | null {
  return /Unable to create '(\/[^']+\.lock)': File exists/.exec(stderr)?.[1] ?? null;
}

export type Cleared =
  /** The command may be tried again. `said`: the removed lock; null: its holder has released it. */
  { readonly isFree: true; readonly said: string | null } | { readonly isFree: false; readonly said: string };

/** Waits until a lock is released or counts as left over, for 12 s at most. Removes a left-over lock if stator may remove it. */
export async function clearLock(file: string): Promise<Cleared> {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const state = stateOf(file);
    if (state === null) return { isFree: true, said: null };
    if (state.isLeftOver && !isOurs(file)) return { isFree: false, said: sentence(file) };
    if (state.isLeftOver) {
      rmSync(file, { force: true });
      return { isFree: true, said: `removed ${file}: a git that was killed left it` };
    }
    if (waitedMs >= retryLimitMs)
      return { isFree: false, said: `${file} is held by ${state.holder ?? 'a program that is no git'}; wait for that` };
    await delay(pollMs);
  }
}

/** The left-over lock files of a repository, each as a sentence with the remedy. */
export function leftOverLocks(commonDir: string): string[] {
  return leftOverLockFiles(commonDir).map(sentence);
}

/** Removes any left-over lock, also one that is not ours; false: it is held, or gone. */
export function dropLeftOverLock(file: string): boolean {
  if (stateOf(file)?.isLeftOver !== true) return false;
  rmSync(file, { force: true });
  return true;
}

export function leftOverLockFiles(commonDir: string): string[] {
  const names = ['index', 'HEAD', 'config', 'packed-refs', 'shallow'].map((name) => `${name}.lock`);
  const linked = entriesIn(join(commonDir, 'worktrees')).flatMap((entry) =>
    names.slice(0, 2).map((name) => join(commonDir, 'worktrees', entry, name)),
  );
  const objects = ['maintenance.lock', 'info/commit-graph.lock', 'info/commit-graphs/commit-graph-chain.lock'];
  const ofObjects = [...objects, 'pack/multi-pack-index.lock'].map((name) => join(commonDir, 'objects', name));
  const files = [
    ...names.map((name) => join(commonDir, name)),
    ...ofObjects,
    ...linked,
    ...refLocks(join(commonDir, 'refs')),
  ];
  return files.filter((file) => stateOf(file)?.isLeftOver === true);
}

function sentence(file: string): string {
  const what = `${file} was left by a git that was killed, and stops others`;
  return isOurs(file)
    ? `${what}; stator removes it when it next needs it`
    : `${what}; remove it: rm ${shellWord(file)}`;
}

function refLocks(folder: string): string[] {
  return entriesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    return name.endsWith('.lock') ? [path] : refLocks(path);
  });
}

function isOurs(file: string): boolean {
  const folder = dirname(file);
  if (basename(dirname(folder)) === 'worktrees') return textOf(join(folder, 'locked'))?.startsWith(lockPrefix) === true;
  // git's message names the file, and a remote's text may be part of the message: the path must belong to a repository.
  const common = commonDirOf(file);
  const name = relative(common, file);
  return isRepository(common) && (name === 'packed-refs.lock' || name.startsWith('refs/'));
}

interface LockState {
  readonly isLeftOver: boolean;
  /** `git with pid 7`. */
  readonly holder: string | null;
}

/** null: there is no such lock any more. */
function stateOf(file: string): LockState | null {
  const found = lstatSync(file, { throwIfNoEntry: false });
  // git makes a plain file. A folder of that name may contain refs, or anything else.
  if (found?.isFile() !== true) return null;
  // A time in the future means that the clock was set back since.
  const ageMs = Math.abs(Date.now() - found.mtimeMs);
  const holder = gitAtWork(commonDirOf(file), found.mtimeMs);
  return {
    isLeftOver: ageMs >= leftOverMs && holder === null,
    holder: holder === null ? null : `${holder.name} with pid ${holder.identity.pid}`,
  };
}

/** The nearest parent folder with a repository's objects. */
function commonDirOf(file: string): string {
  for (let folder = dirname(file); dirname(folder) !== folder; folder = dirname(folder))
    if (isRepository(folder)) return folder;
  return dirname(file);
}

function isRepository(folder: string): boolean {
  return existsSync(join(folder, 'objects'));
}
