/**
 * The daemon: an engine that keeps running. Its socket exists before its store is opened, so that it can answer why it waits; it continues automatically when
 * the store can be used, also if the store or the lock of the home was deleted meanwhile, and it is stopped by a request of its own.
 */

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, onOneLine, withHint } from '../../machines/vocabulary/errors.ts';
import { localTime } from '../../machines/vocabulary/time-text.ts';
import { createPasses, type Passes } from '../api/control/principal.ts';
import type { Host } from '../api/control/route.ts';
import { type ControlServer, serveSocket } from '../api/control/server.ts';
import { serveTcp, type Team } from '../api/control/tcp.ts';
import { createWaitingApp } from '../api/control/waiting-app.ts';
import { type HttpConfig, homeFolder, loadDaemonConfig, socketPath, storePlace } from '../base/config/config.ts';
import { ensureHome } from '../base/platform/home.ts';
import { ensureHomeToken, readHomeToken } from '../base/platform/home-token.ts';
import { later } from '../base/platform/later.ts';
import { appendTo, createLog, harmless, type Log } from '../base/platform/log.ts';
import { pause } from '../base/platform/pause.ts';
import { personOfToken } from '../base/platform/people.ts';
import { untilBeat } from '../base/platform/poll-loop.ts';
import { damageIn } from '../core/store/sqlite/db.ts';
import { acquireOwner, type Owner, readOwner } from '../core/store/sqlite/owner.ts';
import type { Core } from './core.ts';
import type { Engine, EngineOptions } from './options.ts';
import { createPage } from './page.ts';
import { type Answering, type Listen, startEngine } from './start.ts';

const loadOutside = later(() => import('../api/inspector/outside.ts'));

export interface DaemonOptions
  extends Pick<
    EngineOptions,
    'home' | 'env' | 'configFile' | 'log' | 'faults' | 'clock' | 'graceMs' | 'hookRetryMs' | 'agents'
  > {
  /** Gets every line of `daemon.log` as well. */
  echo?: (line: string) => void;
}

export interface Daemon {
  readonly home: string;
  readonly socketPath: string;
  /** Why it handles no signals yet; null: the engine works. */
  waiting(): string | null;
  /** Resolves when it has stopped, whatever stopped it; rejects with the store's error if that cannot be used. */
  readonly ended: Promise<void>;
  /** `leave`: agents go on and are adopted by the next owner. May be called twice. */
  stop(options?: { agents?: 'leave' | 'stop' }): Promise<void>;
}

/** A verb that owns the home briefly leaves it within this time, even if it has to kill a run after its grace. */
const momentMs = 30_000;
const momentPollMs = 50;
/** A store that cannot be used is tried again this often. */
const storeRetryMs = 500;
/** How often, besides before each answer, it is checked that the engine still has its store and its home. */
const lookMs = 1_000;
/** A home whose folder is missing for longer was removed: a process that cannot be found should not wait for it. */
const homeAwayLimitMs = 600_000;
/** How long a start waits for its engine: on a busy machine it takes seconds, and the caller wants to know about its repos. */
const firstLookMs = 15_000;

/**
 * Owns the home and serves its socket. Throws `owner_taken`, `home_unusable`, `bad_config`, and those errors of the store that waiting cannot end
 * (`store_corrupt`, `store_newer`, a file that is something else); then no part of it is left running.
 */
export async function startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
  const begunMs = performance.now();
  const env = options.env ?? process.env;
  const home = options.home ?? homeFolder(env);
  ensureHome(home);
  const config = loadDaemonConfig(home, options.configFile);
  const place = { path: socketPath(home, env, config.socketPath), ownsFolder: config.socketPath === '' };
  const file = appendTo(join(home, 'daemon.log'));
  const write = (line: string) => {
    options.echo?.(line);
    file(line);
  };
  const store = storePlace(home, config, env);
  const log = options.log === undefined ? createLog(write, config.logLevel) : harmless(options.log);
  // The file by which the home is known to be the same: the store, or the file that says where the store is.
  const mark = store.kind === 'file' ? store.file : config.file;
  const named = options.configFile === undefined ? null : config.file;
  const owner = await becomeOwner(home, named);
  try {
    const { http } = config;
    return await openDaemon({ options, begunMs, env, home, log, write, owner, place, http, config: named, mark });
  } catch (thrown) {
    owner.release();
    throw thrown;
  }
}

interface Opening {
  readonly options: DaemonOptions;
  /** When the daemon started, by `performance.now()`. */
  readonly begunMs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly log: Log;
  readonly write: (line: string) => void;
  readonly owner: Owner;
  readonly place: { readonly path: string; readonly ownsFolder: boolean };
  readonly http: HttpConfig;
  /** The daemon.toml that was named; null: that of the home. */
  readonly config: string | null;
  /** A file that must exist in the home. */
  readonly mark: string;
}

