/** Detects that a run's program was stopped from outside (SIGSTOP, a debugger): then it cannot work, and its time limits must not run. */

import { findProcess, type Identity, isStopped, type ProcessRow } from '../../base/platform/process-table.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import { findTree } from './process-tree.ts';
import { type RunFolder, readAgent } from './run-folder.ts';
import { wallsName } from './stopping.ts';

/** Reads one process; inside walls it reads the whole process table only until the program is known. */
export function createStopLook(folder: RunFolder, runId: string): () => boolean {
  const programOf = createProgramLook(folder, runId);
  return () => isStopped(programOf());
}

/** The same for the setup command, for which the later agent's process waits. */
export function createSetupStopLook(folder: RunFolder, runId: string): () => boolean {
  return () => {
    const [, ...command] = findTree(folder, runId).rows.filter(({ name }) => name !== wallsName);
    return command.length > 0 && command.every(isStopped);
  };
}

function createProgramLook(folder: RunFolder, runId: string): () => ProcessRow | null {
  let inside: Identity | null = null;

  return () => {
    const agent = readAgent(folder);
    const row = agent === null ? null : findProcess(agent);
    if (row === null || row.name !== wallsName) return row;
    const known = inside === null ? null : findProcess(inside);
    const found = known ?? findTree(folder, runId).rows.find(({ name }) => name !== wallsName) ?? null;
    inside = found?.identity ?? null;
    return found;
  };
}

/** Returns the milliseconds of a run that do not count so far, because its program was stopped. Call it about once a second. */
export function createStoppedTime(
  { nowMs }: Pick<Timeline, 'nowMs'>,
  { isStopped, onStop }: { readonly isStopped: () => boolean; readonly onStop: () => void },
): () => number {
  let lookedAt = nowMs();
  let was = false;
  let stoppedMs = 0;
  return () => {
    const now = nowMs();
    const is = isStopped();
    if (is && !was) onStop();
    if (was) stoppedMs += now - lookedAt;
    lookedAt = now;
    was = is;
    return stoppedMs;
  };
}
