/** The end of a run's output, for a reason or a judge's text; a cut is stated. */
import { statSync } from 'node:fs';
import { safeText } from '../../base/platform/terminal-text.ts';
import { tailOf } from './output-log.ts';
import type { RunFolder } from './run-folder.ts';

/** The last bytes of a run's output, safe to print; if it is cut, a first line states how much is missing, and the command that shows more. */
export function outputEnd(folder: RunFolder, { limitBytes, more }: { limitBytes: number; more: string }): string {
  const sizeBytes = sizeOf(folder.log) + sizeOf(folder.olderLog);
  const text = safeText(tailOf(folder, limitBytes)).trim();
  if (sizeBytes <= limitBytes) return text;
  const left = sizeBytes - limitBytes;
  return `[${left} of ${sizeBytes} bytes are left out before this; see more: ${more}]\n${text}`;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
