/**
 * Lock files that a killed git left. Git takes one for milliseconds and never removes another's, so one that stays stops every later command. A lock is
 * left over when it is 10 s old and no git is at work that may have made it. Removing it loses nothing: what was half written lies in it alone.
 * Ours to remove are those of refs, of packed-refs, and of our own worktrees; the checkout's and other worktrees' are named.
 */
import { existsSync, lstatSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { gitAtWork } from './at-work.ts';
import { entriesIn, textOf } from './git-folder.ts';

const leftOverMs = 10_000;
/** A lock that is younger, or that somebody holds, is waited for: a little longer than it takes to become a left-over one. */
const retryLimitMs = 12_000;
const pollMs = 250;

/** What our worktrees are locked with, before the branch. */
export const lockPrefix = 'stator: ';

/** The lock that a git could not take, by what it said; null: it failed of something else. */
export function lockInTheWay(stderr: string): string | null {
  return /Unable to create '(\/[^']+\.lock)': File exists/.exec(stderr)?.[1] ?? null;
}

export type Cleared =
  /** The command may be tried again; `said`: what was removed, null where somebody else has given it back. */
  { readonly isFree: true; readonly said: string | null } | { readonly isFree: false; readonly said: string };

/** Waits until a lock is given back, or is a left-over one, which is removed where it is ours to remove; for 12 s at most. */
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

/** Lock files of a repository that killed gits left, each as a sentence with what to do. */
export function leftOverLocks(commonDir: string): string[] {
  return leftOverLockFiles(commonDir).map(sentence);
}

/** Removes a lock, whosever it is, where a killed git left it; false: it is held, or gone. */
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
  // Git's words name the file, and a remote's words stand among them: it must be one of a repository's own.
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
  // Git makes a plain file. A folder of that name holds refs, or anything.
  if (found?.isFile() !== true) return null;
  // A time that lies ahead is of a clock that was set back since.
  const ageMs = Math.abs(Date.now() - found.mtimeMs);
  const holder = gitAtWork(commonDirOf(file), found.mtimeMs);
  return {
    isLeftOver: ageMs >= leftOverMs && holder === null,
    holder: holder === null ? null : `${holder.name} with pid ${holder.identity.pid}`,
  };
}

/** The nearest folder above that holds a repository's objects. */
function commonDirOf(file: string): string {
  for (let folder = dirname(file); dirname(folder) !== folder; folder = dirname(folder))
    if (isRepository(folder)) return folder;
  return dirname(file);
}

function isRepository(folder: string): boolean {
  return existsSync(join(folder, 'objects'));
}
