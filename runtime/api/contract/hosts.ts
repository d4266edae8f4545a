/** The hosts that share a store, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { count, lines, time } from './shared-shapes.ts';

export const hostEntry = z
  .object({
    name: z.string(),
    /** `draining`: it is alive, and starts no agents. `lost`: its engine was stopped, or is gone and was not seen for 12 s. `removed`: its name cannot be used again. */
    state: z.enum(['alive', 'draining', 'lost', 'removed']),
    /** true: this host answers the request. */
    own: z.boolean(),
    labels: lines,
    /** Its system's host name, and the home of its engine there. */
    address: z.string(),
    home: z.string(),
    since: time,
    /** When its engine last reached the store. */
    seen: time,
    /** true: it is alive, and was not seen for 12 s: its daemon hangs or is stopped. */
    silent: z.boolean(),
    drained_at: time.nullable(),
    removed_at: time.nullable(),
    repos: lines,
    /** Whether repos can be moved to it, and continue there when their host is lost: it has `[host] clones`. */
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
    /** The names of the repos that belong to no host now. */
    repos: lines,
    notes: lines,
  })
  .meta({ id: 'HostRemoved' });
/** A host that does not come back under its name. */
export interface HostRemoved extends z.infer<typeof hostRemoved> {}
