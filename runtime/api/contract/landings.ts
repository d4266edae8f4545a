/** The lines in which plans wait for a branch, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { time } from './shared-shapes.ts';

const waiting = z.object({ plan: z.string(), since: time });

export const landingEntry = z
  .object({
    project: z.string(),
    /** The branch that plans land on. */
    branch: z.string(),
    /** What happens with the plans at the head; `empty`: none is being landed. */
    state: z.enum(['empty', 'preparing', 'checking', 'merging']),
    /** A person has paused the line: nothing lands. */
    paused: z.boolean(),
    /** How many times in a row the plans at the head began anew because the branch had moved meanwhile. */
    restarts: z.int().min(0),
    /** The plans at the head, which are being landed together; usually one. */
    current: z.array(waiting),
    /** The plans behind them, in their order. */
    line: z.array(waiting),
  })
  .meta({ id: 'Landing' });
/** The line of a branch. */
export interface LandingEntry extends z.infer<typeof landingEntry> {}
