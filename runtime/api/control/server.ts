/** The control API on the home's socket, which is born readable by its owner only. */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type Server, STATUS_CODES } from 'node:http';
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
  /** Until the headers are there, from the connection or the answer before. */
  readonly headersMs: number;
  /** Until the whole request is there. Answers may last: streams of events do. */
  readonly requestMs: number;
  readonly connections: number;
}

/** A request of 3 MiB over a slow line is there in this time; the streams of events alone may be 256. */
const limits: ServerLimits = { headersMs: 10_000, requestMs: 30_000, connections: 512 };
/** An agent that wants more holds only its own socket. */
export const runLimits: ServerLimits = { ...limits, connections: 32 };
/** A client without a token is disconnected after its first request at the latest. */
export const tcpLimits: ServerLimits = { ...limits, connections: 256 };
/** Of what Node itself looks at: how late a request may be found out of time. */
const checkMs = 1_000;

/** Whether the socket is still there is looked at this often. */
const lookMs = 1_000;
const elsewhere = 'name another place with socket_path in daemon.toml';

/**
 * The caller owns the home, so a socket that lies there is nobody's. `ownsFolder`: its folder is stator's own and is closed to everybody else.
 * One that is removed is made again, with its folder, for as long as it is served; `note` is told.
 * Throws `home_unusable` where it cannot be made, something that is no socket lies there, or the folder is somebody else's.
 */
export async function serveSocket(
  app: Pick<App, 'fetch'>,
  path: string,
  { ownsFolder, home, note = () => {}, limits: allowed = limits }: SocketOptions,
): Promise<ControlServer> {
  const servers: Server[] = [];
  /** Which file the socket is: another may come to lie at its path. */
  let own = '';

  async function open(): Promise<void> {
    const server = createHttpServer(app, allowed);
    if (ownsFolder) makeOwnFolder(dirname(path));
    else mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    clearPlace(path);
    await new Promise<void>((resolve, reject) => {
      // A worker thread cannot set it; the folder is closed, and the mode is set below.
      const umask = isMainThread ? process.umask(0o177) : null;
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
      if (umask !== null) process.umask(umask);
    });
    servers.push(server);
    chmodSync(path, 0o600);
    own = identityOf(path) ?? '';
  }

  /**
   * A logout takes its folder away, a cleaner of /tmp the socket, and a program may put another in its place: nobody finds it then, though it is open. Who is
   * connected stays so. A socket at which another program listens is left to that.
   */
  async function openAgain(): Promise<void> {
    const found = identityOf(path);
    if (found === own) return;
    if (found !== null && (await isAnswered(path)))
      throw new EngineError('home_unusable', `another program listens at ${path}`, elsewhere);
    // Before the server goes, which takes away what lies at its path: a file that is no socket is somebody's.
    clearPlace(path);
    // It takes what lies at its path away with it, so it goes first; it has ended when its last connection has.
    servers.at(-1)?.close();
    await open();
    note(`the socket ${path} was ${found === null ? 'removed' : 'replaced'}, and is made again`);
  }

  let told: string | null = null;
  const loop = createPollLoop({
    everyMs: lookMs,
    async work() {
      if (home === undefined || !isHomeAway(home)) await openAgain();
      told = null;
      return null;
    },
    onError(thrown) {
      const trouble = messageOf(thrown);
      if (trouble !== told) note(`the socket ${path} is not there, and cannot be made again yet: ${trouble}`);
      told = trouble;
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
  /** The socket's folder is stator's own, and closed to everybody else. */
  readonly ownsFolder: boolean;
  /** What is served: while it is away nothing is made again in its place. */
  readonly home?: string;
  readonly note?: (message: string) => void;
  readonly limits?: ServerLimits;
}

/** An HTTP server over the app, which listens nowhere yet. */
export function createHttpServer(app: Pick<App, 'fetch'>, allowed: ServerLimits): Server {
  const { headersMs, requestMs, connections } = allowed;
  const listener = getRequestListener(app.fetch, { errorHandler: (thrown) => errorResponse(failure(thrown)) });
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: Math.min(checkMs, headersMs),
      keepAliveTimeout: 1_000,
    },
    (request, response) => {
      // It would be taken for a GET: no `Request` of the web can have that method.
      if (request.method === 'TRACE') {
        response.writeHead(errorClasses.bad_request.status, {
          'content-type': 'application/json',
          connection: 'close',
        });
        response.end(JSON.stringify(noTrace()));
      } else void listener(request, response);
    },
  );
  server.maxConnections = connections;
  server.on('clientError', answerGarbage);
  return server;
}

/** What is being answered is answered to its end, for a while; then connections are cut. A server on a socket takes that away with it. */
export async function stopServers(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map(close));
}

/** A stream of events ends with the last facts, which nobody else would tell. Whoever takes nothing keeps no engine from leaving. */
const lastAnswersMs = 2_000;
const closingLookMs = 10;

/** It takes its socket away with it. */
async function close(server: Server): Promise<void> {
  let isClosed = false;
  const closed = new Promise<void>((resolve) => server.close(() => resolve())).then(() => {
    isClosed = true;
  });
  const untilMs = performance.now() + lastAnswersMs;
  while (!isClosed && performance.now() < untilMs) {
    // Connections that were answered are kept for another request, which nobody takes now.
    server.closeIdleConnections();
    await Promise.race([closed, delay(closingLookMs)]);
  }
  server.closeAllConnections();
  await closed;
}

/** What is no HTTP comes to no route, and is answered in the same words all the same. */
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

/** What an app throws is a bug of ours; what is thrown before it is asked is the request's. */
function failure(thrown: unknown): EngineError {
  if (thrown instanceof RequestError) return notHttp('no Host');
  return new EngineError('internal', `a bug of stator: ${messageOf(thrown)}`, 'please report it', { cause: thrown });
}

function notHttp(why: string): EngineError {
  return new EngineError('bad_request', `the request is not HTTP (${why})`, 'a body needs its content-length');
}

/** null: nothing lies there. */
function identityOf(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.dev}:${found.ino}:${found.birthtimeNs}`;
}

/** A socket of an owner that was killed goes; anything else is somebody's, and the path a slip of the pen. */
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
 * Makes a folder for sockets that only this user may enter, so that the kernel looks at the uid of whoever connects. In /tmp anybody may have made it
 * before us, or a link in its place: whoever owns the folder can put another socket there. Throws `home_unusable`.
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
