/**
 * Reports that something changed in one of several folders; the caller finds out what. Files are not watched one by one: one watch on a folder reports all of
 * them, and a burst of changes causes one reading. A folder is read once, when its watch begins: from then on the system names each entry that appears or
 * disappears. Symbolic links are not followed. The number of watches and the rate of changes are limited: beyond the limits nothing is reported, and the caller
 * polls instead.
 */
import { type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import { basename, join } from 'node:path';
import { systemCode } from './system-code.ts';

export interface FolderWatcherOptions {
  /** Absolute and real. One that is missing is not waited for. */
  readonly roots: readonly string[];
  /** Whether a folder below a root is watched. A folder is reached only where the folders on the way are watched too. */
  includes(folder: string): boolean;
  /** A folder whose own size, in bytes, is beyond this is not watched: all of its names are read when its watch begins. */
  limitBytes(folder: string): number;
  /** The entry `name` of `folder` was made, written, renamed or deleted; null: the system does not say which. */
  onChange(folder: string, name: string | null): void;
  /** The watch ended by itself, for a reason of the system or because there was too much to report; called once. */
  onEnd(reason: Error): void;
}

export interface FolderWatcher {
  /** Whether changes in all of these folders are reported: they are being watched by now, and none was left out, or none of those that `counts` names. */
  isComplete(counts?: (folder: string) => boolean): boolean;
  /** Stops all calls. May be called twice. */
  close(): void;
}

/** The most folders of one watcher. Each takes one of the user's inotify watches; some systems allow 8,192 in all. */
const foldersLimit = 1_000;
/** The most changes within this time: a busy repo stays far below, and a burst of files is found by polling. */
const changesLimit = 2_000;
const changesWithinMs = 5_000;

/** Begins to watch in the background; until that is done, and for good where it cannot be, `isComplete` is false. */
export function createFolderWatcher(options: FolderWatcherOptions): FolderWatcher {
  const { roots, includes, limitBytes, onChange, onEnd } = options;
  const watched = new Map<string, FSWatcher>();
  const leftOut = new Set<string>();
  let isReady = false;
  let isOpen = true;
  let changes = 0;
  let sinceMs = performance.now();

  function end(reason: Error): void {
    if (!isOpen) return;
    close();
    onEnd(reason);
  }

  function close(): void {
    isOpen = false;
    for (const watcher of watched.values()) watcher.close();
    watched.clear();
  }

  function note(folder: string, name: string | null): void {
    const now = performance.now();
    if (now - sinceMs > changesWithinMs) {
      sinceMs = now;
      changes = 0;
    }
    changes += 1;
    if (changes > changesLimit) end(new Error(`more than ${changesLimit} changes within ${changesWithinMs / 1_000} s`));
    else onChange(folder, name);
  }

  /** Watches a folder, and its subfolders that are to be watched. Other files, and folders that disappeared, are not watched. */
  function add(path: string): void {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!isOpen || watched.has(path) || found?.isDirectory() !== true) return;
    if (watched.size >= foldersLimit || found.size > limitBytes(path)) {
      leftOut.add(path);
      return;
    }
    // Before it is read: changes meanwhile are reported.
    const watcher = watch(path);
    watched.set(path, watcher);
    watcher.on('error', end).on('change', (event, name) => {
      const entry = name === null ? null : String(name);
      if (watched.get(path) === watcher) note(path, entry);
      if (isOpen && entry !== null && event === 'rename') follow(path, entry);
    });
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory() && includes(join(path, entry.name))) tryToAdd(join(path, entry.name));
  }

  /** A folder that disappeared meanwhile, or is closed to us, is left out; a system that refuses more watches ends all of them. */
  function tryToAdd(path: string): void {
    try {
      add(path);
    } catch (thrown) {
      const code = systemCode(thrown);
      drop(path);
      if (code === 'EACCES' || code === 'EPERM') leftOut.add(path);
      else if (code !== 'ENOENT' && code !== 'ENOTDIR')
        end(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  /** If another folder replaces a watched one, the watch still belongs to the old one, so it is begun again. */
  function follow(folder: string, name: string): void {
    // A watched folder reports its own name when it is moved or deleted.
    if (name === basename(folder)) {
      drop(folder);
      tryToAdd(folder);
    }
    const path = join(folder, name);
    if (watched.has(path)) drop(path);
    if (includes(path)) tryToAdd(path);
  }

  function drop(path: string): void {
    for (const [each, watcher] of watched) {
      if (each !== path && !each.startsWith(`${path}/`)) continue;
      watcher.close();
      watched.delete(each);
    }
    leftOut.delete(path);
  }

  function open(): void {
    if (!isOpen) return;
    for (const root of roots) tryToAdd(root);
    for (const root of roots) if (!watched.has(root)) leftOut.add(root);
    isReady = true;
  }

  setImmediate(open);
  return {
    isComplete: (counts = () => true) => isOpen && isReady && ![...leftOut].some(counts),
    close,
  };
}
