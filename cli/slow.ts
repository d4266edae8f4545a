/** A note about slow work, so that a person knows why they wait. */
import type { Call } from './command.ts';

const slowMs = 2_000;

/** Waits for `work`, and prints `what` on standard error, once in a verb, if it takes longer than 2 s. Throws the errors of `work`. */
export async function sayWhenSlow<Answer>(
  { out }: Pick<Call, 'out'>,
  what: string,
  work: Promise<Answer>,
): Promise<Answer> {
  const timer = setTimeout(() => out.noteOnce(what), slowMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
