/** From when on facts are printed: after one that is known by its number, or from a while ago. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { durationMs } from '../../runtime/base/config/duration.ts';

export interface Since {
  /** undefined: only what is new. */
  readonly seq: number | undefined;
  readonly ms: number;
}

/** Throws `usage`. */
export function sinceOf(text: string | undefined, nowMs: number): Since {
  if (text === undefined) return { seq: undefined, ms: nowMs };
  if (/^\d{1,15}$/.test(text)) return { seq: Number(text), ms: 0 };
  const agoMs = durationMs(text);
  if (agoMs !== null) return { seq: 0, ms: nowMs - agoMs };
  throw new EngineError(
    'usage',
    `--since is "${text}"`,
    'give the number of a fact, or a duration such as 90s, 30m, 2h or 7d',
  );
}
