/**
 * The page of `stator inspect`, with the control API, on 127.0.0.1. It is served from a person's first request on, and again by the next daemon if a page was
 * open in the last day. Facts arrive as server-sent events by fetch, which can send a token. The route is the ordinary one: it catches up, has a limit, and
 * ends for a reader that reads nothing.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { later } from '../../base/platform/later.ts';
import type { Log } from '../../base/platform/log.ts';
import { createSerialQueue } from '../../base/platform/serial-queue.ts';
import { isSameSecret } from '../../base/platform/token.ts';
import { errorResponse } from '../control/requests.ts';
import type { PageWanted } from '../control/route.ts';
import { createHttpServer, listen, stopServers, tcpLimits } from '../control/server.ts';
import { hostRefusal, isPageOpened, originRefusal, secretRefusal } from '../control/web-guard.ts';
import { createNote, type InspectorKey, newKey, newName, readKey, tokenOf, watchTokenOf } from './key.ts';
import { createPageApp, headerOf, withHeaders } from './page-app.ts';
import type { Watched } from './stately.ts';
import type { StatelySocket } from './stately-socket.ts';
import { refuseUpgrade, watchPath, watchRefusal } from './watch-guard.ts';

const loadSocket = later(() => import('./stately-socket.ts'));

/** A browser must arrive within this time, with the ticket from the command line that started it. */
const ticketMs = 60_000;

const anew = 'open the page again: stator inspect';

export interface InspectorOptions {
  readonly home: string;
  /** The control API of people; it sees no token. */
  readonly app: { fetch(request: Request): Response | Promise<Response> };
  readonly log: Pick<Log, 'info' | 'warn'>;
  nowMs(): number;
  /** The source for Stately's protocol; null: there is no engine at the moment. */
  watched(): Watched | null;
}

export interface Inspector {
  /** Begins to serve if it does not yet. Throws `unavailable` if the port cannot be used, `home_unusable`. */
  open(wanted: PageWanted): Promise<{ url: string; websocket?: string }>;
  /** Serves again if pages of an earlier daemon may wait for it; false: there are none. Throws as `open`. */
  resume(): Promise<boolean>;
  /** May be called twice. */
  stop(): Promise<void>;
}

interface Serving {
  readonly server: Server;
  readonly port: number;
  readonly address: string;
  readonly token: string;
  /** This token permits watching only. */
  readonly watchToken: string;
}

/** A ticket can be used once. */
interface Ticket {
  readonly untilMs: number;
  readonly good: 'all' | 'watching';
}

