/**
 * What a review, a verification or a person asked for, which may be longer than an agent should read at once. The run carries at most
 * 32,768 characters of it, with a person's advice at its end; the signal's row has the rest.
 */
import { excerpt } from './quotation.ts';

/** What stands in a prompt: a long review, and the advice of a person beside it. */
const feedbackLimitBytes = 40 * 1024;
const adviceLimitBytes = 16 * 1024;
/** The limit at which the machine cuts; a shorter text is complete. */
const carriedCharacters = 32_768;
const adviceStart = 'A person says: ';

export interface Feedback {
  readonly text: string;
  /** All of it, where the text is only its beginning. */
  readonly whole: string | null;
}

/**
 * The text for a prompt, null where nothing is asked for. `verdict` is the whole text of the verdict that it began with, where the run
 * carries only a part of that; `rest` says where the whole can be read.
 */
export function feedbackOf(carried: string | null, verdict: string | null, rest: string): Feedback | null {
  if (carried === null || carried.trim() === '') return null;
  const at = adviceAt(carried);
  const advice = at < 0 ? '' : carried.slice(at);
  const asked = verdict ?? carried.slice(0, at < 0 ? carried.length : at);
  const shownAdvice = excerpt(advice, { limitBytes: adviceLimitBytes, keep: 'start', rest });
  const room = feedbackLimitBytes - Buffer.byteLength(shownAdvice);
  const shown = [excerpt(asked, { limitBytes: room, keep: 'start', rest }), shownAdvice];
  const whole = [asked.trim(), advice].filter((part) => part !== '').join('\n\n');
  const isCut = [asked, advice].some((part, index) => excerpt(part, unlimited) !== shown[index]);
  return { text: shown.filter((part) => part !== '').join('\n\n'), whole: isCut ? whole : null };
}

const unlimited = { limitBytes: Number.POSITIVE_INFINITY, keep: 'start', rest: '' } as const;

/** A person's words after a review; with none before them they are the whole text. */
function adviceAt(carried: string): number {
  const at = carried.indexOf(`\n\n${adviceStart}`);
  return at < 0 ? -1 : at + 2;
}

/**
 * The whole of the verdict that a run's feedback began with, where the run carries only a part of it; null: it carries all. `said` are the plan's
 * signals as they were sent, and asked for only where a part is missing.
 */
export async function wholeVerdict(
  carried: string | null,
  said: () => Promise<Iterable<{ readonly type: string; readonly payload: string }>>,
): Promise<string | null> {
  if (carried === null || carried.length < carriedCharacters) return null;
  const at = adviceAt(carried);
  const start = carried.slice(0, at < 0 ? carried.length : at - 2);
  for (const { type, payload } of await said()) {
    if (type !== 'review_changes_requested' && type !== 'verify_failed') continue;
    const body = bodyIn(payload);
    if (body.startsWith(start)) return body.length > start.length ? body : null;
  }
  return null;
}

function bodyIn(payload: string): string {
  try {
    const { body } = JSON.parse(payload) as { body?: unknown }; // looked at below
    return typeof body === 'string' ? body : '';
  } catch {
    return ''; // a stranger's row of plain text; the engine's copy of it was handled
  }
}
