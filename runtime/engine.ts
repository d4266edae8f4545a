/**
 * The composition root and the embedding API: an engine owns a home, handles its signals, carries out its effects and serves its
 * control API until it is stopped. There is no state outside of it: two engines with two homes live side by side.
 */
import { join } from 'node:path';
import { type Clock, systemClock } from './clock.ts';
import { homeFolder, loadDaemonConfig, type RepoOverrides, socketPath } from './config.ts';
import { type Client, createClient } from './control/api-client.ts';
import type { App } from './control/app.ts';
import { callApp } from './control/call.ts';
import { type ControlServer, serveSocket } from './control/server.ts';
import { createEmbedding, type Embedding } from './embedding.ts';
import { stopEngine } from './engine-stop.ts';
import { type Faults, noFaults } from './faults.ts';
import { createGateway, type Gateway } from './gateway/gateway.ts';
import { createHealth, type Health } from './health.ts';
import { ensureHome } from './home.ts';
import { createHouse, type House } from './house.ts';
import { openLanes } from './house-lanes.ts';
import type { Lanes } from './lanes.ts';
import { appendTo, createLog, harmless, type Log } from './log.ts';
import { houseInbox, openSupervisor } from './moment.ts';
import { createOwnership } from './ownership.ts';
import { createStaleness, type Staleness } from './staleness.ts';
import { acquireOwner, type Owner } from './store/owner.ts';
import { createWatches } from './watches.ts';

export { EngineError } from '../machines/errors.ts';
export type { Client, SendRequest } from './control/api-client.ts';
export type * from './control/shapes/plans.ts';
export type * from './control/shapes/repos.ts';
export type * from './control/shapes/runs.ts';
export type * from './control/shapes/signals.ts';
export type * from './control/shapes/words.ts';
export type { Embedding, PlanFile, PlanName } from './embedding.ts';
export { type FaultPoint, type Faults, faultPoints } from './faults.ts';

export interface EngineOptions {
  /** Default: as the command line finds it. */
  home?: string;
  env?: NodeJS.ProcessEnv;
  faults?: Faults;
  clock?: Clock;
  log?: Log;
  /** Paths of repos to register, beside those of daemon.toml; naming one here is trusting its configuration as it is now. */
  repos?: readonly string[];
  /** Agents as a repo's configuration has them, over everything that files say. */
  agents?: NonNullable<RepoOverrides['agents']>;
  /** Start only agents of plans that somebody watches through `events({ watch: true })`. */
  onlyWatched?: boolean;
  /** Serve the control API on the home's socket. Default true. */
  serve?: boolean;
  /** Milliseconds between asking processes to end and killing them. Default 10,000. */
  graceMs?: number;
  /** Milliseconds to wait for an owner of the home that is about to leave. Default 0. */
  waitForHomeMs?: number;
  /** Another daemon.toml than the home's; it must exist. */
  configFile?: string;
  /** The store's size in pages, to see what a full one does. */
  maxPageCount?: number;
}

export interface Engine extends Embedding {
  readonly home: string;
  /** The control API over this very engine. */
  readonly client: Client;
  /** The control API for mounting in a server. */
  fetch(request: Request): Response | Promise<Response>;
  /** `leave`: agents go on and are adopted by the next owner; `stop`: they are ended first, no attempt spent. May be called twice. */
  stop(options?: { agents?: 'leave' | 'stop' }): Promise<void>;
}

/** Throws `owner_taken`, `home_unusable`, `bad_config` and the store's codes; then nothing of it is left running. */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const env = options.env ?? process.env;
  const home = options.home ?? homeFolder(env);
  ensureHome(home);
  const owner = await acquireOwner(home, { nowMs: () => Date.now(), waitMs: options.waitForHomeMs ?? 0 });
  try {
    const { serve = true } = options;
    const listen: Listen = async (app, place) => (serve ? serveSocket(app, place.path, place) : null);
    return await startEngine({ options, env, home, owner, listen });
  } catch (thrown) {
    owner.release();
    throw thrown;
  }
}

