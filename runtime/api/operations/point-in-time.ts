/** A point in time of a journal, as a request names it: a line, or a time. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { timeOfDayMs } from '../../../machines/vocabulary/time-text.ts';
import type { PointInTime } from '../queries/replay.ts';
import type { TypedArgs } from './operation.ts';

/** The flags of a verb that shows what was. */
export const pointInTimeArgs = {
  to: {
    type: 'string',
    valueHint: 'seq',
    description: 'after this line of its journal (see history)',
    number: '--to',
  },
  at: {
    type: 'string',
    valueHint: 'time',
    description: 'at this time: the last 14:30, or 2026-11-21T14:30',
    read: (text: string) => timeOf(text, Date.now()),
  },
} as const;

/** Throws `usage` if both are given. */
export function checkPointInTime({ to, at }: TypedArgs): void {
  if (to !== undefined && at !== undefined)
    throw new EngineError('usage', 'a moment is given twice: by --to and by --at', 'give one of them');
}

/** A time of day that has passed, or a date with a time, in the time zone of this terminal; as ISO 8601 UTC. Throws `usage`. */
function timeOf(text: string, nowMs: number): string {
  const date = new Date(timeOfDayMs(text, nowMs) ?? text);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new EngineError(
    'usage',
    `--at is "${text}"`,
    'give a time such as 14:30, or a date with one such as 2026-11-21T14:30',
  );
}

type Asked = { to?: number | undefined; at?: string | undefined };

/** After line `to`, or at the time `at`; neither: now. Throws `bad_request` if both are given. */
export function pointInTimeOf({ to, at }: Asked): PointInTime {
  if (to !== undefined && at !== undefined)
    throw new EngineError('bad_request', 'a moment is given twice: by to and by at', 'give one of them');
  return { seq: to ?? null, atMs: at === undefined ? null : Date.parse(at) };
}

/** The same; null: the present. */
export function pastOf(asked: Asked): PointInTime | null {
  return asked.to === undefined && asked.at === undefined ? null : pointInTimeOf(asked);
}
