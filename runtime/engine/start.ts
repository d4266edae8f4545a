/** The composition root: puts an engine together for whoever owns the home. */
import { join } from 'node:path';
import { type EngineError, errorClasses, messageOf } from '../../machines/vocabulary/errors.ts';
import { repoTree } from '../../machines/vocabulary/ids.ts';
import { callApp } from '../client/call.ts';
import { createClient } from '../client/client.ts';
import { loadDaemonConfig, socketPath } from '../config/config.ts';
import type { App } from '../control/app.ts';
import type { ControlServer } from '../control/server.ts';
import { takeNotes } from '../effects/plan-base.ts';
import { createGateway, type Gateway, type GatewayParts } from '../gateway/gateway.ts';
import { withNotes } from '../git/notes.ts';
import { listWorktrees } from '../git/worktree-list.ts';
import type { Dispatcher } from '../outbox/dispatcher.ts';
import { systemClock } from '../platform/clock.ts';
import { noFaults } from '../platform/faults.ts';
import { appendTo, createLog, harmless } from '../platform/log.ts';
import { createHealth, type Health } from '../repos/health.ts';
import { createRepoWatchers, type RepoWatchers } from '../repos/repo-watchers.ts';
import { createVerificationWatch, type VerificationWatch } from '../repos/verification-watch.ts';
import { insertSignal } from '../store/port.ts';
import type { Owner } from '../store/sqlite/owner.ts';
import { type Core, createCore } from './core.ts';
import { openDispatcher } from './effect-dispatcher.ts';
import { createEmbedding } from './embedding.ts';
import { engineInbox, openSupervisor } from './one-shot.ts';
import type { Engine, EngineOptions } from './options.ts';
import { createOwnership, lostHome } from './ownership.ts';
import { stopEngine } from './shutdown.ts';
import { createViewers } from './viewers.ts';

/** Opens the door to the control API; null: nobody is to come in. */
export type Listen = (app: Answering, place: Place) => Promise<ControlServer | null>;

export interface Answering {
  fetch(request: Request): Response | Promise<Response>;
}

interface Place {
  readonly path: string;
  readonly ownsFolder: boolean;
  readonly note: (message: string) => void;
}

export interface EngineStart {
  readonly options: EngineOptions;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly owner: Owner;
  readonly listen: Listen;
  /** Where the log's lines go; default: `daemon.log` in the home. */
  readonly write?: (line: string) => void;
}

/** An engine for whoever owns the home already, and goes on owning it where this throws: then nothing of the engine is left running. */
export async function startEngine(start: EngineStart): Promise<Engine> {
  const { options, env, home, owner } = start;
  const daemon = loadDaemonConfig(home, options.configFile);
  const place = { path: socketPath(home, env, daemon.socketPath), ownsFolder: daemon.socketPath === '' };
  let level = () => daemon.logLevel;
  const log =
    options.log === undefined
      ? createLog(start.write ?? appendTo(join(home, 'daemon.log')), () => level())
      : harmless(options.log);
  const isOwner = createOwnership({ home, owner, log });
  const watched = createViewers(() => dispatcher.poke());
  const mayStart = (project: string, plan: string) => options.onlyWatched !== true || watched.has(project, plan);
  const core = await createCore({
    home,
    env,
    clock: options.clock ?? systemClock,
    log,
    faults: options.faults ?? noFaults,
    ...(options.maxPageCount === undefined ? {} : { maxPageCount: options.maxPageCount }),
    ...(options.configFile === undefined ? {} : { configFile: options.configFile }),
    isOwner,
    overrides: options.agents === undefined ? {} : { agents: options.agents },
    onEffects: () => dispatcher.poke(),
    settled: (inner, id, waitMs) => inner.awaitVerdict(id, waitMs),
    watch: watched.add,
    mayStart,
    troubleOf: (project) => health.troubleOf(project),
  });
  level = () => core.settings.current().logLevel;
  const watchers = createRepoWatchers({ log });
  const health = watchRepos(core, { watchers, onStart: () => dispatcher.poke() });
  const verificationWatch = createVerificationWatch({
    ...core,
    store: core.store.port,
    watchers,
    facts: core.bus.subscribe(),
    isOwner,
    onSignals: () => core.pump.poke(),
  });
  const gateway = watchFiles(core, { watchers, isOwner });
  const dispatcher = dispatcherOf(start, {
    core,
    health,
    gateway,
    isOwner,
    startableAgents: () => (options.onlyWatched === true ? watched.list() : 'all'),
    socketPath: place.path,
  });
  const loss = () => core.store.loss() ?? (owner.isHeld() ? null : lostHome(home));
  const app = answeringUnless(loss, core.app);
  const server = await open(start, {
    core,
    health,
    verificationWatch,
    gateway,
    dispatcher,
    app,
    place: { ...place, note: log.warn },
  });
  log.info(`engine ${owner.epoch} owns ${home}, pid ${process.pid}`);
  const isWatched = (project: string, plan: string) => options.onlyWatched === true && watched.has(project, plan);
  const stop = once((agents: 'leave' | 'stop') =>
    stopEngine({ core, dispatcher, health, verificationWatch, gateway, server, owner, agents, isWatched }),
  );
  const client = createClient(callApp(app, undefined), { note: null, close: async () => {} });
  return {
    ...createEmbedding(client),
    home,
    client,
    fetch: app.fetch,
    loss,
    stop: ({ agents = 'leave' } = {}) => stop(agents),
  };
}

