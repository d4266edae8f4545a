/** Turns signal files of all registered repos into signals. The registry reports repos that are added or removed meanwhile. */
import type { Kinds } from '../../../actors/kind.ts';
import type { Faults } from '../../base/platform/faults.ts';
import type { Log } from '../../base/platform/log.ts';
import type { Troubles } from '../../base/platform/poll-loop.ts';
import type { Store } from '../../core/store/port.ts';
import type { Projects } from '../repos/registry.ts';
import type { RepoWatchers } from '../repos/repo-watchers.ts';
import { createRepoLoop, type RepoLoop } from './repo-loop.ts';

export interface GatewayParts {
  readonly home: string;
  readonly kinds: Kinds;
  readonly store: Pick<Store, 'commit' | 'effects' | 'launch' | 'plan' | 'run' | 'runs' | 'signal'>;
  readonly projects: Projects;
  readonly watchers: RepoWatchers;
  readonly faults?: Faults | undefined;
  readonly log: Log;
  readonly troubles: Troubles;
  readonly nowMs: () => number;
  /** Whether the home is still ours; otherwise no file is collected. */
  isOwner(): boolean;
  /** Whether this engine works in the repo; otherwise the files are for another engine. */
  worksIn(project: string): boolean;
  /** Wakes the pump. Resolves when the signal is no longer pending, or after `waitMs`. */
  settled(id: number, waitMs: number): Promise<void>;
}

export interface Gateway {
  start(): void;
  /** Collects the signal files of a worktree in which no agent works any more. Resolves when they are in the inbox, or after 2 s. Never throws. */
  sweep(project: string, worktree: string): Promise<void>;
  /** Finishes the work under way, or leaves it to the next owner. May be called twice. */
  stop(): Promise<void>;
}

/** The most time to wait for a verdict, so that a stop is not delayed. */
const verdictWaitMs = 500;
const sweepLimitMs = 2_000;

export function createGateway(parts: GatewayParts): Gateway {
  const { home, kinds, store, projects, watchers, faults, log, troubles, nowMs } = parts;
  const loops = new Map<string, { repo: string; loop: RepoLoop }>();
  let isStopped = false;
  let unsubscribe = () => {};

  /** If the trusted configuration cannot be read any more, the worktrees are at the default place. */
  function worktreeDir(project: string): string {
    try {
      return projects.get(project).config.worktree.dir;
    } catch {
      return '.worktrees';
    }
  }

  function begin(project: string, repo: string): RepoLoop {
    return createRepoLoop({
      project,
      repo,
      home,
      kinds,
      store,
      projects,
      watchers,
      faults,
      log,
      troubles,
      nowMs,
      worktreeDir: () => worktreeDir(project),
      isOwner: () => parts.isOwner() && parts.worksIn(project),
      settled: async (id) => {
        if (!isStopped) await parts.settled(id, verdictWaitMs);
      },
    });
  }

  function compare(): void {
    if (isStopped) return;
    const registered = new Map(projects.list().map(({ project, path }) => [project, path]));
    for (const [project, { repo, loop }] of loops) {
      if (registered.get(project) === repo) continue;
      loops.delete(project);
      void loop.stop(); // never rejects, and is not awaited
    }
    for (const [project, repo] of registered)
      if (!loops.has(project)) loops.set(project, { repo, loop: begin(project, repo) });
  }

  return {
    start() {
      unsubscribe = projects.subscribe(compare);
      compare();
    },
    async sweep(project, worktree) {
      // An earlier owner's run may end before this has started.
      if (!loops.has(project)) compare();
      const loop = loops.get(project)?.loop;
      if (loop === undefined) return;
      let timeout: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timeout = setTimeout(resolve, sweepLimitMs);
      });
      await Promise.race([loop.sweep(worktree), limit]);
      clearTimeout(timeout);
    },
    async stop() {
      isStopped = true;
      unsubscribe();
      await Promise.all([...loops.values()].map(({ loop }) => loop.stop()));
      loops.clear();
    },
  };
}
