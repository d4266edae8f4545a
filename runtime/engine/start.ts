/** The composition root: puts an engine together for the process that owns the home. */
import { join } from 'node:path';
import { type EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { callApp } from '../api/client/call.ts';
import { createClient } from '../api/client/client.ts';
import { aFlag, aWholeNumber, checkOptions, oneOf } from '../api/client/options.ts';
import type { App } from '../api/control/app.ts';
import { errorResponse } from '../api/control/requests.ts';
import type { Host } from '../api/control/route.ts';
import type { ControlServer } from '../api/control/server.ts';
import { loadDaemonConfig, type RepoOverrides, socketElsewhere, socketPath } from '../base/config/config.ts';
import { systemClock } from '../base/platform/clock.ts';
import { loadLater } from '../base/platform/later.ts';
import { appendTo, createLog, harmless, type Log } from '../base/platform/log.ts';
import { insertSignal } from '../core/store/port.ts';
import type { Owner } from '../core/store/sqlite/owner.ts';
import { type Core, createCore } from './core.ts';
import { createEmbedding } from './embedding.ts';
import { machinesFor, refuseUnknownEvents } from './given-machines.ts';
import { createMachines, missingDefinitions, notifyUpgraded, releaseHeld, reportChanged } from './machines.ts';
import { engineInbox, openSupervisor } from './one-shot.ts';
import type { Engine, EngineOptions } from './options.ts';
import { createPage } from './page.ts';
import { createRequestGate } from './request-gate.ts';
import { stopEngine } from './shutdown.ts';
import { engineStopped, lostHome } from './state.ts';
import { tracesHook } from './traces.ts';

/** After this time an engine has begun its work, and one for a single verb has ended. */
const settledMs = 5_000;
/** How long a successful check counts. */
const lookedLimitMs = 50;

/** Starts to serve the control API; null: it is not served. */
export type Listen = (app: Answering, place: Place, core: Core) => Promise<ControlServer | null>;

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
  /** The daemon that it lives in; default: none. */
  readonly host?: Host;
  /** Where the log's lines go; default: `daemon.log` in the home. */
  readonly write?: (line: string) => void;
}

/** An engine for a process that owns the home already, and keeps it if this throws: then nothing of the engine is left running. */
export async function startEngine(start: EngineStart): Promise<Engine> {
  const { options, env, home, owner } = start;
  const daemon = loadDaemonConfig(home, options.configFile);
  const place = { path: socketPath(home, env, daemon.socketPath), ownsFolder: daemon.socketPath === '' };
  let level = () => daemon.logLevel;
  const log =
    options.log === undefined
      ? createLog(start.write ?? appendTo(join(home, 'daemon.log')), () => level())
      : harmless(options.log);
  const elsewhere = socketElsewhere(home, place.path);
  if (elsewhere !== null) log.warn(elsewhere);
  const machines = await machinesFor(options.machines ?? [], daemon);
  refuseUnknownEvents(options.hooks ?? {}, machines);
  let watched: Core | null = null;
  let answers: Answering | null = null;
  // A daemon has its own page, which outlives its engines.
  const page =
    start.host === undefined
      ? createPage({
          home,
          log,
          app: { fetch: (request) => answers?.fetch(request) ?? errorResponse(engineStopped(home)) },
          watched: () => watched,
        })
      : null;
  const traces = await tracesHook(async (project, plan) => {
    if (watched === null) throw new Error('a hook runs in an engine that has begun');
    return watched.views.planTrace(project, plan);
  }, log);
  const core = await createCore({
    ...options,
    mode: 'stays',
    ...{ home, env, log, owner, machines },
    clock: options.clock ?? systemClock,
    overrides: overridesOf(
      traces === null ? options : { ...options, hooks: { opentelemetry: traces, ...options.hooks } },
    ),
    ...(start.host === undefined ? {} : { host: start.host }),
    ...(page === null ? {} : { inspect: page.open }),
  });
  level = () => core.settings.current().logLevel;
  let stopped: EngineError | null = null;
  const lost = lately(() => core.store.loss() ?? (owner.isHeld() ? null : lostHome(home)));
  const loss = () => stopped ?? lost();
  const app = guardedAnswers(loss, core.app);
  watched = core;
  answers = app;
  const server = await open(start, core, { app, place: { ...place, note: log.warn } });
  for (const line of await missingDefinitions(core.store, machines)) log.warn(line);
  log.info(`engine ${owner.epoch} owns ${home}, pid ${process.pid}`);
  const loading = setTimeout(() => void loadRest(log), settledMs).unref();
  const stop = once(async (agents: 'leave' | 'stop') => {
    clearTimeout(loading);
    await page?.stop().catch((thrown: unknown) => log.warn(`the page did not close: ${messageOf(thrown)}`));
    const onClosing = () => {
      stopped = engineStopped(home);
    };
    return stopEngine({ core, server, owner, agents, onClosing });
  });
  const client = createClient(callApp(app, undefined), { note: null, engine: core.engine(), close: async () => {} });
  const newestFact = async () => {
    const gone = loss();
    if (gone !== null) throw gone;
    return core.store.lastLine();
  };
  return {
    ...createEmbedding(client),
    machines: createMachines({ ...client, newestFact }, machines),
    home,
    client,
    fetch: app.fetch,
    loss,
    inspect: async (options = {}) => {
      checkOptions('inspect', options, { port: aWholeNumber, stately: aFlag });
      if (stopped !== null) throw stopped;
      if (page === null) throw new Error('a daemon serves its page itself');
      return page.open(options);
    },
    unwatched: () => core.watched().filter((plan) => !core.viewed().includes(plan)),
    stop: async (options = {}) => {
      checkOptions('stop', options, { agents: oneOf('leave', 'stop') });
      return stop(options.agents ?? 'leave');
    },
  };
}

