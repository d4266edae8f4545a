/** Every route of the control API, in the order of its description. */

import { nouns } from '../operations/operations.ts';
import { routesOf } from './operation-route.ts';
import type { AnyRoute } from './route.ts';
import { accountRoutes } from './routes/accounts.ts';
import { cleaningRoutes } from './routes/cleaning.ts';
import { daemonRoutes } from './routes/daemon.ts';
import { engineRoutes } from './routes/engine.ts';
import { eventRoutes } from './routes/events.ts';
import { forgeRoutes } from './routes/forges.ts';
import { instanceRoutes } from './routes/instances.ts';
import { issueRoutes } from './routes/issues.ts';
import { lifecycleRoutes } from './routes/lifecycle.ts';
import { liveStatusRoutes } from './routes/live-status.ts';
import { machineRoutes } from './routes/machines.ts';
import { mcpRoutes } from './routes/mcp.ts';
import { notificationRoutes } from './routes/notifications.ts';
import { permissionRoutes } from './routes/permissions.ts';
import { planRoutes } from './routes/plans.ts';
import { queueRoutes } from './routes/queue.ts';
import { repoRoutes } from './routes/repos.ts';
import { signalRoutes } from './routes/signals.ts';

/** Those that are no operations yet, in pieces between which operations stand. */
const before = [...engineRoutes, ...daemonRoutes, ...repoRoutes] as const;
const between = [
  ...planRoutes,
  ...lifecycleRoutes,
  ...liveStatusRoutes,
  ...signalRoutes,
  ...instanceRoutes,
  ...permissionRoutes,
  ...queueRoutes,
  ...issueRoutes,
  ...forgeRoutes,
  ...accountRoutes,
  ...notificationRoutes,
] as const;
const after = [...cleaningRoutes, ...machineRoutes, ...eventRoutes, ...mcpRoutes] as const;

export const routes: readonly AnyRoute[] = [
  ...before,
  ...routesOf(nouns.host),
  ...between,
  ...routesOf(nouns.hook),
  ...after,
];

/** The union of those that are no operations: what the client's other functions are typed by. */
export type Routes = (typeof before | typeof between | typeof after)[number];
