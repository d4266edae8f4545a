/** People's messages to agents, as `--json` prints and the control API answers it. */
import { z } from 'zod';
import { messageKinds } from '../../../machines/vocabulary/agent-message.ts';
import { time } from './shared-shapes.ts';

export const messageEntry = z
  .object({
    project: z.string(),
    plan: z.string(),
    /** The number of the message, counted over the plan. */
    number: z.int(),
    /** The agent that the message was sent to; an agent that continues its work gets the message. */
    title: z.string(),
    kind: z.enum(messageKinds),
    /** `person`, `person:<name>`, `machine:<name>`. */
    author: z.string(),
    /** When it was accepted, or refused. */
    at: time,
    /**
     * `waiting`: for the next run. `typed`: its program has it, and has not confirmed that it was read. `given`: a run received it. `refused`: no agent can
     * get it any more.
     */
    state: z.enum(['waiting', 'typed', 'given', 'refused']),
    /** The run that received it; null: none has. */
    run: z.string().nullable(),
    /** Why it was refused; null: it was not. */
    why: z.string().nullable(),
    /** The agent's question that it answers; null: none is known. */
    question: z.string().nullable(),
    text: z.string(),
  })
  .meta({ id: 'Word' });
/** A person's message to an agent, and its state. */
export interface MessageEntry extends z.infer<typeof messageEntry> {}
