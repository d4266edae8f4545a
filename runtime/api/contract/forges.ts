/** Forges as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { time } from './shared-shapes.ts';

export const forgeEntry = z
  .object({
    project: z.string(),
    /** Its name in the list of servers. */
    server: z.string(),
    url: z.string(),
    /** Its state at the last request. */
    state: z.enum(['up', 'down']),
    since: time,
    /** Why it cannot be used; null: it answers. */
    code: z.string().nullable(),
    reason: z.string().nullable(),
    hint: z.string().nullable(),
    /** The plans whose pull requests wait for it. */
    waiting_plans: z.array(z.string()),
  })
  .meta({ id: 'Forge' });
/** The forge of a repo, with its state at the last request. */
export interface ForgeEntry extends z.infer<typeof forgeEntry> {}
