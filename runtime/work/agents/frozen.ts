/** A run's folder says whether stator has frozen the run, and when it went on last: the run's row says `running` before its processes really go on. */
import { existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunFolder } from './run-folder.ts';

export interface Standstill {
  readonly isFrozen: boolean;
  /** When it was frozen or went on last (ms since the epoch, of the disk's clock); 0: it was never frozen. */
  readonly changedMs: number;
}

/** Call it before the processes are frozen. */
export function noteFrozen(folder: RunFolder): void {
  if (existsSync(folder.path)) writeFileSync(noteOf(folder), 'frozen\n', { mode: 0o600 });
}

/** Call it after the processes go on. */
export function noteThawed(folder: RunFolder): void {
  if (existsSync(noteOf(folder))) truncateSync(noteOf(folder));
}

export function readStandstill(folder: RunFolder): Standstill {
  const found = statSync(noteOf(folder), { throwIfNoEntry: false });
  return { isFrozen: (found?.size ?? 0) > 0, changedMs: found?.mtimeMs ?? 0 };
}

function noteOf({ path }: RunFolder): string {
  return join(path, 'frozen');
}
