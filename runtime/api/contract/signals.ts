/** Signals and the verdicts on them, as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { signalBodyLimitBytes } from '../../../machines/vocabulary/signal-kind.ts';
import { count, errorDocument, refusal, status, time } from './shared-shapes.ts';

export const signalStatuses = ['pending', 'held', 'done', 'failed'] as const;
const signalStatus = z.enum(signalStatuses);

export const signalAnswer = z
  .object({
    signal: z.object({
      id: z.int(),
      type: z.string(),
      status: signalStatus,
      result: z.unknown(),
      refused: refusal.nullable(),
    }),
    plan: z.object({
      project: z.string(),
      plan: z.string(),
      status: status.nullable(),
      phase: z.string().nullable(),
      /** Why nothing starts now although the plan is under way, and the remedy; null: something starts, or nothing should. Only for a person's signal. */
      waits: z.string().nullable(),
    }),
  })
  .meta({ id: 'Verdict' });
/** The outcome of a signal, and its plan's state after it. A refusal is in `signal.refused`, and is not thrown. */
export interface SignalAnswer extends z.infer<typeof signalAnswer> {}

/** A verdict, and, as in every 4xx answer, an error and a hint. */
export const refusedAnswer = signalAnswer.extend(errorDocument.shape).meta({ id: 'Refused' });
/** kasmos's field for success, with the verdict. */
export const instanceVerdict = signalAnswer.extend({ status: z.literal('ok') }).meta({ id: 'InstanceVerdict' });

/** A message in a signal. */
export const messageText = z.string().max(signalBodyLimitBytes);

export const signalEntry = z
  .object({
    id: z.int(),
    project: z.string(),
    plan: z.string(),
    type: z.string(),
    payload: z.unknown(),
    origin: z.string(),
    status: signalStatus,
    attempts: count,
    result: z.unknown(),
    dedupe_key: z.string().nullable(),
    created_at: time,
    deliver_at: time.nullable(),
    processed_at: time.nullable(),
  })
  .meta({ id: 'Signal' });
/** A signal in the inbox, with its verdict. */
export interface SignalEntry extends z.infer<typeof signalEntry> {}
