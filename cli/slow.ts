/** A note about slow work, so that a person knows what the wait is for. */
import type { Call } from './command.ts';

const slowMs = 2_000;

/** Waits for `work`, and says `what` on standard error where it takes longer than 2 s. Throws what `work` throws. */
export async function sayWhenSlow<Answer>(
  { out }: Pick<Call, 'out'>,
  what: string,
  work: Promise<Answer>,
): Promise<Answer> {
  const timer = setTimeout(() => out.note(what), slowMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
