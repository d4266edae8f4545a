/** Every route of the control API, in the order of its description. */

import type { Operations } from '../operations/operation.ts';
import { nouns } from '../operations/operations.ts';
import { routesOf } from './operation-route.ts';
import { type AnyRoute, pathOf } from './route.ts';
import { daemonRoutes } from './routes/daemon.ts';
import { engineRoutes } from './routes/engine.ts';
import { eventRoutes } from './routes/events.ts';
import { instanceRoutes } from './routes/instances.ts';
import { lifecycleRoutes } from './routes/lifecycle.ts';
import { liveStatusRoutes } from './routes/live-status.ts';
import { mcpRoutes } from './routes/mcp.ts';
import { planRoutes } from './routes/plans.ts';
import { repoRoutes } from './routes/repos.ts';
import { signalRoutes } from './routes/signals.ts';

/** The routes that are not operations, in groups; operations come between the groups. */
const before = [...engineRoutes, ...daemonRoutes] as const;
const ofPlans = [...planRoutes, ...lifecycleRoutes, ...liveStatusRoutes, ...signalRoutes] as const;
const after = [...eventRoutes, ...mcpRoutes] as const;
const { repo, host, signal, agent, ...others } = nouns;
const { repos, ...ofRepo } = repo;
const { typeToInstance, ...ofAgent } = agent;

export const routes: readonly AnyRoute[] = [
  ...before,
  ...routesOf({ repos }),
  ...repoRoutes,
  ...routesOf(ofRepo),
  ...routesOf(host),
  ...ofPlans,
  ...routesOf(signal),
  ...routesOf(ofAgent),
  ...instanceRoutes,
  ...routesOf({ typeToInstance }),
  ...Object.values<Operations>(others).flatMap(routesOf),
  ...after,
];

/** Whether the path belongs to the API, and not to the page that is served at the same address. */
export function isApiPath(path: string): boolean {
  return path.startsWith('/v1/') || routes.some(({ key }) => pathOf(key) === path);
}

/** The union of the routes that are not operations. It types the client's other functions. */
export type Routes = (
  | typeof before
  | typeof repoRoutes
  | typeof ofPlans
  | typeof instanceRoutes
  | typeof after
)[number];
