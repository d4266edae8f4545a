/**
 * The composition root and the embedding API: an engine owns a home, handles its signals, carries out its effects and serves its
 * control API until it is stopped. There is no state outside of it: two engines with two homes live side by side.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../machines/errors.ts';
import { parseTree } from '../machines/ids.ts';
import { type Clock, systemClock } from './clock.ts';
import { homeFolder, loadDaemonConfig, type RepoOverrides, socketPath } from './config.ts';
import { type Client, callApp, createClient } from './control/api-client.ts';
import { type ControlServer, serveSocket } from './control/server.ts';
import { createHandlers } from './effects/handlers.ts';
import { createEmbedding, type Embedding } from './embedding.ts';
import { type Faults, noFaults } from './faults.ts';
import { ensureHome } from './home.ts';
import { createHouse, type House } from './house.ts';
import { createLanes, type Lanes } from './lanes.ts';
import { createLog, type Log } from './log.ts';
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

/** Agents that do not end within this, after they were killed, are left to the next owner. */
const stopLimitMs = 60_000;
const stopPollMs = 50;

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
  const log =
    options.log ??
    createLog(
      (line) => appendFileSync(join(home, 'daemon.log'), line, { mode: 0o600 }),
      loadDaemonConfig(home).logLevel,
    );
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
    overrides: options.agents === undefined ? {} : { agents: options.agents },
    onEffects: () => lanes.poke(),
    settled: (inner, id, waitMs) => inner.awaitVerdict(id, waitMs),
    watch: watched.add,
    mayStart,
  });
  const path = socketPath(home, env, house.daemon.socketPath);
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
    isOwner: () => owner.isHeld(),
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
    if (options.serve !== false)
      server = await serveSocket(house.app, path, { ownsFolder: house.daemon.socketPath === '' });
    owner.publish({ socketPath: server === null ? null : path });
  } catch (thrown) {
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

/** In the reverse order of the start. What is under way in processes stays, unless the agents are to be stopped. */
async function stopEngine(parts: {
  house: House;
  lanes: Lanes;
  server: ControlServer | null;
  owner: Owner;
  agents: 'leave' | 'stop';
}): Promise<void> {
  const { house, lanes, server, owner, agents } = parts;
  house.faults('engine.before-stop');
  if (agents === 'stop') await stopAgents(house, lanes);
  house.bus.close();
  await server?.stop();
  await lanes.stop();
  try {
    await announce(house, 'supervisor_draining');
    await announce(house, 'supervisor_stopped');
  } catch (thrown) {
    // A store that cannot be written keeps nobody from leaving: the next owner finds all that was committed.
    house.log.warn(`the stop could not be recorded: ${messageOf(thrown)}`);
  } finally {
    house.pump.stop();
    house.store.close();
    owner.release();
  }
}

/** Every agent is told to rest: it is queued again and finds nobody who starts it until the next engine does. */
async function stopAgents({ store, clock, pump, log }: House, lanes: Lanes): Promise<void> {
  const runs = () => store.effects.running().filter((row) => row.kind === 'agent.run');
  lanes.holdAgents();
  const plans = new Map(runs().map((row) => [row.tree, row]));
  for (const [tree, { project, plan }] of plans) {
    // A pause tells them to rest; which of the two words comes last leaves the gate as it was.
    const isPaused = store.plans.read(project, plan)?.paused === true;
    for (const type of isPaused ? (['resume', 'pause'] as const) : (['pause', 'resume'] as const)) {
      const at = clock.nowMs();
      await store.write(() => store.signals.insert({ tree, type, payload: {}, origin: 'engine', at }));
    }
  }
  pump.poke();
  const until = Date.now() + stopLimitMs;
  while (runs().length > 0 && Date.now() < until) await new Promise<void>((resolve) => setTimeout(resolve, stopPollMs));
  for (const row of runs())
    log.warn(
      `${row.key} did not end in ${stopLimitMs / 1_000} s; ${parseTree(row.tree).kind} goes on with it at the next start`,
    );
}

/** A word to the root of the house; where it stands already it refuses, and that is no trouble. */
async function announce(
  { store, clock, pump }: House,
  type: 'supervisor_started' | 'supervisor_draining' | 'supervisor_stopped',
): Promise<void> {
  await store.write(() =>
    store.signals.insert({ tree: 'supervisor', type, payload: {}, origin: 'engine', at: clock.nowMs() }),
  );
  await pump.drain();
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
