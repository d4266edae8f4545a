/** The parts of every engine, without its background services. */
import { existsSync, readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import type { AnyDefinition } from '../../actors/definition.ts';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { storedSupervisor } from '../../actors/stored-tree.ts';
import { treesOf } from '../../actors/tree.ts';
import type { Lane } from '../../machines/vocabulary/effect.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { supervisorTree } from '../../machines/vocabulary/ids.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { type CommandDependencies, createCommands, type OperationParts } from '../api/commands/commands.ts';
import { createApp, createAppForHosts } from '../api/control/app.ts';
import { namedOrigin } from '../api/control/principal.ts';
import type { AppParts, Host, Inspect } from '../api/control/route.ts';
import { createMcpSessions } from '../api/mcp/sessions.ts';
import { createViews } from '../api/queries/queries.ts';
import {
  type DaemonConfig,
  loadDaemonConfig,
  type RepoOverrides,
  type StorePlace,
  storePlace,
} from '../base/config/config.ts';
import { createSettings } from '../base/config/settings.ts';
import type { Clock } from '../base/platform/clock.ts';
import type { HomeEngine, NotStarting } from '../base/platform/home-engine.ts';
import { later } from '../base/platform/later.ts';
import type { Log } from '../base/platform/log.ts';
import { createTroubles } from '../base/platform/poll-loop.ts';
import { createBus, createVerdicts } from '../core/inbox/facts.ts';
import { createPump } from '../core/inbox/pump.ts';
import { createTreeCache } from '../core/inbox/tree-cache.ts';
import type { EffectCarrier } from '../core/outbox/carrier.ts';
import type { Limits } from '../core/outbox/slots.ts';
import type { Store } from '../core/store/port.ts';
import { homeEngine, type Owner } from '../core/store/sqlite/owner.ts';
import { openStore } from '../core/store/sqlite/store.ts';
import { openTimeline } from '../core/store/timeline.ts';
import { createFlagCheck } from '../work/agents/presets/known-flags.ts';
import { createTerminal } from '../work/agents/terminal.ts';
import { secretSearch } from '../work/effects/secrets/search.ts';
import { createForgeStates } from '../work/forges/forge-states.ts';
import { createCleaning } from '../work/gc/gc.ts';
import { createDeliveries } from '../work/intake/deliveries.ts';
import { claimantOf } from '../work/repos/engine-lock.ts';
import { openProjects } from '../work/repos/registry.ts';
import { createRepoLocks } from '../work/repos/repo-locks.ts';
import { createResources } from '../work/sandbox/resources.ts';
import { createWalls } from '../work/sandbox/walls.ts';
import { copyBeforeMigration } from './backup-watch.ts';
import { followHosts } from './host-changes.ts';
import type { EngineOptions } from './options.ts';
import { otherEngineOf } from './other-engines.ts';
import { answerHosts, createRelay } from './relay.ts';
import { createSentSignals, type EffectRunner, type EngineMode } from './sent-signals.ts';
import { createEngineState, createOwnership, type EngineState, viewedPlan, watchPlan } from './state.ts';
import { noteUnknownRuns } from './store-copies.ts';

const loadWhatIf = later(() => import('./what-if.ts'));

/** The options of a program's engine that its parts take as they are. */
type Chosen = Pick<
  EngineOptions,
  | 'faults'
  | 'maxPageCount'
  | 'store'
  | 'configFile'
  | 'onlyWatched'
  | 'graceMs'
  | 'hookRetryMs'
  | 'pullRequestLookMs'
  | 'forgeAnswerMs'
  | 'cleaningEveryMs'
  | 'intakeLookMs'
  | 'chatLookMs'
>;

export interface CoreOptions extends Readonly<Chosen> {
  readonly home: string;
  readonly mode: EngineMode;
  readonly clock: Clock;
  readonly log: Log;
  /** The owner of the home, if this process is it. */
  readonly owner?: Owner;
  /** The environment of agents that this engine starts. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** There is no store yet, and none is made: an empty one is read. */
  readonly isAbsent?: boolean;
  readonly overrides?: RepoOverrides;
  readonly machines?: readonly AnyDefinition[];
  /** The daemon that this engine lives in; default: none. */
  readonly host?: Host;
  /** Serves the live page; default: there is none. */
  readonly inspect?: Inspect;
}

/** The parts of every engine. */
export type Parts = Awaited<ReturnType<typeof openParts>>;

const graceMs = 10_000;

function limitsOf({ maxAgents, maxAgentsPerRepo, maxCoordinators }: DaemonConfig): Limits {
  return { workers: maxAgents, workersPerRepo: maxAgentsPerRepo, coordinators: maxCoordinators };
}

/** Opens the store; no work begins yet. `runner` is called when a verb needs one; null: no effect is carried out here. Throws as `createCore`. */
export async function openParts(options: CoreOptions, runner: () => EffectRunner | null) {
  const ground = await openGround(options);
  const inbox = await openInbox(ground);
  const views = openViews(ground, inbox, options);
  const commands = openCommands({ ...ground, ...inbox, ...views }, options, runner);
  const api = openApi({ ...ground, ...inbox, ...views, ...commands }, options);
  const { store, timeline, projects, locks } = ground;
  return {
    ...{ ...ground, ...inbox, ...views, ...commands, ...api },
    bringIn: inbox.pump.addWith,
    hookRetryMs: options.hookRetryMs ?? null,
    pullRequestLookMs: options.pullRequestLookMs ?? null,
    cleaningEveryMs: options.cleaningEveryMs ?? null,
    intakeLookMs: options.intakeLookMs ?? null,
    chatLookMs: options.chatLookMs ?? null,
    /** Closes what was opened here. May be called twice. */
    close() {
      timeline.close();
      inbox.hostChanges?.stop();
      locks.release();
      projects.release();
      store.close();
    },
  };
}

type Ground = Awaited<ReturnType<typeof openGround>>;
type Inbox = Awaited<ReturnType<typeof openInbox>>;
type OpenedViews = ReturnType<typeof openViews>;
type OpenedCommands = ReturnType<typeof openCommands>;

/** The store, the settings in force, the repos, and what this machine can do. */
async function openGround(options: CoreOptions) {
  const { home, mode, clock, log, owner, faults, env = process.env, machines = [], overrides = {} } = options;
  const config = loadDaemonConfig(home, options.configFile);
  const place = storePlace(home, config, env, options.store);
  const state = createEngineState(config);
  const known = () => state.getSnapshot().context;
  const put = (inForce: DaemonConfig) => state.trigger.configured({ settings: inForce });
  const settings = createSettings({ current: () => known().settings, put }, home, options.configFile);
  const troubles = createTroubles({ log, report: (what, trouble) => state.trigger.troubleReported({ what, trouble }) });
  if (owner !== undefined) await copyBeforeMigration({ home, place, state, troubles, log });
  if (owner !== undefined && place.kind === 'file') await noteRuns(home, log);
  const { store: opened, epoch, carrier } = await openEngineStore(options, place, config);
  const store = mode === 'reads' ? forReading(opened) : opened;
  const ownsHome = owner === undefined ? () => mode === 'verb' : createOwnership({ home, owner, log, state });
  // A store in a file is lost with its home; one in PostgreSQL may have been taken by another home.
  const isOwner = place.kind === 'file' ? ownsHome : () => ownsHome() && store.loss() === null;
  const nowMs = () => clock.nowMs();
  const read = async () =>
    [await openTimeline(store, clock), await openProjects({ store, settings, overrides, log, nowMs })] as const;
  const [timeline, projects] = await read().catch((thrown: unknown) => {
    void carrier?.stop();
    store.close();
    throw thrown;
  });
  const onEffects = () => state.trigger.effectsMoved();
  const locks = createRepoLocks({
    ...{ home, projects, log },
    claimant: () => claimantOf(home, place.kind === 'postgres' ? place.shown : null),
    onTaken: onEffects,
  });
  const walls = createWalls(env);
  const { hooks: ownHooks = {}, agents: ownAgents = {} } = overrides;
  return {
    ...{ home, mode, env, machines, clock, log, faults, nowMs, ownHooks, ownAgents, place, state, settings, troubles },
    ...{ store, epoch, carrier, isOwner, timeline, projects, locks, walls, onEffects },
    ...{ resources: createResources(env, walls), terminal: createTerminal(env), secrets: secretSearch },
    graceMs: options.graceMs ?? graceMs,
    onSignals: () => state.trigger.signalsCame(),
    limits: () => limitsOf(known().settings),
    // Another [host] counts from the next start on.
    hostNames: [store.hosts?.own ?? (config.host.name || hostname()), ...config.host.labels],
    serviceTroubles: () => Object.values(known().serviceTroubles),
    storeTrouble: () => store.trouble(),
  };
}

/** The store may be an older copy: runs that it does not know go on, and none of them is started a second time. */
async function noteRuns(home: string, log: Log): Promise<void> {
  const unknown = await noteUnknownRuns(home);
  if (unknown.length === 0) return;
  log.warn(
    `the store is a copy from before ${counted(unknown.length, 'run')}; the plan that asks for such a run takes it over: ${unknown.join(', ')}`,
  );
}

/** Live trees, and what handles their signals. */
async function openInbox(ground: Ground) {
  const { mode, machines, clock, log, faults, state, troubles, store, isOwner, timeline, projects, onEffects } = ground;
  const { policyOf, hooksOf, machineHooks, isElsewhere } = projects;
  const trees = treesOf(kindsWith(machines.map(kindOf)));
  const cache = createTreeCache({ store, trees });
  const bus = createBus();
  const verdicts = createVerdicts(store);
  let cutOff: boolean | null = null;
  /** The pump checks it once, before the supervisor learns that this engine has begun. */
  async function wasCutOff(): Promise<boolean> {
    cutOff ??= store.hosts?.wasCutOff() ?? (await isUnderWay(store));
    return cutOff;
  }
  const pump = createPump({
    ...{ store, trees, cache, bus, clock, timeline, log, troubles, faults, isOwner, wasCutOff, onEffects },
    ...{ policyOf, hooksOf, machineHooks, isElsewhere },
    onVerdicts: verdicts.announce,
  });
  state.select(({ arrivals }) => arrivals).subscribe(pump.wake);
  const acts = mode === 'stays' || mode === 'verb';
  const hostChanges = acts
    ? await followHosts({ store, projects, cache, bus, pump, verdicts, troubles, onEffects })
    : null;
  return { trees, cache, bus, verdicts, pump, wasCutOff, hostChanges };
}

/** What may start here, and the answers to questions. */
function openViews(ground: Ground, { trees, cache, hostChanges }: Inbox, options: CoreOptions) {
  const { home, mode, env, machines, clock, state, store, timeline, projects, limits, hostNames } = ground;
  const isDrained = () => hostChanges?.isDrained() ?? false;
  const mayBegin = startableAgents(options, state);
  const startable = () => (isDrained() ? 'none' : mayBegin());
  const mayStart = (project: string, plan: string) => {
    if (projects.isElsewhere(project)) return true;
    const agents = startable();
    return agents === 'all' || (agents !== 'none' && agents.includes(viewedPlan(project, plan)));
  };
  /** The engine that owns the home, while this process owns it or only reads in it. */
  const engine = (): HomeEngine => {
    if (mode === 'verb') return { kind: 'none' };
    if (mode !== 'stays') return homeEngine(home, false);
    const kind = options.host !== undefined ? 'daemon' : options.onlyWatched === true ? 'run' : 'program';
    return { kind, pid: process.pid, answers: true };
  };
  const notStarting = (): NotStarting =>
    isDrained() && store.hosts !== undefined ? { kind: 'drained', host: store.hosts.own } : engine();
  const servedLast = new Map<Lane, string>();
  const views = createViews({
    ...{ home, env, store, cache, clock, timeline, projects, limits, hostNames, servedLast, mayStart, notStarting },
    ...{ kinds: trees.kinds, machines, storeTrouble: ground.storeTrouble, serviceTroubles: ground.serviceTroubles },
    troubleOf: (project) => state.getSnapshot().context.troubles.get(project) ?? projects.revokedText(project),
  });
  return { startable, engine, servedLast, views };
}

/** What changes something, each by signals. */
function openCommands(parts: Ground & Inbox & OpenedViews, options: CoreOptions, runner: () => EffectRunner | null) {
  const { home, mode, env, clock, log, faults, nowMs, store, timeline, projects, locks, isOwner, onEffects } = parts;
  const { trees, cache, pump, verdicts, views, settings, walls, resources, secrets, ownHooks } = parts;
  const { kinds } = trees;
  const stays = mode === 'stays';
  /** An engine that only reads takes no lock. */
  const lockRepo = async (project: string) => {
    if (stays || mode === 'verb') await locks.take(project);
  };
  const { settled, addSignal } = createSentSignals({ mode, store, pump, verdicts, projects, runner });
  const cleaning = createCleaning({
    ...{ home, store, projects, faults, log, nowMs, stays, lockRepo },
    // A machine that this engine does not have is unknown.
    differs: async (tree) => kinds.knows(tree) && (await views.verify(tree)).differs.length > 0,
    otherEngine: (repo) => otherEngineOf(home, repo),
  });
  const dependencies: CommandDependencies = {
    ...{ home, env, store, cache, kinds, projects, views, clock, settings, log, walls, secrets, resources, ownHooks },
    ...{ timeline, stays, locks, cleaning, lockRepo, settled, addSignal, graceMs: parts.graceMs },
    ...{ serviceTroubles: parts.serviceTroubles, storeTrouble: parts.storeTrouble },
    flagCheck: createFlagCheck(env),
    forgeAnswerMs: options.forgeAnswerMs,
    actingOrigin: namedOrigin,
    runsEnded: async (project) => runner()?.runsEnded(project),
    onChange: onEffects,
    onLines: pump.lookAgain,
  };
  const forgeStates = createForgeStates({ store, projects, clock, isOwner, onEffects });
  return { dependencies, commands: createCommands(dependencies), cleaning, forgeStates, settled };
}

/** The control API, for clients and for other hosts. */
function openApi(parts: Ground & Inbox & OpenedViews & OpenedCommands, { owner, host, inspect }: CoreOptions) {
  const { env, log, nowMs, state, settings, store, projects, bus, views, commands, dependencies, limits } = parts;
  const whatIf: OperationParts['whatIf'] = async (asked) => {
    await views.mustRead(asked.project, asked.plan);
    return (await loadWhatIf()).whatIf({ store, limits, pastOf: views.repoPast }, asked);
  };
  const begunMs = performance.now();
  const uptimeMs = host?.uptimeMs ?? (() => performance.now() - begunMs);
  const deliveries = createDeliveries({ env, store, projects, nowMs, intakes: () => settings.current().intakes });
  const api: AppParts = {
    ...{ store, views, commands, bus, log, uptimeMs, nowMs, host: host ?? null },
    watch: (project, plan) => watchPlan(state, project, plan),
    lock: () => owner?.lock() ?? null,
    mcp: createMcpSessions(),
    inspect: inspect ?? host?.inspect ?? null,
    relay: createRelay({ store, projects }),
    parts: { ...dependencies, commands, deliveries, whatIf, uptimeMs },
  };
  return {
    ...{ api, deliveries, app: createApp(api) },
    /** Answers requests of other hosts, until the returned function is called. */
    answerOthers: () => answerHosts(store, createAppForHosts(api), log),
    viewed: () => Object.keys(state.getSnapshot().context.viewers),
    watched: () => state.getSnapshot().context.watched,
  };
}

interface OpenedStore {
  readonly store: Store;
  /** The number that marks the effects of this engine in the store. */
  readonly epoch: number;
  /** The carrier of its effects; absent: this process does. */
  readonly carrier?: EffectCarrier;
}

/** The store at its place. Throws as `createCore`. */
async function openEngineStore(
  { home, mode, owner, isAbsent = false, maxPageCount, faults, log }: CoreOptions,
  place: StorePlace,
  { host }: DaemonConfig,
): Promise<OpenedStore> {
  if (place.kind === 'postgres') {
    // A home without it does not load its code.
    const { openPostgres } = await import('../core/store/postgres/store.ts');
    const { clones } = host;
    const own = { ...host, clones: clones === null || mode !== 'stays' ? null : clonesIn(clones) };
    const store = openPostgres(place, {
      faults,
      mayMigrate: owner !== undefined,
      isBrief: mode !== 'stays',
      host: own,
    });
    if (owner === undefined) return { store, epoch: 0 };
    try {
      const epoch = await store.own(home);
      if (mode !== 'stays') return { store, epoch };
      const { openDbosCarrier } = await import('../core/outbox/dbos.ts');
      return { store, epoch, carrier: await openDbosCarrier({ store, log }) };
    } catch (thrown) {
      store.close();
      throw thrown;
    }
  }
  const limit = maxPageCount === undefined ? {} : { maxPageCount };
  const how = { readonly: mode === 'reads', isAbsent, isShared: mode === 'inbox', faults, ...limit };
  return { store: openStore(home, how), epoch: owner?.epoch ?? 0 };
}

/** An empty store in memory, and a database of PostgreSQL, would take a change, which is then lost or made without an engine. */
function forReading(store: Store): Store {
  const commit = async () => {
    throw new EngineError(
      'unavailable',
      'no engine owns the home, so the store is open for reading only: nothing was changed',
      "start an engine: stator daemon start; in a program: connect({ env, mode: 'write' })",
    );
  };
  return { ...store, commit };
}

/** The names in the folder of clones. */
function clonesIn(folder: string): string[] {
  const found = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return found.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
}

/** Whether the supervisor did not learn of the end of the engine before this one. */
async function isUnderWay(store: Store): Promise<boolean> {
  const row = await store.tree(supervisorTree);
  return row !== null && !storedSupervisor(supervisorTree, row.stored).has('engine:stopped');
}

/** The plans whose agents may start, each as `<project>/<plan>`. */
function startableAgents({ mode, onlyWatched }: CoreOptions, state: EngineState): () => 'all' | 'none' | string[] {
  if (mode !== 'stays') return () => 'none';
  return () => (onlyWatched === true ? [...state.getSnapshot().context.watched] : 'all');
}
