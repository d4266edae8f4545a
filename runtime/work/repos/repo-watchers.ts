/**
 * One file watcher for each repo, shared by all code that would otherwise poll often: for its signal folders, its branches, and its trusted files. A watcher
 * only makes a check prompt, and never replaces it: each listener also polls, seldom while the watcher works, often while it does not.
 */
import { basename, dirname, join, relative } from 'node:path';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { createFolderWatcher, type FolderWatcher } from '../../base/platform/folder-watcher.ts';
import type { Log } from '../../base/platform/log.ts';
import { placesOfSignals } from '../git/signal-paths.ts';
import { createConfigWatcher } from './config-watcher.ts';

export type RepoChange =
  /** `folder`: a signal folder, or a parent of one, was made or removed. A separate watch reports files inside it. */
  | { readonly topic: 'signals'; readonly project: string; readonly folder: string }
  | { readonly topic: 'refs'; readonly project: string }
  /** The main repository's folder itself was moved or deleted, or its `.git` was. */
  | { readonly topic: 'folder'; readonly project: string }
  /** A file that decides what the repo starts was written, or deleted. */
  | { readonly topic: 'config'; readonly project: string };

export interface RepoWatchers {
  /** Calls `listener` at each change until the returned function is called. It must not throw. */
  subscribe(listener: (change: RepoChange) => void): () => void;
  /** Creates a repo's watcher, not open yet; one per repo at a time. The caller closes it. */
  create(project: string): RepoWatcher;
  /** Whether every change of that repo's branches is reported now. */
  watchesRefs(project: string): boolean;
}

export interface RepoPlaces {
  readonly main: string;
  /** The absolute folder of its worktrees, the real path if it exists. null: outside of the repository, and not made yet. */
  readonly worktrees: string | null;
}

export interface RepoWatcher {
  /** Opens it, or opens it again if the places have changed, or some time after it ended by itself. */
  keep(places: RepoPlaces): void;
  /** Whether every change, except for branches, is reported now. */
  isLive(): boolean;
  watchesRefs(): boolean;
  /** Call it if the watcher missed a change, or if the repo is away: the next `keep` opens it again. */
  reset(): void;
  /** May be called twice. */
  close(): void;
}

/** The limit for a folder's own size, which on common file systems means some thousands of names. */
const folderLimitBytes = 256 * 1024;
/** Some hundreds of names: git makes and deletes files beside branches at every commit, and the watch reports each. */
const refsLimitBytes = 16 * 1024;
/** A watcher that ended by itself is started again after this time. */
const retryMs = 30_000;

export interface RepoWatchersParts {
  readonly log: Log;
  /** Absolute paths of further files of a repo on which its trust depends, besides its configuration and its prompts. Must not throw. */
  trustedFiles(project: string): readonly string[];
}

export function createRepoWatchers({ log, trustedFiles }: RepoWatchersParts): RepoWatchers {
  const listeners = new Set<(change: RepoChange) => void>();
  const open = new Map<string, RepoWatcher>();
  const notify = (change: RepoChange): void => {
    for (const listener of listeners) listener(change);
  };
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    create(project) {
      const watcher = createRepoWatcher({ project, log, notify, trustedFiles: () => trustedFiles(project) });
      open.set(project, watcher);
      return watcher;
    },
    watchesRefs: (project) => open.get(project)?.watchesRefs() ?? false,
  };
}

interface RepoWatcherParts {
  readonly project: string;
  readonly log: Log;
  notify(change: RepoChange): void;
  trustedFiles(): readonly string[];
}

