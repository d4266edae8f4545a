/** Accounts of agents as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { time } from './shared-shapes.ts';

export const accountEntry = z
  .object({
    /** As the profile names it, or its program and a digest of what it is known by. */
    account: z.string(),
    /** When a service first reported its rate limit. */
    since: time,
    /** From then on it is asked again. */
    until: time,
    /** Agents that wait for it; those for which another profile stands in do not. */
    waiting: z.array(z.object({ project: z.string(), plan: z.string(), title: z.string() })),
  })
  .meta({ id: 'LimitedAccount' });
/** An account of an agent's service that is rate limited now, until when, and who waits for it. */
export interface AccountEntry extends z.infer<typeof accountEntry> {}
