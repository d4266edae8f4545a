/** Accounts of agents as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { time } from './shared-shapes.ts';

export const accountEntry = z
  .object({
    /** The name from the profile, or the program with a digest of the account's identity. */
    account: z.string(),
    /** When a service first reported its rate limit. */
    since: time,
    /** The time from which the account is tried again. */
    until: time,
    /** How much of its limit is used, in percent, while the rest is kept back as its reserve; null: the service takes no more. */
    used_percent: z.number().nullable(),
    /** Agents that wait for it; agents that use a substitute profile do not wait. */
    waiting: z.array(z.object({ project: z.string(), plan: z.string(), title: z.string() })),
  })
  .meta({ id: 'LimitedAccount' });
/** An account of an agent's service that takes no new agents now, because it is rate limited or only its reserve is left, until when, and who waits for it. */
export interface AccountEntry extends z.infer<typeof accountEntry> {}
