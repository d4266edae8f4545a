/** The options --to and --at: what is shown is as of a line of the journal, or a time. */

import { EngineError } from '../machines/vocabulary/errors.ts';
import { clockTime, localDay } from '../machines/vocabulary/time-text.ts';
import { wholeNumber } from './number.ts';

export const asOfArgs = {
  to: { type: 'string', valueHint: 'seq', description: 'after this line of its journal (see history)' },
  at: { type: 'string', valueHint: 'time', description: 'at this time: 14:30 today, or 2026-11-21T14:30' },
} as const;

/** As the control API takes it. Throws `usage`. */
export function asOfQuery({ to, at }: { readonly to: string | undefined; readonly at: string | undefined }) {
  if (to !== undefined && at !== undefined)
    throw new EngineError('usage', 'a moment is given twice: by --to and by --at', 'give one of them');
  return {
    ...(to === undefined ? {} : { to: wholeNumber('--to', to) }),
    ...(at === undefined ? {} : { at: timeOf(at, new Date()) }),
  };
}

/** The line above what was. */
export function asOfText({ seq, at }: { readonly seq: number; readonly at: string }): string {
  return `as of line ${seq}, ${localDay(new Date(at))} ${clockTime(at)}`;
}

/** A time of this day, or a date with a time, where this terminal is; as ISO 8601 UTC. Throws `usage`. */
function timeOf(text: string, now: Date): string {
  const date = new Date(/^\d\d:\d\d(:\d\d)?$/.test(text) ? `${localDay(now)}T${text}` : text);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new EngineError(
    'usage',
    `--at is "${text}"`,
    'give a time such as 14:30, or a date with one such as 2026-11-21T14:30',
  );
}