/** Opens the door to the control API; null: nobody is to come in. */
export type Listen = (app: App, place: { path: string; ownsFolder: boolean }) => Promise<ControlServer | null>;

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
  const watched = createWatches(() => lanes.poke());
  const mayStart = (project: string, plan: string) => options.onlyWatched !== true || watched.has(project, plan);
  const house = createHouse({
    home,
    clock: options.clock ?? systemClock,
    log,
    faults: options.faults ?? noFaults,
    ...(options.maxPageCount === undefined ? {} : { maxPageCount: options.maxPageCount }),
    ...(options.configFile === undefined ? {} : { configFile: options.configFile }),
    isOwner,
    overrides: options.agents === undefined ? {} : { agents: options.agents },
    onEffects: () => lanes.poke(),
    settled: (inner, id, waitMs) => inner.awaitVerdict(id, waitMs),
    watch: watched.add,
    mayStart,
    troubleOf: (project) => health.troubleOf(project),
  });
  level = () => house.settings.current().logLevel;
  const health = watchRepos(house, () => lanes.poke());
  const staleness = createStaleness({ ...house, isOwner, onSignals: () => house.pump.poke() });
  const gateway = watchFiles(house, isOwner);
  const lanes = lanesOf(start, { house, health, gateway, isOwner, mayStart, socketPath: place.path });
  const server = await open(start, { house, health, staleness, gateway, lanes, place });
  log.info(`engine ${owner.epoch} owns ${home}, pid ${process.pid}`);
  const isWatched = (project: string, plan: string) => options.onlyWatched === true && watched.has(project, plan);
  const stop = once((agents: 'leave' | 'stop') =>
    stopEngine({ house, lanes, health, staleness, gateway, server, owner, agents, isWatched }),
  );
  const client = createClient(callApp(house.app, undefined), { note: null, close: async () => {} });
  return {
    ...createEmbedding(client),
    home,
    client,
    fetch: (request) => house.app.fetch(request),
    stop: ({ agents = 'leave' } = {}) => stop(agents),
  };
}

interface Working {
  readonly house: House;
  readonly health: Health;
  readonly staleness: Staleness;
  readonly gateway: Gateway;
  readonly lanes: Lanes;
  readonly place: { readonly path: string; readonly ownsFolder: boolean };
}

/** In this order: what was there is known, then work begins, then others may come in. Throws, and all of it is closed. */
async function open(
  { options, owner, listen }: EngineStart,
  { house, health, staleness, gateway, lanes, place }: Working,
): Promise<ControlServer | null> {
  let server: ControlServer | null = null;
  try {
    await openHouseFor(house, options.repos ?? []);
    health.start();
    staleness.start();
    house.pump.start();
    lanes.start();
    gateway.start();
    server = await listen(house.app, place);
    owner.publish({ socketPath: server === null ? null : place.path });
    return server;
  } catch (thrown) {
    house.bus.close();
    await server?.stop();
    await gateway.stop();
    health.stop();
    staleness.stop();
    house.pump.stop();
    await lanes.stop();
    house.store.close();
    throw thrown;
  }
}

interface LanesStart {
  readonly house: House;
  readonly health: Health;
  readonly gateway: Gateway;
  readonly socketPath: string;
  isOwner(): boolean;
  mayStart(project: string, plan: string): boolean;
}

/** Nothing is started for a repo that cannot be used, or that is going. */
function lanesOf({ options, env, owner }: EngineStart, { house, health, gateway, ...wishes }: LanesStart): Lanes {
  return openLanes(house, {
    ...wishes,
    env,
    graceMs: options.graceMs ?? 10_000,
    lastWords: gateway.sweep,
    epoch: owner.epoch,
    isUsable: (project) => house.projects.isOpen(project) && health.troubleOf(project) === null,
    isRepoDown: async (project) => (await health.look(project)) !== null,
    onSignals: () => house.pump.poke(),
  });
}

function watchFiles({ store, projects, faults, log, clock, awaitVerdict }: House, isOwner: () => boolean): Gateway {
  const nowMs = () => clock.nowMs();
  return createGateway({ store, projects, faults, log, nowMs, isOwner, settled: awaitVerdict });
}

/**
 * The house is open, and every repo of daemon.toml is there, before any other signal is handled: the births of repos lie in the inbox before
 * whatever comes next for them, and what an earlier owner left there follows in its order.
 */
async function openHouseFor(house: House, given: readonly string[]): Promise<void> {
  const { store, clock, pump, commands } = house;
  await openSupervisor(house);
  // Also where it stands at running: a killed owner's last words about its end may still lie in the inbox, before this one.
  await store.write(() =>
    store.signals.insert({
      tree: 'supervisor',
      type: 'supervisor_started',
      payload: {},
      origin: 'engine',
      at: clock.nowMs(),
    }),
  );
  await commands.registerListed(given);
  await pump.drain(houseInbox);
}

function watchRepos(house: House, onStart: () => void): Health {
  const { store, cache, projects, clock, log, pump, commands } = house;
  return createHealth({
    store,
    cache,
    projects,
    clock,
    log,
    onChange() {
      pump.poke();
      onStart();
    },
    onFound: (project) => commands.refreshRepo(project),
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