/** Does not listen until it is opened. */
export function createInspector({ home, app, log, nowMs, watched }: InspectorOptions): Inspector {
  const life = newName();
  const note = createNote(home);
  const tickets = createTickets(nowMs);
  let known: InspectorKey | null = null;
  let serving: Serving | null = null;
  let loaded: Promise<StatelySocket> | null = null;

  /** Loads Stately's protocol only when the first watcher is accepted. */
  async function watch(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const refusal =
      serving === null ? gone() : watchRefusal(request, { address: serving.address, token: serving.watchToken });
    if (refusal !== null) {
      refuseUpgrade(socket, refusal);
      return;
    }
    loaded ??= loadSocket().then(({ createStatelySocket }) =>
      createStatelySocket({ boot: life.slice(0, 8), watched, log }),
    );
    const { welcome } = await loaded;
    if (serving === null) socket.destroy();
    else welcome(request, socket, head);
  }

  async function serve(key: InspectorKey, port: number): Promise<Serving> {
    const server = createHttpServer({ fetch: (request) => answer(request) }, tcpLimits);
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      watch(request, socket, head).catch((thrown: unknown) => {
        log.warn(`nobody can watch: ${messageOf(thrown)}`);
        socket.destroy();
      });
    });
    await listenHere(server, port);
    const own = (server.address() as AddressInfo).port; // it listens on TCP
    // The address as a browser writes it in its requests and shows it to the page: without the port 80.
    const address = new URL(`http://127.0.0.1:${own}`).host;
    const by = { key: key.key, address, life };
    const made = { server, port: own, address, token: tokenOf(by), watchToken: watchTokenOf(by) };
    known = { key: key.key, port: own };
    serving = made;
    note(key.key, own, nowMs(), true);
    log.info(`the inspector is served at http://${address}`);
    return made;
  }

  /** Only one server is made at a time: two requests at once get the same one. */
  const inTurn = createSerialQueue();

  async function ready(port: number | undefined): Promise<Serving> {
    if (serving !== null && (port ?? serving.port) === serving.port) return serving;
    const key = known ?? readKey(home, nowMs()) ?? newKey();
    const before = serving;
    const made = await serveAt(key, port);
    if (before !== null) await end(before);
    return made;
  }

  /** A server ends with its last socket, so watchers are disconnected first. */
  async function end({ server }: Serving): Promise<void> {
    await (await loaded?.catch(() => null))?.stop();
    await stopServers([server]);
  }

  /** Uses the earlier port, or another one if that is taken. A requested port is used, or the call fails. */
  async function serveAt(key: InspectorKey, port: number | undefined): Promise<Serving> {
    if (port !== undefined) return serve(key, port);
    if (key.port === null) return serve(key, 0);
    return serve(key, key.port).catch((thrown: unknown) => {
      log.warn(`the inspector is served at another port than before: ${messageOf(thrown)}`);
      return serve(key, 0);
    });
  }

  const page = createPageApp(app, {
    life,
    takes: 'address',
    hint: anew,
    loginOf(token) {
      if (serving === null || known === null || !isSameSecret(token, serving.token)) return null;
      touch(serving);
      return { person: null, key: known.key };
    },
    keyOf: (name) => (name === null ? (known?.key ?? null) : null),
    enter(given) {
      const ticket = tickets.take(given);
      if (ticket === null || serving === null) return null;
      return ticket.good === 'all' ? serving.token : serving.watchToken;
    },
    // The token's owner is a person: runs do not get this token.
    authorizationOf: () => null,
  });

  async function answer(request: Request): Promise<Response> {
    const now = serving;
    const refusal = now === null ? gone() : refusalOf(request, now);
    if (now === null || refusal !== null) return withHeaders(errorResponse(refusal ?? gone()));
    return page.fetch(request, now.address);
  }

  function touch({ port }: Serving): void {
    if (known === null) return;
    try {
      note(known.key, port, nowMs());
    } catch (thrown) {
      log.warn(`that a page is open cannot be noted: ${messageOf(thrown)}`);
    }
  }

  return {
    open: ({ port, once = false, stately = false }) =>
      inTurn(async () => {
        const { address, token, watchToken } = await ready(port);
        const by = (name: string, own: string, good: Ticket['good']) =>
          once ? `once=${tickets.issue(good)}` : `${name}=${own}`;
        if (!stately) return { url: `http://${address}/#${by('token', token, 'all')}` };
        return {
          url: `http://${address}${watchPath}#${by('watch', watchToken, 'watching')}`,
          ...(once ? {} : { websocket: `ws://${address}${watchPath}?watch=${watchToken}` }),
        };
      }),
    resume: () =>
      inTurn(async () => {
        known ??= readKey(home, nowMs());
        if (known === null || serving !== null) return serving !== null;
        await serve(known, known.port ?? 0);
        return true;
      }),
    stop: () =>
      inTurn(async () => {
        const now = serving;
        serving = null;
        if (now !== null) await end(now);
      }),
  };
}

/** Each can be used once, within its time. */
function createTickets(nowMs: () => number) {
  const tickets = new Map<string, Ticket>();
  return {
    issue(good: Ticket['good']): string {
      const now = nowMs();
      for (const [ticket, { untilMs }] of tickets) if (untilMs < now) tickets.delete(ticket);
      const ticket = newName();
      tickets.set(ticket, { untilMs: now + ticketMs, good });
      return ticket;
    },
    /** null: there is no such ticket. The ticket is used up by this. Each is compared in constant time. */
    take(given: string | null): Ticket | null {
      const found = [...tickets].find(([token]) => secretRefusal(given, { token, hint: anew }) === null);
      if (found === undefined) return null;
      tickets.delete(found[0]);
      return found[1].untilMs >= nowMs() ? found[1] : null;
    },
  };
}

/** Listens only on the machine's loopback address. Throws `unavailable`. */
async function listenHere(server: Server, port: number): Promise<void> {
  await listen(server, { host: '127.0.0.1', port, exclusive: true }).catch((cause: unknown) => {
    throw new EngineError(
      'unavailable',
      `the inspector cannot listen on 127.0.0.1:${port}: ${messageOf(cause)}`,
      'leave --port out for one that is free, or end the program that has this one',
      { cause },
    );
  });
}

function refusalOf(request: Request, { address }: Serving): EngineError | null {
  const header = headerOf(request);
  const hint = 'a tunnel leads here from the same port';
  return hostRefusal(header, { allowed: [address], hint }) ?? (isPageOpened(request) ? null : originRefusal(header));
}

function gone(): EngineError {
  return new EngineError('unavailable', 'the daemon is stopping', anew);
}
