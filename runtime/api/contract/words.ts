/** What people said to agents, as `--json` prints and the control API answers it. */
import { z } from 'zod';
import { wordKinds } from '../../../machines/vocabulary/word.ts';
import { time } from './shared-shapes.ts';

export const wordEntry = z
  .object({
    project: z.string(),
    plan: z.string(),
    /** Counts the words of the plan. */
    number: z.int(),
    /** The agent that it was said to; who follows it has its words. */
    title: z.string(),
    kind: z.enum(wordKinds),
    /** `person`, `person:<name>`, `machine:<name>`. */
    author: z.string(),
    /** When it was accepted; of one that was refused, when it was. */
    at: time,
    /** `waiting`: for the next run. `typed`: its program has it, and has not said that it read it. `given`: a run has it. `refused`: no agent can get it any more. */
    state: z.enum(['waiting', 'typed', 'given', 'refused']),
    /** The run that has it; null: none has. */
    run: z.string().nullable(),
    /** Why it was refused; null: it was not. */
    why: z.string().nullable(),
    /** The question of the agent that it answers; null: none is known. */
    question: z.string().nullable(),
    text: z.string(),
  })
  .meta({ id: 'Word' });
/** A word of a person to an agent, and where it is. */
export type WordEntry = z.infer<typeof wordEntry>;
