/** The hosts that share a store, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { count, lines, time } from './shared-shapes.ts';

export const hostEntry = z
  .object({
    name: z.string(),
    /** `draining`: it is alive, and starts no agents. `lost`: no engine works as this host now. `removed`: its name is used up. */
    state: z.enum(['alive', 'draining', 'lost', 'removed']),
    /** The one that answers. */
    own: z.boolean(),
    labels: lines,
    /** The name that its system gives it, and the home of its engine there. */
    address: z.string(),
    home: z.string(),
    since: time,
    /** When its engine reached the store last. */
    seen: time,
    drained_at: time.nullable(),
    removed_at: time.nullable(),
    repos: lines,
    /** Whether repos can be moved to it, and go on there when their host is lost: it has `[host] clones`. */
    takes_repos: z.boolean(),
    /** Its plans under way, and the agents that run there. */
    active_plans: count,
    agents: count,
  })
  .meta({ id: 'Host' });
/** One of the machines that share a store. */
export interface HostEntry extends z.infer<typeof hostEntry> {}

export const hostRemoved = z
  .object({
    status: z.literal('removed'),
    name: z.string(),
    /** The repos that belong to no host now, by their names. */
    repos: lines,
    notes: lines,
  })
  .meta({ id: 'HostRemoved' });
/** A host that does not come back under its name. */
export interface HostRemoved extends z.infer<typeof hostRemoved> {}
