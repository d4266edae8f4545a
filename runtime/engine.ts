/**
 * The composition root and the embedding API: an engine owns a home, handles its signals, carries out its effects and serves its
 * control API until it is stopped. There is no state outside of it: two engines with two homes live side by side.
 */
import { join } from 'node:path';
import { type Clock, systemClock } from './clock.ts';
import { homeFolder, loadDaemonConfig, type RepoOverrides, socketPath } from './config.ts';
import { type Client, callApp, createClient } from './control/api-client.ts';
import { type ControlServer, serveSocket } from './control/server.ts';
import { createHandlers } from './effects/handlers.ts';
import { createEmbedding, type Embedding } from './embedding.ts';
import { announce, stopEngine } from './engine-stop.ts';
import { type Faults, noFaults } from './faults.ts';
import { ensureHome } from './home.ts';
import { createHouse, type House } from './house.ts';
import { createLanes } from './lanes.ts';
import { appendTo, createLog, harmless, type Log } from './log.ts';
import { openSupervisor } from './moment.ts';
import { acquireOwner, type Owner } from './store/owner.ts';

export { EngineError } from '../machines/errors.ts';
export type { Client, SendRequest } from './control/api-client.ts';
export type * from './control/shapes.ts';
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
    return await startEngine({ options, env, home, owner });
  } catch (thrown) {
    owner.release();
    throw thrown;
  }
}

async function startEngine({
  options,
  env,
  home,
  owner,
}: {
  options: EngineOptions;
  env: NodeJS.ProcessEnv;
  home: string;
  owner: Owner;
}): Promise<Engine> {
  const daemon = loadDaemonConfig(home);
  const path = socketPath(home, env, daemon.socketPath);
  const log =
    options.log === undefined ? createLog(appendTo(join(home, 'daemon.log')), daemon.logLevel) : harmless(options.log);
  const isOwner = createOwnership({ home, owner, log });
  const faults = options.faults ?? noFaults;
  const clock = options.clock ?? systemClock;
  const watched = createWatches(() => lanes.poke());
  const mayStart = (project: string, plan: string) => options.onlyWatched !== true || watched.has(project, plan);
  const house: House = createHouse({
    home,
    clock,
    log,
    faults,
    ...(options.maxPageCount === undefined ? {} : { maxPageCount: options.maxPageCount }),
    isOwner,
    overrides: options.agents === undefined ? {} : { agents: options.agents },
    onEffects: () => lanes.poke(),
    settled: (inner, id, waitMs) => inner.awaitVerdict(id, waitMs),
    watch: watched.add,
    mayStart,
  });
  const lanes = createLanes({
    store: house.store,
    handlers: createHandlers({
      home,
      store: house.store,
      projects: house.projects,
      faults,
      log,
      env,
      socketPath: path,
      nowMs: () => clock.nowMs(),
      graceMs: options.graceMs ?? 10_000,
    }),
    clock,
    log,
    faults,
    epoch: owner.epoch,
    isOwner,
    limits: house.limits,
    mayStart,
    onSignals: () => house.pump.poke(),
  });
  let server: ControlServer | null = null;
  try {
    await openSupervisor(house);
    // Also where it stands at running: a killed owner's last words about its end may still lie in the inbox, before this one.
    await announce(house, 'supervisor_started');
    house.pump.start();
    await registerListed(house, options.repos ?? []);
    lanes.start();
    if (options.serve !== false) server = await serveSocket(house.app, path, { ownsFolder: daemon.socketPath === '' });
    owner.publish({ socketPath: server === null ? null : path });
  } catch (thrown) {
    house.bus.close();
    await server?.stop();
    house.pump.stop();
    await lanes.stop();
    house.store.close();
    throw thrown;
  }
  log.info(`engine ${owner.epoch} owns ${home}, pid ${process.pid}`);
  const stop = once((agents: 'leave' | 'stop') => stopEngine({ house, lanes, server, owner, agents }));
  const client = createClient(callApp(house.app, undefined), { note: null, close: async () => {} });
  return {
    ...createEmbedding(client),
    home,
    client,
    fetch: (request) => house.app.fetch(request),
    stop: ({ agents = 'leave' } = {}) => stop(agents),
  };
}

/** The repos of daemon.toml and those given are there before anything else is done; one that cannot be used stops no other. */
async function registerListed({ commands, daemon, projects, log }: House, given: readonly string[]): Promise<void> {
  const known = new Set(projects.list().map(({ path }) => path));
  for (const path of new Set([...daemon.repos, ...given])) {
    try {
      await commands.addRepo(path, { trust: given.includes(path) || !known.has(path) });
    } catch (thrown) {
      log.error(`repo ${path} is not registered`, thrown);
    }
  }
}

/** Whether the home is still ours; that it is no more is told once. */
function createOwnership({ home, owner, log }: { home: string; owner: Owner; log: Log }): () => boolean {
  let isTold = false;
  return () => {
    const isHeld = owner.isHeld();
    if (!isHeld && !isTold)
      log.error(
        `this engine owns ${home} no more: owner.db was deleted or replaced; it handles and starts nothing from here on, stop it and start stator again`,
      );
    isTold = !isHeld;
    return isHeld;
  };
}

/** The plans that somebody watches, counted: two may watch the same. */
function createWatches(onChange: () => void) {
  const counts = new Map<string, number>();
  const keyOf = (project: string, plan: string) => `${project}/${plan}`;
  return {
    has: (project: string, plan: string): boolean => counts.has(keyOf(project, plan)),
    add(project: string, plan: string): () => void {
      const key = keyOf(project, plan);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      onChange();
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        const left = (counts.get(key) ?? 1) - 1;
        if (left === 0) counts.delete(key);
        else counts.set(key, left);
      };
    },
  };
}

function once<A, T>(work: (argument: A) => Promise<T>): (argument: A) => Promise<T> {
  let first: Promise<T> | null = null;
  return (argument) => {
    first ??= work(argument);
    return first;
  };
}
