/** A person's word to a plan, as most verbs of `plan` send it. */
import type { Call } from '../command.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { printVerdict, verdictMs } from '../verdict.ts';

export interface Word {
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
  const request = { project: requireProject(call), plan, type, waitMs: wait ? verdictMs : 0, ...key };
  const answer = await withClient(call, 'write', (client) =>
    client.send(payload === undefined ? request : { ...request, payload }),
  );
  return printVerdict(call, answer);
}
