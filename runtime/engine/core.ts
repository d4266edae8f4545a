/** The parts that every engine is made of, whether it lives for days, for a moment, or only reads: put together here, started elsewhere. */
import { setTimeout as delay } from 'node:timers/promises';
import { createTrees, type Tree } from '../../actors/tree.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../machines/vocabulary/ids.ts';
import { createCommands } from '../commands/commands.ts';
import type { DaemonConfig, RepoOverrides } from '../config/config.ts';
import { createSettings } from '../config/settings.ts';
import { createApp } from '../control/app.ts';
import { type Bus, createBus } from '../inbox/facts.ts';
import { createPump } from '../inbox/pump.ts';
import { createTreeCache } from '../inbox/tree-cache.ts';
import { createVerdicts } from '../inbox/verdicts.ts';
import { agentsAtWork } from '../outbox/requeue.ts';
import type { Limits } from '../outbox/slots.ts';
import type { Clock } from '../platform/clock.ts';
import { type Faults, noFaults } from '../platform/faults.ts';
import type { Log } from '../platform/log.ts';
import { createViews } from '../queries/queries.ts';
import { openProjects } from '../repos/registry.ts';
import { openStore } from '../store/sqlite/store.ts';
import { openTimeline } from '../store/timeline.ts';

export interface CoreOptions {
  readonly home: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What agents are started with, where this one starts any. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly faults?: Faults;
  readonly readonly?: boolean;
  /** There is no store yet, and none is made: an empty one is read. */
  readonly isAbsent?: boolean;
  /** Another process owns the home: its store is written to as it is. */
  readonly isShared?: boolean;
  readonly maxPageCount?: number;
  readonly overrides?: RepoOverrides;
  /** Another daemon.toml than the home's. */
  readonly configFile?: string;
  /** Whether the home is still this process's. Default: yes. */
  isOwner?(): boolean;
  /** Something was asked for or withdrawn. */
  onEffects(): void;
  /** Waits until the signal has its verdict, or `waitMs` have passed. */
  settled(core: Core, id: number, waitMs: number): Promise<void>;
  /** Agents of that plan may start until the returned function is called. */
  watch(project: string, plan: string): () => void;
  /** Whether this engine starts agents of that plan at all. */
  mayStart(project: string, plan: string): boolean;
  /** Why a repo cannot be used now; null: it can. Default: nobody looks. */
  troubleOf?(project: string): string | null;
  /** Resolves when no agent of the project runs any more; default: when the rows say so. Throws `unavailable` after a minute. */
  runsEnded?(core: Core, project: string): Promise<void>;
}

export type Core = Awaited<ReturnType<typeof createCore>>;

function limitsOf({ maxAgents, maxAgentsPerRepo, maxCoordinators }: DaemonConfig): Limits {
  return { workers: maxAgents, workersPerRepo: maxAgentsPerRepo, coordinators: maxCoordinators };
}

/** Opens the store and puts the parts together; nothing runs yet. Throws what the store and the configuration throw. */
export async function createCore(options: CoreOptions) {
  const { home, clock, log } = options;
  const faults = options.faults ?? noFaults;
  const settings = createSettings(home, options.configFile);
  const { readonly = false, isAbsent = false, isShared = false, maxPageCount } = options;
  const store = openStore(home, {
    readonly,
    isAbsent,
    isShared,
    faults,
    ...(maxPageCount === undefined ? {} : { maxPageCount }),
  });
  const { port } = store;
  const timeline = await openTimeline(port, clock);
  const nowMs = () => clock.nowMs();
  const projects = await openProjects({
    store: store.port,
    settings,
    overrides: options.overrides ?? {},
    log,
    nowMs,
  });
  const trees = createTrees();
  const cache = createTreeCache({ store: port, trees });
  const sync = {
    forget: cache.forget,
    get(address: TreeAddress): { readonly tree: Tree } | null {
      const row = cache.peek(address) === null ? store.trees.read(address) : null;
      return row === null ? cache.peek(address) : { tree: trees.restore(address, row.stored) };
    },
  };
  const bus: Bus = createBus();
  const verdicts = createVerdicts(port);
  const { policyOf } = projects;
  const pump = createPump({
    store: port,
    trees,
    cache,
    bus,
    clock,
    timeline,
    log,
    faults,
    policyOf,
    isOwner: () => options.isOwner?.() ?? true,
    onEffects: options.onEffects,
    onVerdicts: verdicts.tell,
  });
  const limits = () => limitsOf(settings.current());
  const views = createViews({
    home,
    store: store.port,
    cache,
    clock,
    timeline,
    projects,
    limits,
    mayStart: options.mayStart,
    ...given(options),
  });

  /** Resolves at the verdict of a pump that runs by itself. */
  function awaitVerdict(id: number, waitMs: number): Promise<void> {
    pump.poke();
    return verdicts.wait(id, waitMs);
  }

  const commands = createCommands({
    store: port,
    cache,
    projects,
    views,
    clock,
    settings,
    log,
    env: options.env ?? process.env,
    settled: (id, waitMs) => options.settled(core, id, waitMs),
    runsEnded: (project) => (options.runsEnded ?? runsEnded)(core, project),
    onChange: options.onEffects,
  });
  const watch = options.watch;
  const app = createApp({ store: store.port, views, commands, bus, log, startedAtMs: clock.nowMs(), nowMs, watch });
  const core = {
    home,
    settings,
    store,
    projects,
    trees,
    cache,
    live: sync,
    bus,
    pump,
    views,
    commands,
    app,
    limits,
    faults,
    log,
    clock,
    timeline,
    awaitVerdict,
    /** Lets go of what was opened here. May be called twice. */
    close() {
      projects.release();
      store.close();
    },
  };
  return core;
}

function given({ troubleOf }: CoreOptions): Pick<CoreOptions, 'troubleOf'> {
  return troubleOf === undefined ? {} : { troubleOf };
}

/** TERM, the grace, KILL, and some room. */
const endLimitMs = 60_000;
const endPollMs = 50;

async function runsEnded({ store, pump }: Core, project: string): Promise<void> {
  pump.poke();
  const lives = async () => (await agentsAtWork(store.port)).filter((row) => row.project === project);
  const untilMs = performance.now() + endLimitMs;
  while ((await lives()).length > 0 && performance.now() < untilMs) await delay(endPollMs);
  const left = await lives();
  if (left.length === 0) return;
  throw new EngineError(
    'unavailable',
    `${left.map(({ wish, plan }) => `${wish} of plan ${plan}`).join(', ')}: not ended in ${endLimitMs / 1_000} s`,
    `the repo stays; see what lives with: stator instance list --project ${project}, then ask again`,
  );
}