async function openDaemon(opening: Opening): Promise<Daemon> {
  const { options, begunMs, env, home, log, write, place, config, mark } = opening;
  let { owner } = opening;
  const stopping = new AbortController();
  const end = createEnd();
  /** Ends when it is known that the daemon must wait. */
  const waits = createEnd();
  let waiting: string | null = starting;
  let engine: Engine | null = null;
  /** The store file as it was when it was found damaged; null: it was not. */
  let damaged: string | null = null;
  const passes = createPasses(home);
  const host: Host = {
    uptimeMs: () => performance.now() - begunMs,
    personOf: passes.personOf,
    // The caller waits until the home is free, not for an answer: no process is left to give one.
    stop: (agents) => void setImmediate(() => void stop({ agents })),
    inspect: (wanted) => page.open(wanted),
  };
  const closed = createWaitingApp({
    host,
    log,
    waiting: () => (waiting === starting ? null : waiting),
  });
  let app: Answering = closed;
  let core: Core | null = null;
  const front: Answering = {
    fetch(request) {
      look();
      return app.fetch(request);
    },
  };
  const server = await serve(opening, front, passes);
  const page = createPage({ home, log, app: front, watched: () => (app === closed ? null : core) });
  const listen: Listen = async (ready, _place, own) => {
    app = ready;
    core = own;
    // The socket is the daemon's own: an engine that ends before it leaves it open for the next one.
    return { stop: async () => (stopping.signal.aborted ? server.stop() : undefined) };
  };

  /** Nothing is answered from an engine that has lost its store or its home. */
  function look(): void {
    const loss = engine?.loss() ?? null;
    if (loss === null || app === closed) return;
    app = closed;
    // Damage does not end by itself.
    const isDamage = loss.code === 'store_corrupt';
    waiting = isDamage ? onOneLine(withHint(loss)) : loss.message;
    damaged = isDamage ? signatureOf(mark) : null;
    log.warn(`the daemon waits: ${loss.message}`);
  }

  /** Waits for an engine, or for the daemon's end; throws errors that waiting cannot remove. */
  async function makeEngine(isReady: () => boolean): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        if (isReady()) {
          if (!owner.isHeld()) await ownAgain();
          engine = await startEngine({ options, env, home, owner: withoutRelease(owner), listen, host, write });
          if (waiting !== starting) log.info('the store can be used: the engine works');
          waiting = null;
          return;
        }
      } catch (thrown) {
        app = closed;
        const why = waitable(thrown);
        if (why === null) throw thrown;
        if (why !== waiting) log.warn(`the daemon waits: ${why}`);
        waiting = why;
        waits.reached(null);
      }
      await pause(storeRetryMs, stopping.signal);
    }
  }

  /**
   * One engine after the other: one that has lost its store or its home is ended, and the next one is made from the rows. The home is owned again only if the
   * store is in it: after a disk failure it may be an empty folder.
   */
  async function keepEngine(): Promise<void> {
    while (!stopping.signal.aborted) {
      await pause(untilBeat(lookMs), stopping.signal);
      look();
      const lost: Engine | null = app === closed ? engine : null;
      if (lost === null || stopping.signal.aborted) continue;
      engine = null;
      await lost.stop();
      await makeEngine(settledFile(mark, home, damaged));
    }
  }

  /** Another process that has taken the home meanwhile keeps it: there is one lock, and it is on the file that the name leads to. */
  async function ownAgain(): Promise<void> {
    owner.release();
    owner = await becomeOwner(home, config);
    owner.publish({ socketPath: place.path });
    log.info(`engine ${owner.epoch} owns ${home} again`);
  }

  let stopped: Promise<void> | null = null;
  function stop({ agents = 'leave' }: { agents?: 'leave' | 'stop' } = {}): Promise<void> {
    stopped ??= leave(agents);
    return stopped;
  }

  async function leave(agents: 'leave' | 'stop'): Promise<void> {
    stopping.abort();
    await page.stop();
    await working.catch(() => {}); // the failure is reported already
    await engine?.stop({ agents });
    await close(server, owner);
    end.reached(null);
  }

  try {
    owner.publish({ socketPath: place.path });
  } catch (thrown) {
    await server.stop();
    throw thrown;
  }
  page.resume();
  const made = makeEngine(() => true);
  const working = made.then(keepEngine);
  working.catch(async (thrown: unknown) => {
    log.error('the daemon cannot go on', thrown);
    await page.stop();
    await close(server, owner);
    end.reached(thrown);
  });
  // A permanent fault is known at once; the caller that starts the daemon does not wait for what may take long.
  await Promise.race([made, waits.promise, delay(firstLookMs, null, { ref: false })]);
  return { home, socketPath: place.path, waiting: () => waiting, ended: end.promise, stop };
}

