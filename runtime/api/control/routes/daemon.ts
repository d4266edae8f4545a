/**
 * Routes of the daemon around an engine. The daemon answers them even while it waits for its store. A program's engine has no daemon, and serves the page
 * itself.
 */
import { z } from 'zod';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { type AppParts, type Host, json, route } from '../route.ts';

/** Larger than either of the two bodies can be. */
const bodyLimitBytes = 1_024;

export const daemonRoutes = [
  route(
    'POST /v1/stop',
    {
      does: 'stops the daemon, after the answer; with `leave` agents go on, and the next engine adopts them; also while the daemon waits for its store',
      again: 'free',
      who: 'person',
      body: z.strictObject({ agents: z.enum(['leave', 'stop']).default('leave') }),
      bodyLimitBytes,
      answers: {
        202: z.strictObject({ status: z.literal('stopping'), pid: z.int(), agents: z.enum(['leave', 'stop']) }),
      },
      errors: ['conflict'],
    },
    async ({ core, body: { agents } }) => {
      hostOf(core).stop(agents);
      return json(202, { status: 'stopping' as const, pid: process.pid, agents });
    },
  ),
  route(
    'POST /v1/inspect',
    {
      does: 'serves the live page at `port` and returns its address; with `once` an address that opens one page within a minute; with `stately` the address of the bridge to Stately; also while the daemon waits for its store',
      again: 'free',
      who: 'person',
      body: z.strictObject({
        port: z.int().min(1).max(65_535).optional(),
        once: z.boolean().optional(),
        stately: z.boolean().optional(),
      }),
      bodyLimitBytes,
      answers: { 200: z.strictObject({ url: z.string(), websocket: z.string().optional() }) },
      errors: ['conflict', 'home_unusable', 'unavailable'],
    },
    async ({ core, body }) => {
      if (core.inspect !== null) return json(200, await core.inspect(body));
      throw new EngineError(
        'conflict',
        'this engine lives for one verb and serves no page',
        'start a daemon: stator daemon start',
      );
    },
  ),
] as const;

/** Throws `conflict` if the engine belongs to a program. */
function hostOf({ host }: Pick<AppParts, 'host'>): Host {
  if (host !== null) return host;
  throw new EngineError(
    'conflict',
    `no daemon answers here: this engine belongs to a program, pid ${process.pid}`,
    'end that program (Ctrl-C in a `stator run`), then start a daemon: stator daemon start',
  );
}
