/** The id in STATOR_RUN of a run's processes, by which leftovers are found. */
import { textDigest } from '../../base/platform/text-digest.ts';

/** The digest of the last home: a process works in one home. */
let last = { home: '', mark: '' };

/** A run's id on this machine. It contains the home, because two homes may have the same project and plan. */
export function runIdOf(home: string, key: string): string {
  if (last.home !== home) last = { home, mark: textDigest(home).slice(0, 8) };
  return `${key}@${last.mark}`;
}
