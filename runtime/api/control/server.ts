/** Serves the control API on the home's socket. From its creation on, only the owner can use the socket. */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { ListenOptions } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { getRequestListener, RequestError } from '@hono/node-server';
import { EngineError, errorClasses, messageOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { isHomeAway } from '../../base/platform/home.ts';
import { createPollLoop } from '../../base/platform/poll-loop.ts';
import { isAnswered } from '../../base/platform/socket-answers.ts';
import type { App } from './app.ts';
import { errorResponse } from './requests.ts';

export interface ControlServer {
  stop(): Promise<void>;
}

/** Limits on what a client can occupy. */
export interface ServerLimits {
  /** From the connection, or the previous answer, until the headers have arrived. */
  readonly headersMs: number;
  /** Until the whole request has arrived. Answers have no limit, because streams of events last. */
  readonly requestMs: number;
  readonly connections: number;
}

/** A request of 3 MiB over a slow line arrives in this time. Streams of events alone may take 256 connections. */
const limits: ServerLimits = { headersMs: 10_000, requestMs: 30_000, connections: 512 };
/** An agent with more connections blocks only its own socket. */
export const runLimits: ServerLimits = { ...limits, connections: 32 };
/** A client without a token is disconnected after its first request at the latest. */
export const tcpLimits: ServerLimits = { ...limits, connections: 256 };
/** How often Node checks for requests that are over their time limit. */
const checkMs = 1_000;
/**
 * How long a connection stays open for a next request. The answers of MCP and streams of events do not say it, and the `fetch` of Node then keeps such a
 * connection for 4 s: a server that closes it earlier, or hardly later on a machine that is busy, cuts a request that was just sent.
 */
const keepAliveMs = 30_000;

/** How often the socket's file is checked. */
const lookMs = 1_000;
const elsewhere = 'name another place with socket_path in daemon.toml';

/**
 * Serves the app on a unix socket. The caller owns the home, so no process uses a socket that already lies there. `ownsFolder`: the folder is stator's own
 * and closed to other users. A removed socket is made again, with its folder, and `note` is called. Throws `home_unusable` if the socket cannot be made, if
 * something other than a socket lies there, or if the folder belongs to another user.
 */
export async function serveSocket(
  app: Pick<App, 'fetch'>,
  path: string,
  { ownsFolder, home, note = () => {}, limits: allowed = limits }: SocketOptions,
): Promise<ControlServer> {
  const servers: Server[] = [];
  /** The identity of the socket's file: another file may replace it at its path. */
  let own = '';

  async function open(): Promise<void> {
    const server = createHttpServer(app, allowed);
    if (ownsFolder) makeOwnFolder(dirname(path));
    else mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    clearPlace(path);
    // A worker thread cannot set the umask; the folder is closed, and the mode is set below.
    const umask = isMainThread ? process.umask(0o177) : null;
    const listening = listen(server, { path });
    if (umask !== null) process.umask(umask);
    await listening;
    servers.push(server);
    chmodSync(path, 0o600);
    own = identityOf(path) ?? '';
  }

  /**
   * Makes the socket again if its file was removed or replaced. A logout may remove its folder, a cleaner of /tmp the socket, and a program may put another
   * one in its place. Clients then cannot find it, although it is open. Open connections stay. A socket on which another program listens is left alone.
   */
  async function openAgain(): Promise<void> {
    const found = identityOf(path);
    if (found === own) return;
    if (found !== null && (await isAnswered(path)))
      throw new EngineError('home_unusable', `another program listens at ${path}`, elsewhere);
    // This comes before the server closes, because closing removes the file at its path, and a file that is no socket belongs to someone.
    clearPlace(path);
    // Closing removes the file at its path, so the old server closes first. It ends with its last connection.
    servers.at(-1)?.close();
    await open();
    note(`the socket ${path} was ${found === null ? 'removed' : 'replaced'}, and is made again`);
  }

  let reported: string | null = null;
  const loop = createPollLoop({
    everyMs: lookMs,
    async work() {
      if (home === undefined || !isHomeAway(home)) await openAgain();
      reported = null;
      return null;
    },
    onError(thrown) {
      const trouble = messageOf(thrown);
      if (trouble !== reported) note(`the socket ${path} is not there, and cannot be made again yet: ${trouble}`);
      reported = trouble;
    },
  });

  try {
    await open();
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throw new EngineError('home_unusable', `the socket ${path} cannot be made: ${messageOf(cause)}`, elsewhere, {
      cause,
    });
  }
  loop.start();
  return {
    async stop() {
      await loop.stop();
      await stopServers(servers.splice(0));
    },
  };
}

export interface SocketOptions {
  /** The socket's folder is stator's own, and closed to other users. */
  readonly ownsFolder: boolean;
  /** The served home: while its folder is missing, nothing is made again in its place. */
  readonly home?: string;
  readonly note?: (message: string) => void;
  readonly limits?: ServerLimits;
}

/** Binds a path before it returns. Resolves when the server accepts connections; rejects with the system's error. */
export function listen(server: Server, place: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(place, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** An HTTP server for the app, which does not listen yet. */
export function createHttpServer(app: Pick<App, 'fetch'>, allowed: ServerLimits): Server {
  const { headersMs, requestMs, connections } = allowed;
  const listener = getRequestListener(app.fetch, {
    errorHandler: (thrown) => errorResponse(failure(thrown)),
    // It would close a connection 500 ms after the answer without saying so, when the client may have sent a next request: `dropRest` instead.
    autoCleanupIncoming: false,
  });
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(checkMs, headersMs),
      keepAliveTimeout: keepAliveMs,
      // Node's own answer to a request without it has no error in it.
      requireHostHeader: false,
    },
    (request, response) => {
      // Without this it would be handled as a GET: a web `Request` cannot have that method.
      if (request.method === 'TRACE') {
        response.writeHead(errorClasses.bad_request.status, {
          'content-type': 'application/json',
          connection: 'close',
        });
        response.end(JSON.stringify(noTrace()));
        return;
      }
      response.once('finish', () => dropRest(request));
      void listener(request, response);
    },
  );
  server.maxConnections = connections;
  server.on('clientError', answerGarbage);
  return server;
}

/**
 * Reads and drops what is left of the body of a request that was answered without it, within the time limit of the request: the client may use the
 * connection again. Without its listeners, because the web stream of a body that nobody reads pauses it after each piece.
 */
function dropRest(request: IncomingMessage): void {
  if (request.readableEnded) return;
  request.removeAllListeners('data');
  request.resume();
}

/** Lets open answers end for a limited time, then cuts connections. A server on a socket removes the socket. */
export async function stopServers(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map(close));
}

