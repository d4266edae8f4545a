/**
 * One watcher for each repo, for all who would otherwise have to look often: where its signal folders come and go, at its branches, and at the files that
 * somebody trusted. A watcher makes a look prompt and never stands for one: everybody who is told here also looks at regular times, seldom where the watcher
 * lives, often where not.
 */
import { basename, dirname, join, relative } from 'node:path';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { createFolderWatcher, type FolderWatcher } from '../../base/platform/folder-watcher.ts';
import type { Log } from '../../base/platform/log.ts';
import { placesOfSignals } from '../git/signal-paths.ts';
import { createConfigWatcher } from './config-watcher.ts';

export type RepoChange =
  /** `folder`: of signals, or one on the way to such a folder, which has come or gone. What is dropped into it is told by a watch of its own. */
  | { readonly topic: 'signals'; readonly project: string; readonly folder: string }
  | { readonly topic: 'refs'; readonly project: string }
  /** The main repository's folder itself was moved or deleted, or its `.git` was. */
  | { readonly topic: 'folder'; readonly project: string }
  /** A file that decides what the repo starts was written, or deleted. */
  | { readonly topic: 'config'; readonly project: string };

export interface RepoWatchers {
  /** Calls `listener` at every change, until the returned function is called. It must not throw. */
  subscribe(listener: (change: RepoChange) => void): () => void;
  /** A repo's watcher, not open yet, one at a time. Whoever asks for it closes it. */
  create(project: string): RepoWatcher;
  /** Whether every change of that repo's branches is told now. */
  tellsOfRefs(project: string): boolean;
}

export interface RepoPlaces {
  readonly main: string;
  /** Where its worktrees are, or will be: absolute, real where it is there. null: outside of the repository, and not there yet. */
  readonly worktrees: string | null;
}

export interface RepoWatcher {
  /** Opens it, or opens it anew where the places are others; where it ended by itself, once some time has passed. */
  keep(places: RepoPlaces): void;
  /** Whether every change is told now, but for branches. */
  isLive(): boolean;
  tellsOfRefs(): boolean;
  /** It did not tell of something, or the repo is away: it is opened anew at the next `keep`. */
  reset(): void;
  /** May be called twice. */
  close(): void;
}

/** A folder's own size, which on common file systems stands for some thousands of names. */
const folderLimitBytes = 256 * 1024;
/** Some hundreds of names: git makes and deletes files beside branches at every commit, and each of them is told. */
const refsLimitBytes = 16 * 1024;
/** One that ended by itself is tried again after this. */
const retryMs = 30_000;

export interface RepoWatchersParts {
  readonly log: Log;
  /** The files of a repo beside its configuration and its prompts on which its trust depends; absolute. Must not throw. */
  trustedFiles(project: string): readonly string[];
}

export function createRepoWatchers({ log, trustedFiles }: RepoWatchersParts): RepoWatchers {
  const listeners = new Set<(change: RepoChange) => void>();
  const open = new Map<string, RepoWatcher>();
  const tell = (change: RepoChange): void => {
    for (const listener of listeners) listener(change);
  };
  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    create(project) {
      const watcher = createRepoWatcher({ project, log, tell, trustedFiles: () => trustedFiles(project) });
      open.set(project, watcher);
      return watcher;
    },
    tellsOfRefs: (project) => open.get(project)?.tellsOfRefs() ?? false,
  };
}

interface RepoWatcherParts {
  readonly project: string;
  readonly log: Log;
  tell(change: RepoChange): void;
  trustedFiles(): readonly string[];
}

function createRepoWatcher({ project, log, tell, trustedFiles }: RepoWatcherParts): RepoWatcher {
  const configWatcher = createConfigWatcher({ trustedFiles, onChange: () => tell({ topic: 'config', project }) });
  let open: { places: RepoPlaces; watcher: FolderWatcher } | null = null;
  let retryAtMs = 0;
  let told: string | null = null;

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
        if (change !== null) tell({ project, ...change });
      },
      onEnd(reason) {
        open = null;
        retryAtMs = performance.now() + retryMs;
        const { message, code } = reason as NodeJS.ErrnoException; // an error of the system has a code
        const why = code === 'ENOSPC' || code === 'EMFILE' ? `${message}; ${limitHint}` : message;
        if (why !== told) log.info(`folders of ${project} are looked at every second, and not watched: ${why}`);
        told = why;
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
    tellsOfRefs: () => isComplete({ refs: true }),
    reset: close,
    close,
  };
}

const limitHint = 'this user has no more watches: raise fs.inotify.max_user_watches and max_user_instances (sysctl)';

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith('../');
}

/** The folders on the way to those of signals, and where git keeps branches. */
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

/** Whether it is one of these parts of the repo, or of a worktree. */
function isInTree(places: RepoPlaces, folder: string, parts: readonly string[]): boolean {
  return parts.some((part) => {
    const root = folder.slice(0, -part.length - 1);
    return join(root, part) === folder && (root === places.main || isWorktree(places, root));
  });
}

function isOfRefs(way: string): boolean {
  return ['.git', '.git/refs', '.git/refs/heads', '.git/reftable'].includes(way) || way.startsWith('.git/refs/heads/');
}

/** What a change of the entry `name` may mean; null: nothing to anybody. */
function changeIn(
  places: RepoPlaces,
  folder: string,
  name: string | null,
): { topic: 'signals'; folder: string } | { topic: 'refs' } | { topic: 'folder' } | null {
  const way = relative(places.main, folder);
  // What is watched says its own name where it goes itself.
  if (way === '' && (name === null || name === basename(folder) || name === '.git')) return { topic: 'folder' };
  if (way === '.git') return name === null || name === 'packed-refs' || name === 'refs' ? { topic: 'refs' } : null;
  if (isOfRefs(way)) return name?.endsWith('.lock') === true ? null : { topic: 'refs' };
  const path = name === null ? folder : join(folder, name);
  const isOnTheWay = folder === places.worktrees || isWatched(places, path) || isInTree(places, path, placesOfSignals);
  return isOnTheWay ? { topic: 'signals', folder: path } : null;
}
