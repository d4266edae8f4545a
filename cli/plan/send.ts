/** A person's word to a plan, as most verbs of `plan` send it. */
import type { Call } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { printVerdict, verdictMs } from '../verdict.ts';

export interface Word {
  /** As it was typed: a name, or a file's path. */
  readonly plan: string;
  readonly type: string;
  readonly payload?: unknown;
  /** The same key again is answered with the first one's outcome. */
  readonly dedupeKey?: string;
  /** False: `--no-wait`. */
  readonly wait: boolean;
}

export const waitArg = {
  wait: { type: 'boolean', default: true, negativeDescription: 'do not wait for the verdict' },
} as const;

/** Sends, prints the verdict, answers the exit code. */
export async function sendToPlan(call: Call, { plan, type, payload, dedupeKey, wait }: Word): Promise<number> {
  const key = dedupeKey === undefined ? {} : { dedupeKey };
  const request = { type, waitMs: wait ? verdictMs : 0, ...key, ...(payload === undefined ? {} : { payload }) };
  const answer = await withPlan(call, 'write', plan, (client, address) => client.send({ ...request, ...address }));
  return printVerdict(call, answer);
}
