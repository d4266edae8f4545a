/** An engine's locks of its repos: taken before it works in a repo, checked periodically, released when the repo is removed and at the end. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Log } from '../../base/platform/log.ts';
import { gitFolderAt } from '../git/git-folder.ts';
import { agentsAtWork, type Claimant, type EngineLock, takeEngineLock } from './engine-lock.ts';
import type { Projects } from './registry.ts';

export interface RepoLocks {
  /** Takes the lock of the repo, or checks that it is still held. Throws `elsewhere` if another engine has it, and as `takeEngineLock`. */
  take(project: string): Promise<void>;
  /** Checks whether the lock of an unregistered repository could be taken. Throws the same errors. */
  tryAt(repository: { readonly path: string; readonly project: string }): Promise<void>;
  /** The state at the last check. */
  holds(project: string): boolean;
  /** The registered repos of this machine whose locks this engine does not have. */
  missing(): readonly string[];
  /**
   * Takes the locks of the given repos, and from now on releases the lock of each removed repo. A later use of the repo reports why its lock could not be
   * taken.
   */
  start(projects: readonly string[]): Promise<void>;
  /** Releases all locks, except for repos in which agents go on. May be called twice. */
  release(): void;
}

interface Held {
  readonly lock: EngineLock;
  readonly path: string;
  readonly commonDir: string;
}

export function createRepoLocks(parts: {
  readonly home: string;
  readonly projects: Pick<Projects, 'find' | 'list' | 'subscribe'>;
  readonly log: Log;
  /** Called once, when the first lock is taken. */
  claimant(): Claimant;
  /** Called when work that waited for a lock may begin. */
  onTaken(): void;
}): RepoLocks {
  const { home, projects, log } = parts;
  const held = new Map<string, Held>();
  const taking = new Map<string, Promise<void>>();
  let self: Claimant | null = null;
  let isOver = false;
  let unsubscribe = () => {};

  function take(project: string): Promise<void> {
    const known = taking.get(project) ?? takeNow(project).finally(() => taking.delete(project));
    taking.set(project, known);
    return known;
  }

  async function takeNow(project: string): Promise<void> {
    const row = projects.find(project);
    if (row === null || isOver) return;
    const commonDir = gitFolderAt(row.path);
    const before = held.get(project);
    if (before?.commonDir === commonDir && before.lock.isThere()) return;
    if (before !== undefined)
      log.warn(`the lock of ${project} in ${before.commonDir} is gone, changed or unreadable: it is taken anew`);
    letGo(project);
    // Two checkouts may share a git folder, and so a lock.
    const shared = [...held.values()].find((other) => other.commonDir === commonDir);
    const lock = shared?.lock ?? (await takeEngineLock({ commonDir, path: row.path, project }, claimant()));
    if (isOver) lock.release();
    else held.set(project, { lock, commonDir, path: row.path });
    parts.onTaken();
  }

  function claimant(): Claimant {
    self ??= parts.claimant();
    return self;
  }

  function letGo(project: string): void {
    const found = held.get(project);
    held.delete(project);
    if (found !== undefined && ![...held.values()].some(({ lock }) => lock === found.lock)) found.lock.release();
  }

  return {
    take,
    async tryAt({ path, project }) {
      const commonDir = gitFolderAt(path);
      if ([...held.values()].some((own) => own.commonDir === commonDir)) return;
      (await takeEngineLock({ commonDir, path, project }, claimant())).release();
    },
    holds: (project) => held.has(project),
    missing: () => projects.list().flatMap(({ project }) => (held.has(project) ? [] : [project])),
    async start(first) {
      unsubscribe = projects.subscribe(() => {
        const paths = new Map(projects.list().map((row) => [row.project, row.path]));
        for (const [project, { path }] of held) if (paths.get(project) !== path) letGo(project);
      });
      for (const project of first) {
        await take(project).catch((thrown: unknown) => {
          if (!(thrown instanceof EngineError)) throw thrown;
        });
        await nextTurn();
      }
    },
    release() {
      isOver = true;
      unsubscribe();
      if (held.size === 0) return;
      const agentOf = agentsAtWork(home);
      for (const project of [...held.keys()]) {
        // An engine of another home finds the file, and these agents.
        if (agentOf(project) === null) letGo(project);
        else held.delete(project);
      }
    },
  };
}
