/**
 * The feedback of a review, a verification or a person, which may be longer than an agent should read at once. The run has at most 32,768 characters of it,
 * with a person's advice at its end; the signal's row has the rest.
 */
import { excerpt } from './quotation.ts';

/** The limit in a prompt: enough for a long review with a person's advice. */
const feedbackLimitBytes = 40 * 1024;
const adviceLimitBytes = 16 * 1024;
/** The limit at which the machine cuts; a shorter text is complete. */
const carriedCharacters = 32_768;
const adviceStart = 'A person says: ';

export interface Feedback {
  readonly text: string;
  /** The whole feedback, if the text is only its beginning. */
  readonly whole: string | null;
}

/**
 * The text for a prompt; null: there is no feedback. `verdict` is the full text of the first verdict, if the run has only a part of it; `rest` names the
 * place of the whole.
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

/** A person's advice after a review; without a review it is the whole text. */
function adviceAt(carried: string): number {
  const at = carried.indexOf(`\n\n${adviceStart}`);
  return at < 0 ? -1 : at + 2;
}

/**
 * The full text of the verdict with which a run's feedback begins, if the run has only a part; null: it has all. `said` reads the plan's signals as they were
 * sent, and is called only if a part is missing.
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
    const { body } = JSON.parse(payload) as { body?: unknown }; // checked below
    return typeof body === 'string' ? body : '';
  } catch {
    return ''; // a row of another program with plain text; the engine's copy of it was handled
  }
}
