/** Every route of the control API, in the order of its description. */
import type { Operations } from '../operations/operation.ts';
import { nouns } from '../operations/operations.ts';
import { type AnyRoute, pathOf, routesOf } from './route.ts';
import { daemonRoutes } from './routes/daemon.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { engineRoutes } from './routes/engine.ts';
import { eventRoutes } from './routes/events.ts';
import { instanceRoutes } from './routes/instances.ts';
import { lifecycleRoutes } from './routes/lifecycle.ts';
import { mcpRoutes } from './routes/mcp.ts';

const { repo, host, plan, signal, agent, ...others } = nouns;
const { tasks, soloPlan, liveStatus, ...ofPlan } = plan;
const { typeToInstance, ...ofAgent } = agent;
const [planRoute, implementRoute] = lifecycleRoutes;

export const routes: readonly AnyRoute[] = [
  ...engineRoutes,
  ...daemonRoutes,
  ...routesOf({ ...repo, ...host, ...ofPlan, tasks }),
  planRoute,
  ...routesOf({ soloPlan }),
  implementRoute,
  ...routesOf({ liveStatus, ...signal, ...ofAgent }),
  ...instanceRoutes,
  ...routesOf({ typeToInstance }),
  ...Object.values<Operations>(others).flatMap(routesOf),
  ...deliveryRoutes,
  ...eventRoutes,
  ...mcpRoutes,
];

/** Whether the path belongs to the API, and not to the page that is served at the same address. */
export function isApiPath(path: string): boolean {
  return path.startsWith('/v1/') || routes.some(({ key }) => pathOf(key) === path);
}
