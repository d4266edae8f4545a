/** What was done between two times, as the control API answers it. */
import { z } from 'zod';
import { landings } from '../../../machines/vocabulary/landing.ts';
import { count, reason, reportedUsage, status, time } from './shared-shapes.ts';

export const workEntry = z
  .object({
    from: time,
    to: time,
    /** Runs that were under way between `from` and `to`, in the order of their starts. A run that ended after `to` has no `ended_at`. */
    runs: z.array(
      z.object({
        project: z.string(),
        plan: z.string(),
        title: z.string(),
        role: z.string(),
        attempt: count,
        state: z.string(),
        reason: reason.nullable(),
        /** Why a run failed, in one line: the message of its check or its program, or the last message of its agent; null: not known. */
        why: z.string().nullable(),
        started_at: time,
        ended_at: time.nullable(),
        ...reportedUsage,
      }),
    ),
    /** The plans that were registered, ran or were acted on in that time, in their present state; by repo and name. */
    plans: z.array(
      z.object({
        project: z.string(),
        plan: z.string(),
        title: z.string().nullable(),
        /** As in `PlanEntry`. */
        author: z.string().nullable(),
        status,
        landing: z.enum(landings).nullable(),
        /** Why a person must act now; null: nobody must. */
        need: z.string().nullable(),
        /** How many of its runs were in that time, and how many of those failed. */
        runs: count,
        failures: count,
        /** null: none is known. */
        cost_usd: z.number().min(0).nullable(),
      }),
    ),
    /** Signals of people, the newest first. */
    acts: z.array(
      z.object({
        project: z.string(),
        plan: z.string(),
        /** The tree of a user-defined machine that it went to, such as `release:1.2`; null: it went to a plan or a repo. */
        tree: z.string().nullable(),
        type: z.string(),
        /** `person:anna`; `person`: the owner of the home. */
        by: z.string(),
        status: z.string(),
        at: time,
      }),
    ),
    /** true: earlier runs or acts of that time are left out, because too many came after them. */
    is_cut: z.boolean(),
  })
  .meta({ id: 'Work' });
/** The runs that were under way in a time, and what people did in it. */
export interface WorkEntry extends z.infer<typeof workEntry> {}
