/** Forges as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { time } from './shared-shapes.ts';

export const forgeEntry = z
  .object({
    project: z.string(),
    /** Its name in the list of servers. */
    server: z.string(),
    url: z.string(),
    /** How it was found when it was asked last. */
    state: z.enum(['up', 'down']),
    since: time,
    /** Why nothing can be asked of it; null: it answers. */
    code: z.string().nullable(),
    reason: z.string().nullable(),
    hint: z.string().nullable(),
    /** The plans whose pull requests wait for it. */
    waiting_plans: z.array(z.string()),
  })
  .meta({ id: 'Forge' });
/** The forge of a repo, as it was found when it was asked last. */
export interface ForgeEntry extends z.infer<typeof forgeEntry> {}
