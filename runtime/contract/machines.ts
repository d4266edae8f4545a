/** The machines, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { count } from './words.ts';

export const machineEntry = z
  .object({
    name: z.string(),
    description: z.string(),
    /** Of its persisted shape. */
    version: z.string(),
    states: count,
    /** Those that only remember something are counted too. */
    transitions: count,
  })
  .meta({ id: 'Machine' });
export type MachineEntry = z.infer<typeof machineEntry>;
