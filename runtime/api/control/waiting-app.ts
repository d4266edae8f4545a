/** The app of a daemon without an engine: it serves its own routes and its status, and answers everything else with the reason why it waits. */
import type { Hono } from 'hono';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { bareApp, mount } from './app.ts';
import { personEntrance } from './principal.ts';
import { check, nothing, queryOf } from './requests.ts';
import type { AppParts, Host } from './route.ts';
import { daemonRoutes } from './routes/daemon.ts';
import { waitingStatus } from './routes/engine.ts';

interface WaitingParts extends Pick<AppParts, 'log'> {
  readonly host: Host;
  /** The reason why the daemon waits; null: its engine is starting. */
  waiting(): string | null;
}

export function createWaitingApp(parts: WaitingParts): Hono {
  const { host, log, waiting } = parts;
  const why = () => waiting() ?? 'the engine is starting';
  const refusal = () =>
    new EngineError(
      'unavailable',
      `the daemon waits: ${why()}`,
      'it continues by itself as soon as that is over; look again with: stator daemon status, or restart it with: stator daemon restart',
    );
  const app = bareApp(log, refusal);
  // Only the store knows whose token it is.
  const runOfToken = async () => {
    throw refusal();
  };
  const entrance = personEntrance({ runOfToken }, host.personOf);
  const core = { ...parts, inspect: host.inspect };
  for (const each of daemonRoutes) mount(app, { core, entrance }, each);
  app.get('/v1/status', (c) => {
    check(nothing, queryOf(c), 'the query');
    return c.json(waitingStatus({ ...host, waiting: why() }));
  });
  return app;
}