function createRepoWatcher({ project, log, notify, trustedFiles }: RepoWatcherParts): RepoWatcher {
  const configWatcher = createConfigWatcher({ trustedFiles, onChange: () => notify({ topic: 'config', project }) });
  let open: { places: RepoPlaces; watcher: FolderWatcher } | null = null;
  let retryAtMs = 0;
  let loggedReason: string | null = null;

  function close(): void {
    open?.watcher.close();
    open = null;
    configWatcher.close();
  }

  function begin(places: RepoPlaces): FolderWatcher {
    const { main, worktrees } = places;
    return createFolderWatcher({
      roots: worktrees === null || isBelow(main, worktrees) ? [main] : [main, worktrees],
      includes: (folder) => isWatched(places, folder),
      limitBytes: (folder) => (isOfRefs(relative(main, folder)) ? refsLimitBytes : folderLimitBytes),
      onChange(folder, name) {
        const change = changeIn(places, folder, name);
        if (change !== null) notify({ project, ...change });
      },
      onEnd(reason) {
        open = null;
        retryAtMs = performance.now() + retryMs;
        const { message, code } = reason as NodeJS.ErrnoException; // a system error has a code
        const why = code === 'ENOSPC' || code === 'EMFILE' ? `${message}; ${limitHint}` : message;
        if (why !== loggedReason) log.info(`folders of ${project} are looked at every second, and not watched: ${why}`);
        loggedReason = why;
      },
    });
  }

  function isComplete(of: { readonly refs: boolean }): boolean {
    if (open === null) return false;
    const { places, watcher } = open;
    return watcher.isComplete((folder) => isOfRefs(relative(places.main, folder)) === of.refs);
  }

  return {
    keep(places) {
      configWatcher.keep(places.main);
      const isSame = open?.places.main === places.main && open.places.worktrees === places.worktrees;
      if (isSame || (open === null && performance.now() < retryAtMs)) return;
      open?.watcher.close();
      open = null;
      try {
        open = { places, watcher: begin(places) };
      } catch (thrown) {
        retryAtMs = performance.now() + retryMs;
        log.debug(`folders of ${project} are not watched: ${messageOf(thrown)}`);
      }
    },
    isLive: () => isComplete({ refs: false }),
    watchesRefs: () => isComplete({ refs: true }),
    reset: close,
    close,
  };
}

const limitHint = 'this user has no more watches: raise fs.inotify.max_user_watches and max_user_instances (sysctl)';

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith('../');
}

/** The parents of signal folders, and git's folders of branches. */
function isWatched(places: RepoPlaces, folder: string): boolean {
  const { main, worktrees } = places;
  return (
    folder === worktrees ||
    (worktrees !== null && isBelow(folder, worktrees)) ||
    isWorktree(places, folder) ||
    isInTree(places, folder, placesOfSignals.map(dirname)) ||
    isOfRefs(relative(main, folder))
  );
}

function isWorktree({ worktrees }: RepoPlaces, folder: string): boolean {
  return dirname(folder) === worktrees && !basename(folder).startsWith('.');
}

/** Whether the path is one of these parts of the repo, or of a worktree. */
function isInTree(places: RepoPlaces, folder: string, parts: readonly string[]): boolean {
  return parts.some((part) => {
    const root = folder.slice(0, -part.length - 1);
    return join(root, part) === folder && (root === places.main || isWorktree(places, root));
  });
}

function isOfRefs(way: string): boolean {
  return ['.git', '.git/refs', '.git/refs/heads', '.git/reftable'].includes(way) || way.startsWith('.git/refs/heads/');
}

/** The possible meaning of a change of the entry `name`; null: none. */
function changeIn(
  places: RepoPlaces,
  folder: string,
  name: string | null,
): { topic: 'signals'; folder: string } | { topic: 'refs' } | { topic: 'folder' } | null {
  const way = relative(places.main, folder);
  // A watched folder reports its own name when it is itself removed.
  if (way === '' && (name === null || name === basename(folder) || name === '.git')) return { topic: 'folder' };
  if (way === '.git') return name === null || name === 'packed-refs' || name === 'refs' ? { topic: 'refs' } : null;
  if (isOfRefs(way)) return name?.endsWith('.lock') === true ? null : { topic: 'refs' };
  const path = name === null ? folder : join(folder, name);
  const isOnTheWay = folder === places.worktrees || isWatched(places, path) || isInTree(places, path, placesOfSignals);
  return isOnTheWay ? { topic: 'signals', folder: path } : null;
}
