/**
 * Reports files that were written and are quiet again, by chokidar: for folders that change seldom, and for single files. Where git works in a folder, or where
 * each change counts at once, use `folder-watcher.ts`. No symbolic link is followed, and a pipe or a socket is never touched. How much there may be to watch,
 * and how often it may change, is bounded: beyond that the watch ends, and the caller polls instead.
 */
import { lstatSync, type Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { later } from './later.ts';
import { systemCode } from './system-code.ts';

/** Loaded by long-running engines and by verbs that watch a file: no other verb waits for it. */
const loadChokidar = later(() => import('chokidar'));

export interface FileWatcherOptions {
  /** Absolute paths of files, or of folders whose files are watched. A missing path is not waited for. */
  readonly paths: readonly string[];
  /** Whether something below one of the paths is meant: a folder is read where it is. */
  includes(path: string): boolean;
  /** A file is reported when its size has not changed for this long. */
  readonly quietMs: number;
  /** The file was written, and is quiet again; a file that existed before the watch began is not reported. Or it was deleted. */
  onFile(path: string): void;
  /** That folder or file has just changed. */
  onChange?(path: string): void;
  /** From now on changes are reported. Changes since the watch began were not: read the files once. */
  onReady(): void;
  /** The watch ended by itself, for a reason of the system or because there was too much to report; called once. */
  onEnd(reason: Error): void;
}

export interface FileWatcher {
  /** Whether changes of all of the paths are reported by now, and none was left out. */
  isLive(): boolean;
  /** Stops all calls. May be called twice. */
  close(): void;
}

/** How often the size of a file is read while it is waited for. */
const pollMs = 50;
/** A folder's own size, which on common file systems means some hundreds of names: each of its files is a watch, and some systems allow 8,192 of them. */
const folderLimitBytes = 32 * 1024;
/** The most changes within this time: a careful writer of signals stays far below. */
const changesLimit = 1_000;
const changesWithinMs = 5_000;
/** After this many changes the watch is begun again: chokidar keeps an entry for each file that was deleted while it waited for it. */
const renewAfterChanges = 4_000;
const fileTroubles: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM']);

/** Begins to watch in the background; until that is done, and for good where it cannot be, `isLive` is false. */
export function createFileWatcher(options: FileWatcherOptions): FileWatcher {
  const { includes, quietMs, onFile, onChange, onReady, onEnd } = options;
  const paths = options.paths.filter(isWatchable);
  const roots = new Set(paths);
  let watcher: FSWatcher | null = null;
  let isReady = false;
  let isOpen = true;
  let changes = 0;
  let recent = 0;
  let sinceMs = performance.now();

  function isIgnored(path: string, found?: Stats): boolean {
    if (!roots.has(path) && !includes(path)) return true;
    if (found === undefined) return false;
    return !(found.isFile() || (found.isDirectory() && found.size <= folderLimitBytes));
  }

  function note(path: string): void {
    const now = performance.now();
    if (now - sinceMs > changesWithinMs) {
      sinceMs = now;
      recent = 0;
    }
    changes += 1;
    recent += 1;
    if (recent > changesLimit) end(new Error(`more than ${changesLimit} changes within ${changesWithinMs / 1_000} s`));
    else onChange?.(path);
    if (isOpen && changes > renewAfterChanges) begin();
  }

  function end(reason: Error): void {
    if (!isOpen) return;
    close();
    onEnd(reason);
  }

  async function open(): Promise<void> {
    const { FSWatcher: Watcher } = await loadChokidar();
    if (!isOpen || paths.length === 0) return;
    letGo();
    changes = 0;
    const fresh = new Watcher({
      ignored: isIgnored,
      followSymlinks: false,
      usePolling: false,
      atomic: false,
      awaitWriteFinish: { stabilityThreshold: quietMs, pollInterval: pollMs },
    });
    watcher = fresh;
    // Until then it does not wait for files to be quiet.
    const report = (path: string) => {
      if (watcher === fresh && isReady) onFile(path);
    };
    fresh
      .on('ready', () => {
        const watched = fresh.getWatched();
        // A file that was deleted meanwhile is no error of chokidar's.
        if (watcher !== fresh) return;
        isReady = paths.every((path) => watched[dirname(path)]?.includes(basename(path)));
        onReady();
      })
      .on('add', report)
      .on('change', report)
      .on('unlink', report)
      .on('raw', (_event, _name, details) => {
        const { watchedPath = '' } = details as { watchedPath?: string }; // as chokidar's handler.js gives it
        if (watcher === fresh) note(watchedPath);
      })
      .on('error', (thrown) => {
        const { path = '' } = thrown as NodeJS.ErrnoException; // an error of the system has one
        // This is about one file that was replaced during the wait.
        const isOfFile = fileTroubles.has(systemCode(thrown)) && !roots.has(path);
        if (watcher === fresh && !isOfFile) end(thrown instanceof Error ? thrown : new Error(String(thrown)));
      });
    fresh.add(paths);
  }

  function letGo(): void {
    const old = watcher;
    watcher = null;
    isReady = false;
    if (old === null) return;
    void old.close(); // its promise waits for handles that poll
    // It opens itself again for a file whose deletion it notices only now.
    old.add = () => old;
    // It goes on asking for files that grow, and an error without a listener ends the process.
    old._pendingWrites.clear();
    old.on('error', () => {});
  }

  function close(): void {
    isOpen = false;
    isReady = false;
    letGo();
  }

  function begin(): void {
    open().catch((thrown: unknown) => end(thrown instanceof Error ? thrown : new Error(String(thrown))));
  }

  begin();
  return { isLive: () => isReady && paths.length === options.paths.length, close };
}

/** chokidar takes a backslash for a slash; and a folder of many files is left to the caller's polling. */
function isWatchable(path: string): boolean {
  if (path.includes('\\')) return false;
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && (found.isFile() || (found.isDirectory() && found.size <= folderLimitBytes));
}
