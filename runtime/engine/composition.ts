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
import { placeOf, supervisorTree, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import { type CommandDependencies, createCommands, type OperationParts } from '../api/commands/commands.ts';
import { keyed } from '../api/commands/signal-sender.ts';
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
import type { Faults } from '../base/platform/faults.ts';
import type { HomeEngine, NotStarting } from '../base/platform/home-engine.ts';
import { later } from '../base/platform/later.ts';
import type { Log } from '../base/platform/log.ts';
import { createTroubles } from '../base/platform/poll-loop.ts';
import type { ArrivingSignal } from '../core/inbox/arrivals.ts';
import { createBus, createVerdicts } from '../core/inbox/facts.ts';
import { createPump } from '../core/inbox/pump.ts';
import { createTreeCache } from '../core/inbox/tree-cache.ts';
import type { EffectCarrier } from '../core/outbox/carrier.ts';
import type { Dispatcher } from '../core/outbox/dispatcher.ts';
import type { Limits } from '../core/outbox/slots.ts';
import { type Change, insertSignal, type Store } from '../core/store/port.ts';
import { homeEngine, type Owner } from '../core/store/sqlite/owner.ts';
import { openStore } from '../core/store/sqlite/store.ts';
import { openTimeline } from '../core/store/timeline.ts';
import { concernsHere } from '../core/store/written.ts';
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
import { otherEngineOf } from './other-engines.ts';
import { answerHosts, createRelay } from './relay.ts';
import { createEngineState, createOwnership, type EngineState, viewedPlan } from './state.ts';

const loadWhatIf = later(() => import('./what-if.ts'));

/**
 * How signals are handled. `stays`: the engine handles them itself, and carries out their effects. `verb`: they are handled while the sender waits,
 * and agents that must stop are stopped; nothing is started. `inbox`: they are left to the owner of the home. `reads`: there are none.
 */
export type EngineMode = 'stays' | 'verb' | 'inbox' | 'reads';

export interface CoreOptions {
  readonly home: string;
  readonly mode: EngineMode;
  readonly clock: Clock;
  readonly log: Log;
  /** The owner of the home, if this process is it. */
  readonly owner?: Owner;
  /** The environment of agents that this engine starts. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly faults?: Faults;
  /** There is no store yet, and none is made: an empty one is read. */
  readonly isAbsent?: boolean;
  readonly maxPageCount?: number;
  /** The place of the store, in preference to daemon.toml. */
  readonly store?: string;
  readonly overrides?: RepoOverrides;
  /** Another daemon.toml than the home's. */
  readonly configFile?: string;
  /** Start only agents of plans that are watched. */
  readonly onlyWatched?: boolean;
  /** Milliseconds between asking processes to end and killing them. Default 10,000. */
  readonly graceMs?: number;
  /** Milliseconds before each further try of a hook. Default: eight of them over about eight hours. */
  readonly hookRetryMs?: readonly number[];
  readonly pullRequestLookMs?: number;
  readonly forgeAnswerMs?: number;
  readonly cleaningEveryMs?: number;
  readonly intakeLookMs?: number;
  readonly chatLookMs?: number;
  readonly machines?: readonly AnyDefinition[];
  /** The daemon that this engine lives in; default: none. */
  readonly host?: Host;
  /** Serves the live page; default: there is none. */
  readonly inspect?: Inspect;
}

/** The parts of every engine. */
export type Parts = Awaited<ReturnType<typeof openParts>>;

/** The part that carries out effects. */
export interface EffectRunner {
  readonly dispatcher: Pick<Dispatcher, 'carryOut'>;
  /** Resolves when no agent of the project runs any more. Throws `unavailable` where one does not end. */
  runsEnded(project: string): Promise<void>;
}

const graceMs = 10_000;

const hostsTrouble = { what: 'what other hosts have is not known' };

function limitsOf({ maxAgents, maxAgentsPerRepo, maxCoordinators }: DaemonConfig): Limits {
  return { workers: maxAgents, workersPerRepo: maxAgentsPerRepo, coordinators: maxCoordinators };
}

/** Opens the store; no work begins yet. `runner` is called when a verb needs one; null: no effect is carried out here. Throws as `createCore`. */
export async function openParts(options: CoreOptions, runner: () => EffectRunner | null) {
  const { home, mode, clock, log, owner, faults, env = process.env } = options;
  const walls = createWalls(env);
  const resources = createResources(env, walls);
  const terminal = createTerminal(env);
  const config = loadDaemonConfig(home, options.configFile);
  const place = storePlace(home, config, env, options.store);
  const state = createEngineState(config);
  const known = () => state.getSnapshot().context;
  const put = (settings: DaemonConfig) => state.trigger.configured({ settings });
  const settings = createSettings({ current: () => known().settings, put }, home, options.configFile);
  const troubles = createTroubles({ log, tell: (what, told) => state.trigger.serviceTold({ what, told }) });
  if (owner !== undefined) await copyBeforeMigration({ home, place, state, troubles, log });
  const { store, epoch, carrier } = await open(options, place, config);
  const ownsHome = owner === undefined ? () => mode === 'verb' : createOwnership({ home, owner, log, state });
  // A store in a file is lost with its home; one in PostgreSQL may have been taken by another home.
  const isOwner = place.kind === 'file' ? ownsHome : () => ownsHome() && store.loss() === null;
  const nowMs = () => clock.nowMs();
  const overrides = options.overrides ?? {};
  const { hooks: ownHooks = {} } = overrides;
  const read = async () =>
    [await openTimeline(store, clock), await openProjects({ store, settings, overrides, log, nowMs })] as const;
  const [timeline, projects] = await read().catch((thrown: unknown) => {
    void carrier?.stop();
    store.close();
    throw thrown;
  });
  const { policyOf, hooksOf } = projects;
  const locks = createRepoLocks({
    ...{ home, projects, log },
    claimant: () => claimantOf(home, place.kind === 'postgres' ? place.shown : null),
    onTaken: () => state.trigger.effectsMoved(),
  });
  /** An engine that only reads takes no lock. */
  const lockRepo = async (project: string) => {
    if (mode === 'stays' || mode === 'verb') await locks.take(project);
  };
  const { machines = [] } = options;
  const trees = treesOf(kindsWith(machines.map(kindOf)));
  const cache = createTreeCache({ store, trees });
  const bus = createBus();
  const verdicts = createVerdicts(store);
  const onEffects = () => state.trigger.effectsMoved();
  const onSignals = () => state.trigger.signalsCame();
  let cutOff: boolean | null = null;
  /** The pump checks it once, before the supervisor learns that this engine has begun. */
  async function wasCutOff(): Promise<boolean> {
    cutOff ??= store.hosts?.wasCutOff() ?? (await isUnderWay(store));
    return cutOff;
  }
  const pump = createPump({
    store,
    trees,
    cache,
    bus,
    clock,
    timeline,
    log,
    troubles,
    faults,
    policyOf,
    hooksOf,
    machineHooks: projects.machineHooks,
    isOwner,
    wasCutOff,
    isElsewhere: projects.isElsewhere,
    onEffects,
    onVerdicts: verdicts.announce,
  });
  state.select(({ arrivals }) => arrivals).subscribe(pump.wake);
  /** This host starts nothing new. */
  let isDrained = false;
  const unwatch = mode === 'stays' || mode === 'verb' ? await watchHosts() : () => {};
  const mayBegin = startableAgents(options, state);
  const startable = () => (isDrained ? 'none' : mayBegin());
  const limits = () => limitsOf(known().settings);
  // Another [host] counts from the next start on.
  const hostNames = [store.hosts?.own ?? (config.host.name || hostname()), ...config.host.labels];
  const serviceTroubles = () => Object.values(known().serviceTroubles);
  const troubleOf = (project: string) => known().troubles[project] ?? projects.revokedText(project);
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
    isDrained && store.hosts !== undefined ? { kind: 'drained', host: store.hosts.own } : engine();
  const servedLast = new Map<Lane, string>();
  const views = createViews({
    home,
    env,
    store,
    cache,
    clock,
    timeline,
    projects,
    limits,
    hostNames,
    servedLast,
    mayStart,
    notStarting,
    troubleOf,
    storeTrouble: () => store.trouble(),
    serviceTroubles,
    kinds: trees.kinds,
    machines,
  });

  /** What other hosts commit may give a verdict, free a slot, or end what runs here; and which repos they have is known here too. */
  async function watchHosts(): Promise<() => void> {
    const { hosts } = store;
    if (hosts === undefined) return () => {};
    // A tree without a repo is stepped by any host.
    const isOfOthers = (project: string) => project === '' || projects.isElsewhere(project);
    const look = async () => {
      try {
        await projects.readOthers();
        isDrained = (await hosts.list()).some(({ name, drained }) => name === hosts.own && drained !== null);
        bus.missedHere();
        pump.wake();
        onEffects();
        troubles.worked(hostsTrouble);
      } catch (thrown) {
        troubles.failed(hostsTrouble, thrown);
      }
    };
    await look();
    const ends = [
      store.watch((written) => {
        const isWritten = (tree: TreeAddress) => written === null || written.trees.includes(tree);
        cache.forgetThose((tree) => isWritten(tree) && isOfOthers(placeOf(tree).project));
        if (written?.freesSlots || concernsHere(written, projects.isElsewhere)) onEffects();
        void verdicts.look();
      }),
      hosts.watch(() => void look()),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  /** Resolves when the signal has its verdict, if the caller waits for one. */
  async function settled(id: number, waitMs: number): Promise<void> {
    if (mode === 'stays') {
      pump.wake();
      await verdicts.wait(id, waitMs);
    } else if (mode === 'verb') {
      await pump.drain();
      // Another host handles signals for its repos.
      if (store.hosts !== undefined) await verdicts.wait(id, waitMs);
      // The home is owned only for the merge or the pull request that a person asked for.
      await runner()?.dispatcher.carryOut('plan.merge', 'git');
      await runner()?.dispatcher.carryOut('plan.pull', 'forge');
      await pump.drain();
    } else if (mode === 'reads') {
      throw new EngineError(
        'unavailable',
        'the store is open for reading only',
        'start an engine: stator run <plan.md>',
      );
    }
  }

  /** For an engine of one verb: lands what is in line, until nothing of it can be done now. */
  async function carryLandings(): Promise<void> {
    for (;;) {
      const open = (await store.effects({ by: 'open' })).find(({ kind }) => kind.startsWith('landing.'));
      if (open === undefined) return;
      await runner()?.dispatcher.carryOut(open.kind, open.lane);
      await pump.drain();
      if (open.status === (await store.effect(open.key))?.status) return;
    }
  }

  async function addSignal(given: ArrivingSignal, waitMs: number, before: readonly Change[] = []): Promise<number> {
    const signal = keyed({ ...given, origin: namedOrigin(given.origin) });
    const isHere = !projects.isElsewhere(placeOf(signal.tree).project);
    const isWaitedFor = waitMs > 0 && before.length === 0 && isHere;
    const { id, isSettled } = isWaitedFor
      ? await pump.add(signal)
      : { id: await insertSignal(store, signal, before), isSettled: false };
    if (isSettled) return id;
    await settled(id, waitMs);
    if (mode === 'verb' && signal.type === 'land' && waitMs > 0) await carryLandings();
    await mustBeOwn(id, signal);
    return id;
  }

  /** The verdict on another signal is no answer. Throws `unavailable`. */
  async function mustBeOwn(id: number, { type, tree, dedupeKey = null }: ArrivingSignal): Promise<void> {
    const row = await store.signal(id);
    const { project, plan } = placeOf(tree);
    const isSame = row !== null && row.type === type && row.project === project && row.plan === plan;
    if (isSame || (dedupeKey !== null && row?.dedupe_key === dedupeKey)) return;
    throw new EngineError(
      'unavailable',
      `signal ${id} of the store is another one than the ${type} that was sent for ${tree}`,
      `see what became of it: stator signal list`,
    );
  }

  const cleaning = createCleaning({
    ...{ home, store, projects, faults, log, nowMs },
    stays: mode === 'stays',
    // A machine that this engine does not have is unknown.
    differs: async (tree) => trees.kinds.knows(tree) && !(await views.verify(tree)).ok,
    otherEngine: (repo) => otherEngineOf(home, repo),
    lockRepo,
  });
  const forgeStates = createForgeStates({ store, projects, clock, isOwner, onEffects });
  const parts: CommandDependencies = {
    cleaning,
    home,
    store,
    cache,
    kinds: trees.kinds,
    projects,
    views,
    clock,
    settings,
    log,
    env,
    walls,
    secrets: secretSearch,
    flagCheck: createFlagCheck(env),
    resources,
    ownHooks,
    timeline,
    graceMs: options.graceMs ?? graceMs,
    forgeAnswerMs: options.forgeAnswerMs,
    stays: mode === 'stays',
    locks,
    actingOrigin: namedOrigin,
    lockRepo,
    settled,
    addSignal,
    runsEnded: async (project) => runner()?.runsEnded(project),
    serviceTroubles,
    storeTrouble: () => store.trouble(),
    onChange: onEffects,
  };
  const commands = createCommands(parts);

  /** Agents of that plan may start until the returned function is called. */
  function watch(project: string, plan: string): () => void {
    const viewed = { plan: viewedPlan(project, plan) };
    state.trigger.viewed(viewed);
    let isOpen = true;
    return () => {
      if (isOpen) state.trigger.left(viewed);
      isOpen = false;
    };
  }

  const lock = () => owner?.lock() ?? null;
  const { host = null, inspect = host?.inspect ?? null } = options;
  const mcp = createMcpSessions();
  const whatIf: OperationParts['whatIf'] = async (asked) => {
    await views.mustRead(asked.project, asked.plan);
    return (await loadWhatIf()).whatIf({ store, limits, pastOf: views.repoPast }, asked);
  };
  const relay = createRelay({ store, projects });
  const shared = { store, views, commands, bus, log, watch, lock, mcp, host, inspect, relay };
  const begunMs = performance.now();
  const uptimeMs = host?.uptimeMs ?? (() => performance.now() - begunMs);
  const intakes = () => settings.current().intakes;
  const deliveries = createDeliveries({ env, store, projects, nowMs, intakes });
  const api: AppParts = { ...shared, parts: { ...parts, commands, deliveries, whatIf, uptimeMs }, uptimeMs, nowMs };
  const app = createApp(api);
  /** Answers requests of other hosts, until the returned function is called. */
  const answerOthers = () => answerHosts(store, createAppForHosts(api), log);
  return {
    home,
    place,
    epoch,
    carrier,
    env,
    machines,
    ownAgents: overrides.agents ?? {},
    ownHooks,
    state,
    settings,
    store,
    projects,
    locks,
    trees,
    cache,
    bus,
    pump,
    troubles,
    views,
    commands,
    deliveries,
    cleaning,
    api,
    app,
    answerOthers,
    limits,
    hostNames,
    servedLast,
    startable,
    engine,
    viewed: () => Object.keys(state.getSnapshot().context.viewers),
    watched: () => state.getSnapshot().context.watched,
    walls,
    secrets: secretSearch,
    resources,
    terminal,
    faults,
    log,
    clock,
    timeline,
    isOwner,
    wasCutOff,
    onSignals,
    bringIn: pump.addWith,
    forgeStates,
    settled,
    graceMs: options.graceMs ?? graceMs,
    hookRetryMs: options.hookRetryMs ?? null,
    pullRequestLookMs: options.pullRequestLookMs ?? null,
    cleaningEveryMs: options.cleaningEveryMs ?? null,
    intakeLookMs: options.intakeLookMs ?? null,
    chatLookMs: options.chatLookMs ?? null,
    /** Closes what was opened here. May be called twice. */
    close() {
      timeline.close();
      unwatch();
      locks.release();
      projects.release();
      store.close();
    },
  };
}

interface Opened {
  readonly store: Store;
  /** The number that marks the effects of this engine in the store. */
  readonly epoch: number;
  /** The carrier of its effects; absent: this process does. */
  readonly carrier?: EffectCarrier;
}

async function open(
  { home, mode, owner, isAbsent = false, maxPageCount, faults, log }: CoreOptions,
  place: StorePlace,
  { host }: DaemonConfig,
): Promise<Opened> {
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
