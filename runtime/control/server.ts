/** The control API on the home's socket, which is born readable by its owner only. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { EngineError } from '../../machines/errors.ts';
import type { App } from './app.ts';

export interface ControlServer {
  stop(): Promise<void>;
}

/** The caller owns the home, so a socket that lies there is nobody's. Throws `home_unusable` where it cannot be made. */
export async function serveSocket(app: App, path: string): Promise<ControlServer> {
  const server = createServer(getRequestListener(app.fetch));
  // Streams of events are meant to last.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 1_000;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      const umask = process.umask(0o177);
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
      process.umask(umask);
    });
    chmodSync(path, 0o600);
  } catch (cause) {
    throw new EngineError(
      'home_unusable',
      `the socket ${path} cannot be made`,
      'name another place with socket_path in daemon.toml',
      { cause },
    );
  }
  return {
    async stop() {
      server.closeAllConnections();
      if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(path, { force: true });
    },
  };
}
