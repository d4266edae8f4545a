/** What leftovers of a run are found by: the id that its processes carry in STATOR_RUN. */
import { textDigest } from '../../base/platform/text-digest.ts';

/** What stands for a home; a process works in one. */
let last = { home: '', mark: '' };

/** A run's id on this machine: two homes may have the same project and plan, and leftovers are found by this. */
export function runIdOf(home: string, key: string): string {
  if (last.home !== home) last = { home, mark: textDigest(home).slice(0, 8) };
  return `${key}@${last.mark}`;
}
