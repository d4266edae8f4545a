/**
 * If an engine was cut off, the signals and effects that may have ended it are counted in their rows before they begin again. One that this many engines began
 * and ended with does not begin again.
 */

/**
 * Restarts of a computer, and of an engine that something else ends, reach this only by chance: an effect that goes on for a minute counts from zero again.
 */
export const maxEngines = 10;

/** Why it does not begin again. `did`: the verb for those engines' action; `what` may have ended them. */
export function endedText(times: number, { did, what }: { readonly did: string; readonly what: string }): string {
  return `${times} engines ended while they ${did} it: ${what} may loop without an end, use up the memory, or end the process`;
}
