/** The id in STATOR_RUN of a run's processes, by which leftovers are found. */
import { realPathOrNull } from '../../base/platform/quiet-look.ts';
import { textDigest } from '../../base/platform/text-digest.ts';

/** The digest of the last home: a process works in one home. */
let last = { home: '', mark: '' };

/** A run's id on this machine. It contains the home, because two homes may have the same project and plan; by a link to it the id is the same. */
export function runIdOf(home: string, key: string): string {
  if (last.home !== home) last = { home, mark: textDigest(realPathOrNull(home) ?? home).slice(0, 8) };
  return `${key}@${last.mark}`;
}