/** The settings of the embedding program for every repo. */
export function overridesOf({ agents, hooks }: Pick<EngineOptions, 'agents' | 'hooks'>): RepoOverrides {
  return { ...(agents === undefined ? {} : { agents }), ...(hooks === undefined ? {} : { hooks }) };
}

async function loadRest(log: Log): Promise<void> {
  try {
    await loadLater();
    log.debug('what may be asked for later is loaded');
  } catch (thrown) {
    log.warn(`a part of stator cannot be loaded any more, restart this engine: ${messageOf(thrown)}`);
  }
}

/** A check without a loss is valid for 50 ms: every request needs it, and a loss within that time could as well have come after the answer. */
function lately(look: () => EngineError | null): () => EngineError | null {
  let foundMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = performance.now();
    if (nowMs - foundMs < lookedLimitMs) return null;
    const lost = look();
    if (lost === null) foundMs = nowMs;
    return lost;
  };
}

/** Readings of a deleted store, and writes to a home of another owner, would be wrong answers. */
function guardedAnswers(loss: () => EngineError | null, app: App): Answering {
  const gate = createRequestGate();
  return {
    fetch: gate((request) => {
      const lost = loss();
      return lost === null ? app.fetch(request) : errorResponse(lost);
    }),
  };
}

/** In this order: the existing state is read, then work begins, then clients may connect. If a step throws, everything is closed. */
async function open(
  { options, owner, listen }: EngineStart,
  core: Core,
  { app, place }: { app: Answering; place: Place },
): Promise<ControlServer | null> {
  let server: ControlServer | null = null;
  const { pump, bus, workers } = core;
  try {
    await openFor(core, options.repos ?? []);
    await workers?.start();
    pump.start();
    server = await listen(app, place, core);
    owner.publish({ socketPath: server === null ? null : place.path });
    return server;
  } catch (thrown) {
    bus.close();
    await server?.stop();
    await workers?.stop();
    await pump.stop();
    core.close();
    throw thrown;
  }
}

/**
 * The supervisor and every repo of daemon.toml exist before any other signal is handled: the signals that create repos lie in the inbox before
 * all later signals for them, and signals that an earlier owner left follow in their order.
 */
async function openFor(core: Core, given: readonly string[]): Promise<void> {
  const { store, clock, pump, commands, log } = core;
  await openSupervisor(core);
  // Also if its state is running: a killed owner's last signals about its end may still lie in the inbox, before this one.
  await insertSignal(store, {
    tree: 'supervisor',
    type: 'supervisor_started',
    payload: {},
    origin: 'engine',
    at: clock.nowMs(),
  });
  await commands.registerListed(given);
  await pump.drain(engineInbox);
  await releaseHeld(store, core.machines);
  await notifyUpgraded(store, core.machines, clock.nowMs());
  for (const line of await reportChanged(store, core.machines, clock.nowMs())) log.warn(line);
}

function once<A, T>(work: (argument: A) => Promise<T>): (argument: A) => Promise<T> {
  let first: Promise<T> | null = null;
  return (argument) => {
    first ??= work(argument);
    return first;
  };
}
