/**
 * A socket for each run. It serves only the routes that an agent needs for its own plan. A request also needs the run's token, so that one run never acts as
 * another. The folder is mounted into the run's walls, so the socket in it may be made again.
 */
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import { runSocketFolder, runSocketName } from '../../base/config/socket-path.ts';
import type { RunSocket, RunSockets } from '../../work/effects/run-socket.ts';
import { type App, createApp } from './app.ts';
import { checkEntrance, runEntrance } from './principal.ts';
import type { AppParts } from './route.ts';
import { type ControlServer, makeOwnFolder, runLimits, type SocketOptions, serveSocket } from './server.ts';

/** Sockets for the runs of this home, with the same parts as the app for people. */
export function createRunSockets(parts: AppParts, home: string): RunSockets {
  return {
    async open({ launch, project, plan, run }): Promise<RunSocket> {
      const folder = runSocketFolder(home, launch);
      const path = join(folder, runSocketName);
      const entrance =
        run === null ? checkEntrance({ project, plan }) : runEntrance(parts.commands, { key: run, project, plan });
      const app = createApp(parts, { entrance });
      const note = (message: string) => parts.log.warn(message);
      const server = await serve(app, path, { home, note }).catch((thrown: unknown) => {
        note(`${run ?? `a check of ${project}/${plan}`} has no socket: ${reasonOf(thrown)}`);
        return null;
      });
      const leave = async () => server?.stop();
      return {
        path,
        leave,
        async remove() {
          await leave();
          await rm(folder, { recursive: true, force: true }).catch((thrown: unknown) => note(reasonOf(thrown)));
        },
      };
    },
  };
}

/** Makes the common folder of the sockets as private as each socket. Throws `home_unusable`. */
async function serve(app: App, path: string, at: Pick<SocketOptions, 'home' | 'note'>): Promise<ControlServer> {
  makeOwnFolder(dirname(dirname(path)));
  return serveSocket(app, path, { ...at, ownsFolder: true, limits: runLimits });
}
