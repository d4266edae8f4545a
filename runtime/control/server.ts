/** The control API on the home's socket, which is born readable by its owner only. */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { createPollLoop } from '../platform/poll-loop.ts';
import type { App } from './app.ts';

export interface ControlServer {
  stop(): Promise<void>;
}

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
  { ownsFolder, note = () => {} }: { ownsFolder: boolean; note?: (message: string) => void },
): Promise<ControlServer> {
  const servers: Server[] = [];

  async function open(): Promise<void> {
    const server = createServer(getRequestListener(app.fetch));
    // Streams of events are meant to last.
    server.requestTimeout = 0;
    server.keepAliveTimeout = 1_000;
    server.on('clientError', answerGarbage);
    if (ownsFolder) makeOwnFolder(dirname(path));
    else mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    clearPlace(path);
    await new Promise<void>((resolve, reject) => {
      const umask = process.umask(0o177);
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
      process.umask(umask);
    });
    servers.push(server);
    chmodSync(path, 0o600);
  }

  /** A logout takes its folder away, a cleaner of /tmp the socket: nobody finds it then, though it is open. Who is connected stays so. */
  async function openAgain(): Promise<void> {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
    // It takes what lies at its path away with it, so it goes first; it has ended when its last connection has.
    servers.at(-1)?.close();
    await open();
    note(`the socket ${path} was removed, and is made again`);
  }

  let told: string | null = null;
  const loop = createPollLoop({
    everyMs: lookMs,
    async work() {
      await openAgain();
      told = null;
      return null;
    },
    onError(thrown) {
      const trouble = messageOf(thrown);
      if (trouble !== told) note(`the socket ${path} was removed, and cannot be made again yet: ${trouble}`);
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
      await Promise.all(servers.splice(0).map(close));
    },
  };
}

/** It takes its socket away with it. */
async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
}

/** What is no HTTP comes to no route, and is answered in the same words all the same. */
function answerGarbage(thrown: NodeJS.ErrnoException, socket: Duplex): void {
  if (thrown.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const isLong = thrown.code === 'HPE_HEADER_OVERFLOW';
  const error = isLong
    ? new EngineError('too_large', 'the headers are over 16 KiB', 'send fewer')
    : new EngineError(
        'bad_request',
        `the request is not HTTP (${thrown.code ?? thrown.message})`,
        'a body needs its content-length',
      );
  const body = JSON.stringify(error);
  const head = `HTTP/1.1 ${isLong ? '413 Content Too Large' : '400 Bad Request'}\r\ncontent-type: application/json\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
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