/** The socket; and the same over TCP where the configuration says so. Throws `home_unusable`, `unavailable`. */
async function serve({ place, http, home, log }: Opening, app: Answering, passes: Passes): Promise<ControlServer> {
  const socket = await serveSocket(app, place.path, { ...place, home, note: (message) => log.warn(message) });
  const { bind, hosts } = http;
  if (bind === null) return socket;
  try {
    ensureHomeToken(home);
    let page: ReturnType<Team['page']> | null = null;
    const team: Team = {
      personOf: (token) => personOfToken(home, token),
      passes,
      page() {
        page ??= loadOutside().then(({ createOutsidePage }) => createOutsidePage({ home, app, passes }));
        return page;
      },
    };
    const tcp = await serveTcp(app, { bind, hosts, token: () => readHomeToken(home), team });
    log.info(`the control API and the page are served at ${tcp.url}, to everyone with a token: stator token --help`);
    return { stop: async () => void (await Promise.all([socket.stop(), tcp.stop()])) };
  } catch (thrown) {
    await socket.stop();
    throw thrown;
  }
}

/** The home outlives each of its engines. */
function withoutRelease(owner: Owner): Owner {
  return { ...owner, release: () => {} };
}

/**
 * Whether the file that came back no longer changes: half of a copy is no store. `damaged`: that one was, so a sound one is awaited. No file is made in its
 * place. Throws `home_unusable` if the home does not come back.
 */
function settledFile(file: string, home: string, damaged: string | null): () => boolean {
  const untilMs = performance.now() + homeAwayLimitMs;
  let before = '';
  return () => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined && performance.now() > untilMs && !existsSync(home))
      throw new EngineError(
        'home_unusable',
        `${home} is gone`,
        'where it is back, start the daemon: stator daemon start',
      );
    const now = signatureOf(file);
    const isSettled = now !== '' && now === before;
    before = now;
    return isSettled && (damaged === null || (now !== damaged && damageIn(file) === null));
  };
}

/** Empty if there is none. */
function signatureOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeMs}`;
}

const starting = 'the engine is starting';

/** The end of a daemon: null if it was stopped, else the error that ended it. */
function createEnd(): { readonly promise: Promise<void>; reached(thrown: unknown): void } {
  let reached: (thrown: unknown) => void = () => {};
  const promise = new Promise<void>((resolve, reject) => {
    reached = (thrown) => (thrown === null ? resolve() : reject(thrown));
  });
  promise.catch(() => {}); // callers that wait get the error all the same
  return { promise, reached: (thrown) => reached(thrown) };
}

async function close(server: ControlServer, owner: Owner | null): Promise<void> {
  try {
    await server.stop();
  } finally {
    owner?.release();
  }
}

/** Waits for a command that owns the home briefly, and for no other process. Throws `owner_taken` with the owner in its message. */
async function becomeOwner(home: string, config: string | null): Promise<Owner> {
  const untilMs = performance.now() + momentMs;
  for (;;) {
    try {
      return await acquireOwner(home, { kind: 'daemon', config, nowMs: () => Date.now() });
    } catch (thrown) {
      if (!(thrown instanceof EngineError) || thrown.code !== 'owner_taken') throw thrown;
      const holder = existsSync(join(home, 'owner.db')) ? readOwner(home) : null;
      const isMoment = holder === null || (holder.kind === 'engine' && holder.socketPath === null);
      if (!isMoment) throw takenBy(holder);
      if (performance.now() > untilMs) throw thrown;
    }
    await delay(momentPollMs);
  }
}

/** The process that owns the home instead of the daemon, and what to do. */
export function takenBy(holder: { kind: 'daemon' | 'engine'; pid: number; since: string }): EngineError {
  const { kind, pid } = holder;
  const since = localTime(holder.since, Date.now());
  if (kind === 'daemon')
    return new EngineError(
      'owner_taken',
      `a daemon owns this home already: pid ${pid}, since ${since}`,
      'see it with: stator daemon status; restart it with: stator daemon restart',
    );
  return new EngineError(
    'owner_taken',
    `a stator that is no daemon owns this home: pid ${pid}, since ${since}; most likely a \`stator run\``,
    'it goes when its plan is done; or press Ctrl-C there, start the daemon, and give the same `stator run` again: it attaches to the daemon',
  );
}

/** Why the store is waited for; null: waiting cannot end this. An error without a cause was found by a check: a folder, or another program's database. */
function waitable(thrown: unknown): string | null {
  if (!(thrown instanceof EngineError)) return null;
  const { code, message, cause } = thrown;
  const isOfWorld =
    code === 'store_locked' || code === 'store_full' || (code === 'store_unreadable' && cause !== undefined);
  return isOfWorld ? message : null;
}
