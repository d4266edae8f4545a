/**
 * Tells that something changed in one of several folders. What changed is found out by whoever looks then. The files in a folder are never watched each:
 * one watch a folder tells of all of them, and a burst of files costs one look. No symbolic link is followed. How much there may be to watch, and how
 * often it may change, is bounded: beyond that nothing is told, and whoever asks looks at regular times instead.
 */
import type { Dirent, Stats } from 'node:fs';
import type { FSWatcher } from 'chokidar';
import { later } from './later.ts';

/** Loaded by long-running engines only: no verb waits for it. */
const loadWatcher = later(async () => {
  const { FSWatcher } = await import('chokidar');
  /**
   * At each change chokidar reads the folder again and asks the system about every entry in it. What is a folder the reading says already, and nothing
   * else is watched here: for a worktree with many files at its top that is most of what watching costs.
   */
  return class extends FSWatcher {
    override _readdirp(root: string, { fileFilter, directoryFilter }: Filters = {}) {
      return super._readdirp(root, {
        alwaysStat: false,
        fileFilter: withKind(fileFilter),
        directoryFilter: withKind(directoryFilter),
      });
    }
  };
});

type Reading = NonNullable<Parameters<FSWatcher['_readdirp']>[1]>;
type Filters = Pick<Reading, 'fileFilter' | 'directoryFilter'>;
type EntryFilter = Extract<Reading['fileFilter'], (...entry: never[]) => boolean>;

/** chokidar and what it asks look for the kind of an entry in `stats`. */
function withKind(accepts: Reading['fileFilter']): EntryFilter {
  return (entry) => {
    Object.assign(entry, { stats: entry.dirent });
    return typeof accepts !== 'function' || accepts(entry);
  };
}

export interface FolderWatcherOptions {
  /** Absolute and real. One that is missing is not waited for. */
  readonly roots: readonly string[];
  /** Whether a folder below a root is watched. A folder is reached only where the folders on the way are watched too. */
  includes(folder: string): boolean;
  /** A folder whose own size, in bytes, is beyond this is not watched: at each change all of its names are read, and what they stand for. */
  limitBytes(folder: string): number;
  /** The entry `name` of `folder` was made, written, renamed or deleted; null: the system does not say which. */
  onChange(folder: string, name: string | null): void;
  /** The watch ended by itself, for a reason of the system or because there was too much to tell; said once. */
  onEnd(reason: Error): void;
}

export interface FolderWatcher {
  /** Whether changes in all of these folders are told: they are being watched by now, and none was left out, or none of those that `counts` names. */
  isComplete(counts?: (folder: string) => boolean): boolean;
  /** Stops all calls. May be called twice. */
  close(): void;
}

/** Folders of one watcher. Each takes one of the user's inotify watches, of which some systems allow 8,192 in all. */
const foldersLimit = 1_000;
/** Changes within so long: a busy repo stays far below, and a burst of files is seen by looking. */
const changesLimit = 2_000;
const changesWithinMs = 5_000;

/** Begins to watch in the background; until that is done, and for good where it cannot be, `isComplete` is false. */
export function createFolderWatcher(options: FolderWatcherOptions): FolderWatcher {
  const { roots, includes, limitBytes, onChange, onEnd } = options;
  const watched = new Set<string>();
  const leftOut = new Set<string>();
  let isReady = false;
  let isOpen = true;
  let changes = 0;
  let sinceMs = performance.now();
  let release = () => {};

  function end(reason: Error): void {
    if (!isOpen) return;
    close();
    onEnd(reason);
  }

  function close(): void {
    isOpen = false;
    release();
  }

  /** Asked with a path alone, with what the reading of its folder says, and with what lies there. */
  function isIgnored(path: string, found?: Stats | Dirent): boolean {
    if (!roots.includes(path) && !includes(path)) return true;
    if (found === undefined || watched.has(path)) return false;
    if (!found.isDirectory()) return true;
    if (!('size' in found)) return false;
    if (watched.size >= foldersLimit || found.size > limitBytes(path)) {
      leftOut.add(path);
      return true;
    }
    watched.add(path);
    return false;
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

  async function open(): Promise<void> {
    const Watcher = await loadWatcher();
    if (!isOpen) return;
    const watcher = new Watcher({
      ignored: isIgnored,
      ignoreInitial: true,
      followSymlinks: false,
      ignorePermissionErrors: true,
      atomic: false,
      usePolling: false,
    });
    release = () => void watcher.close(); // closes at once; what it answers is of handles that poll
    watcher
      .on('ready', () => {
        isReady = true;
        for (const root of roots) if (!watched.has(root)) leftOut.add(root);
      })
      .on('unlinkDir', (path) => void watched.delete(path))
      // What the system says, before any file is looked at: the other events are of watched files, of which there are none.
      .on('raw', (_event, name, told) => {
        const { watchedPath: folder } = told as { watchedPath?: string }; // as chokidar's handler.js gives it; none where it polls
        if (folder === undefined) note(name, null);
        else note(folder, name);
      })
      .on('error', (thrown) => end(thrown instanceof Error ? thrown : new Error(String(thrown))));
    watcher.add([...roots]);
  }

  open().catch((thrown: unknown) => end(thrown instanceof Error ? thrown : new Error(String(thrown))));
  return {
    isComplete: (counts = () => true) => isOpen && isReady && ![...leftOut].some(counts),
    close,
  };
}
