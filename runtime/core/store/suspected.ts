/**
 * After an engine that was cut off, what may have ended it is counted in its row before it begins again. What so many engines began, and ended with, does not
 * begin once more.
 */

/**
 * Restarts of a computer, and of an engine that something else ends, reach this only by chance: an effect that goes on for a minute counts from zero again.
 */
export const maxEngines = 10;

/** Why it does not begin again. `did`: what those engines did with it; `what` may have ended them. */
export function endedText(times: number, { did, what }: { readonly did: string; readonly what: string }): string {
  return `${times} engines ended while they ${did} it: ${what} may loop without an end, use up the memory, or end the process`;
}
