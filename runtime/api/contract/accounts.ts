/** Accounts of agents as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { time } from './shared-shapes.ts';

export const accountEntry = z
  .object({
    /** The name from the profile, or the program with a digest of the account's identity. */
    account: z.string(),
    /** Since when it takes no new agents; null: it takes them. */
    since: time.nullable(),
    /** The time from which the account is tried again; null: it takes agents now. */
    until: time.nullable(),
    /** How much of its limit is used, in percent, while the rest is kept back as its reserve; null: the service takes no more. */
    used_percent: z.number().nullable(),
    /** What is left of its limits, as its program last reported it, the one that ends first; empty: it reported nothing. */
    left: z.array(
      z.object({
        /** `five_hour`, `seven_day`, a `seven_day_` of one model, or `limit` where it is not known. */
        span: z.string(),
        percent: z.number(),
        /** When the whole limit is available again. */
        until: time,
        /** When the program reported it. */
        at: time,
      }),
    ),
    /** Agents that wait for it; agents that use a substitute profile do not wait. */
    waiting: z.array(z.object({ project: z.string(), plan: z.string(), title: z.string() })),
  })
  .meta({ id: 'Account' });
/** An account of an agent's service: whether it takes no new agents now, because it is rate limited or only its reserve is left, until when, who waits for it, and what is left of its limits. */
export interface AccountEntry extends z.infer<typeof accountEntry> {}
