/** Moments that a seed decides: two of five take the engine alone, one everything at once, one a wrapper, one an agent. */
import type { Moment, Victim } from './crash-kills.ts';

const victims: readonly Victim[] = ['engine', 'everything', 'wrapper', 'engine', 'agent'];
/** From before an engine is up to well into a wave. */
const longestMs = 1_800;

export function momentsOf(random: () => number, count: number): Moment[] {
  return Array.from({ length: count }, (_, index) => ({
    victim: victims[index % victims.length] ?? 'engine',
    afterMs: random() * longestMs,
    which: random(),
  }));
}