/**
 * Time for streams of events to send their last facts, which clients get in no other way. A client that reads nothing does not delay the engine's end any
 * longer.
 */
const lastAnswersMs = 2_000;
const closingLookMs = 10;

/** Closing also removes the server's socket. */
async function close(server: Server): Promise<void> {
  let isClosed = false;
  const closed = new Promise<void>((resolve) => server.close(() => resolve())).then(() => {
    isClosed = true;
  });
  const untilMs = performance.now() + lastAnswersMs;
  while (!isClosed && performance.now() < untilMs) {
    // Idle connections wait for another request, which would not be served now.
    server.closeIdleConnections();
    await Promise.race([closed, delay(closingLookMs)]);
  }
  server.closeAllConnections();
  await closed;
}

/** Input that is not HTTP reaches no route, but gets an error of the same form. */
function answerGarbage(thrown: NodeJS.ErrnoException, socket: Duplex): void {
  if (thrown.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const error = garbageError(thrown);
  const { status } = errorClasses[error.code];
  const body = JSON.stringify(error);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
}

function noTrace(): EngineError {
  return new EngineError('bad_request', 'TRACE is a method that nothing here answers', 'to read, send GET');
}

function garbageError({ code, message }: NodeJS.ErrnoException): EngineError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new EngineError('too_large', 'the headers are over 16 KiB', 'send fewer');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new EngineError('timed_out', 'the request was not there in time', 'send it whole, and at once');
    default:
      return notHttp(code ?? message);
  }
}

/** An error from the app is our bug; an error before the app is called is the request's fault. */
function failure(thrown: unknown): EngineError {
  if (thrown instanceof RequestError) return notHttp(thrown.message.toLowerCase());
  return new EngineError('internal', `a bug of stator: ${messageOf(thrown)}`, 'please report it', { cause: thrown });
}

function notHttp(why: string): EngineError {
  const hint = 'send HTTP/1.1 with one Host, a percent-encoded address, and the content-length of a body';
  return new EngineError('bad_request', `the request is not HTTP (${why})`, hint);
}

/** null: there is no file. */
function identityOf(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.dev}:${found.ino}:${found.birthtimeNs}`;
}

/** Removes the socket of a killed owner. Any other file belongs to someone, and the configured path is then a mistake. */
function clearPlace(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isSocket()) {
    unlinkSync(path);
    return;
  }
  const hint = `move it out of the way: mv ${shellWord(path)} ${shellWord(`${path}.old`)}, or ${elsewhere}`;
  throw new EngineError('home_unusable', `the socket cannot be made: ${path} is there and is no socket`, hint);
}

/**
 * Makes a folder for sockets that only this user may enter, so that the kernel checks the uid of each client. In /tmp another user may have made the folder,
 * or a link in its place, and the folder's owner could put another socket there. Throws `home_unusable`.
 */
export function makeOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const uid = process.getuid?.();
  const found = lstatSync(folder);
  if (uid !== undefined && found.uid !== uid)
    throw new EngineError(
      'home_unusable',
      `the socket's folder ${folder} belongs to uid ${found.uid}, and this is uid ${uid}`,
      elsewhere,
    );
  if (!found.isDirectory())
    throw new EngineError(
      'home_unusable',
      `the socket's folder ${folder} is a ${found.isSymbolicLink() ? 'link' : 'file'}, and no folder`,
      `take it away: rm ${shellWord(folder)}, or ${elsewhere}`,
    );
  if ((found.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}
