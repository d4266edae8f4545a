/**
 * The page of `stator inspect`, and the control API beneath it, on 127.0.0.1: served from the first time that a person asks for it, and again by the
 * next daemon where a page was there in the last day. Facts come as server-sent events by fetch, which can carry a token: the same route as
 * everywhere, with its catching up, its limit and its end for a reader that takes nothing.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { later } from '../../base/platform/later.ts';
import type { Log } from '../../base/platform/log.ts';
import { isSameSecret } from '../../base/platform/token.ts';
import { errorResponse } from '../control/requests.ts';
import type { PageWanted } from '../control/route.ts';
import { createHttpServer, stopServers, tcpLimits } from '../control/server.ts';
import { hostRefusal, isPageOpened, originRefusal, secretRefusal } from '../control/web-guard.ts';
import { createNote, type InspectorKey, newKey, newName, readKey, tokenOf, watchTokenOf } from './key.ts';
import { createPageApp, headerOf, withHeaders } from './page-app.ts';
import type { Watched } from './stately.ts';
import type { StatelySocket } from './stately-socket.ts';
import { refuseUpgrade, watchPath, watchRefusal } from './watch-guard.ts';

const loadSocket = later(() => import('./stately-socket.ts'));

/** A browser is there within this, with the word that was in the command line that started it. */
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
  /** Serves where it does not yet. Throws `unavailable` where the port cannot be had, `home_unusable`. */
  open(wanted: PageWanted): Promise<{ url: string; websocket?: string }>;
  /** Serves again where pages of an earlier life may wait for it; false: there are none. Throws as `open`. */
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

/** Spent by the first who comes with it. */
interface Ticket {
  readonly untilMs: number;
  readonly good: 'all' | 'watching';
}

/** Listens nowhere until it is opened. */
export function createInspector({ home, app, log, nowMs, watched }: InspectorOptions): Inspector {
  const life = newName();
  const note = createNote(home);
  const tickets = new Map<string, Ticket>();
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
    await listen(server, port);
    const own = (server.address() as AddressInfo).port; // it listens on TCP
    // As a browser names it, in its requests and to the page: the port 80 goes unsaid.
    const address = new URL(`http://127.0.0.1:${own}`).host;
    const by = { key: key.key, address, life };
    const made = { server, port: own, address, token: tokenOf(by), watchToken: watchTokenOf(by) };
    known = { key: key.key, port: own };
    serving = made;
    note(key.key, own, nowMs(), true);
    log.info(`the inspector is served at http://${address}`);
    return made;
  }

  /** At most one is made at a time: two requests at once get the same. */
  let busy: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = busy.then(work, work);
    busy = next.catch(() => {}); // who asked is told
    return next;
  }

  async function ready(port: number | undefined): Promise<Serving> {
    if (serving !== null && (port ?? serving.port) === serving.port) return serving;
    const key = known ?? readKey(home, nowMs()) ?? newKey();
    const before = serving;
    const made = await serveAt(key, port);
    if (before !== null) await end(before);
    return made;
  }

  /** A server ends when its last socket has: those who watch are let go first. */
  async function end({ server }: Serving): Promise<void> {
    await (await loaded?.catch(() => null))?.stop();
    await stopServers([server]);
  }

  /** Where it was before, unless somebody else is there by now; a port that was named is that one or none. */
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
      const ticket = takeTicket(given);
      if (ticket === null || serving === null) return null;
      return ticket.good === 'all' ? serving.token : serving.watchToken;
    },
    // Who has the token is a person: that of a run is none of ours.
    authorizationOf: () => null,
  });

  async function answer(request: Request): Promise<Response> {
    const now = serving;
    const refusal = now === null ? gone() : refusalOf(request, now);
    if (now === null || refusal !== null) return withHeaders(errorResponse(refusal ?? gone()));
    return page.fetch(request, now.address);
  }

  function newTicket(good: Ticket['good']): string {
    const now = nowMs();
    for (const [ticket, { untilMs }] of tickets) if (untilMs < now) tickets.delete(ticket);
    const ticket = newName();
    tickets.set(ticket, { untilMs: now + ticketMs, good });
    return ticket;
  }

  /** null: there is no such ticket; there is none after that. Each is compared in constant time. */
  function takeTicket(given: string | null): Ticket | null {
    const found = [...tickets].find(([token]) => secretRefusal(given, { token, hint: anew }) === null);
    if (found === undefined) return null;
    tickets.delete(found[0]);
    return found[1].untilMs >= nowMs() ? found[1] : null;
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
          once ? `once=${newTicket(good)}` : `${name}=${own}`;
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

/** Of the machine itself only, whatever else it is connected to. Throws `unavailable`. */
async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((cause: unknown) => {
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