/** What is read from a store that is gone, or said to a home that is somebody else's, would be taken for true. */
function answeringUnless(loss: () => EngineError | null, app: App): Answering {
  return {
    fetch(request) {
      const lost = loss();
      return lost === null
        ? app.fetch(request)
        : Response.json(lost.toJSON(), { status: errorClasses[lost.code].status });
    },
  };
}

interface Working {
  readonly core: Core;
  readonly health: Health;
  readonly verificationWatch: VerificationWatch;
  readonly gateway: Gateway;
  readonly dispatcher: Dispatcher;
  readonly app: Answering;
  readonly place: Place;
}

/** In this order: what was there is known, then work begins, then others may come in. Throws, and all of it is closed. */
async function open(
  { options, owner, listen }: EngineStart,
  { core, health, verificationWatch, gateway, dispatcher, app, place }: Working,
): Promise<ControlServer | null> {
  let server: ControlServer | null = null;
  try {
    await openFor(core, options.repos ?? []);
    await health.start();
    verificationWatch.start();
    core.pump.start();
    dispatcher.start();
    gateway.start();
    server = await listen(app, place);
    owner.publish({ socketPath: server === null ? null : place.path });
    return server;
  } catch (thrown) {
    core.bus.close();
    await server?.stop();
    await gateway.stop();
    health.stop();
    verificationWatch.stop();
    await core.pump.stop();
    await dispatcher.stop();
    core.close();
    throw thrown;
  }
}

interface DispatcherStart {
  readonly core: Core;
  readonly health: Health;
  readonly gateway: Gateway;
  readonly socketPath: string;
  isOwner(): boolean;
  startableAgents(): 'all' | readonly string[];
}

/** Nothing is started for a repo that cannot be used, or that is going. */
function dispatcherOf(
  { options, env, owner }: EngineStart,
  { core, health, gateway, ...wishes }: DispatcherStart,
): Dispatcher {
  return openDispatcher(core, {
    ...wishes,
    env,
    graceMs: options.graceMs ?? 10_000,
    lastWords: gateway.sweep,
    epoch: owner.epoch,
    closedRepos: () => [...core.projects.closed(), ...health.down()],
    isRepoDown: async (project) => (await health.look(project)) !== null,
    onSignals: () => core.pump.poke(),
  });
}

function watchFiles(core: Core, parts: Pick<GatewayParts, 'watchers' | 'isOwner'>): Gateway {
  const { store, projects, faults, log, clock, awaitVerdict } = core;
  const nowMs = () => clock.nowMs();
  return createGateway({ ...parts, store: store.port, projects, faults, log, nowMs, settled: awaitVerdict });
}

/**
 * The supervisor is there, and every repo of daemon.toml is there, before any other signal is handled: the births of repos lie in the inbox before
 * whatever comes next for them, and what an earlier owner left there follows in its order.
 */
async function openFor(core: Core, given: readonly string[]): Promise<void> {
  const { store, clock, pump, commands } = core;
  await openSupervisor(core);
  // Also where it stands at running: a killed owner's last words about its end may still lie in the inbox, before this one.
  await insertSignal(store.port, {
    tree: 'supervisor',
    type: 'supervisor_started',
    payload: {},
    origin: 'engine',
    at: clock.nowMs(),
  });
  await commands.registerListed(given);
  await pump.drain(engineInbox);
}

function watchRepos(core: Core, { watchers, onStart }: { watchers: RepoWatchers; onStart(): void }): Health {
  const { store, cache, projects, clock, log, pump, commands } = core;
  return createHealth({
    store: store.port,
    treeOf: (project) => cache.get(repoTree(project)),
    projects,
    watchers,
    clock,
    log,
    onChange() {
      pump.poke();
      onStart();
    },
    async onFound(project) {
      await commands.refreshRepo(project);
      // The user's own git may be stopped by what a killed one left, long before a plan asks.
      await withNotes(log.warn, async () => listWorktrees(await projects.repository(project))).catch(
        (thrown: unknown) => log.warn(`the worktrees of ${project}: ${messageOf(thrown)}`),
      );
      // What stands in the way is met again by the first run or merge that asks, and told there.
      await takeNotes({ store: store.port, projects }, project).catch((thrown) =>
        log.warn(`what plans of ${project} were begun from: ${messageOf(thrown)}`),
      );
    },
    async onRound() {
      if (commands.problems().length === 0) return;
      await commands.registerListed();
      pump.poke();
    },
  });
}

function once<A, T>(work: (argument: A) => Promise<T>): (argument: A) => Promise<T> {
  let first: Promise<T> | null = null;
  return (argument) => {
    first ??= work(argument);
    return first;
  };
}
