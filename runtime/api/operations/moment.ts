/** A moment of a journal, as a request names it. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Moment } from '../queries/replay.ts';

type Asked = { to?: number | undefined; at?: string | undefined };

/** After line `to`, or at the time `at`; neither: now. Throws `bad_request` if both are given. */
export function momentOf({ to, at }: Asked): Moment {
  if (to !== undefined && at !== undefined)
    throw new EngineError('bad_request', 'a moment is given twice: by to and by at', 'give one of them');
  return { seq: to ?? null, atMs: at === undefined ? null : Date.parse(at) };
}

/** The same; null: the present. */
export function pastOf(asked: Asked): Moment | null {
  return asked.to === undefined && asked.at === undefined ? null : momentOf(asked);
}
