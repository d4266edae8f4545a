/** Processes that a test has left behind, by the plainest look there is, and their end: exactly theirs, also where one of them has gone meanwhile. */
import { readdirSync, readFileSync } from 'node:fs';

export interface LeftProcess {
  readonly pid: number;
  /** Field 22 of stat(5): a process that got this number later has another. */
  readonly start: string;
}

/** Live processes other than this one whose environment, as `NAME=value` entries, is meant. */
export function processesWith(isMeant: (environment: readonly string[]) => boolean): LeftProcess[] {
  const isOne = (pid: number) => isMeant(readOrEmpty(`/proc/${pid}/environ`).split('\0'));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter(isOne)
    .flatMap((pid) => {
      const start = startOf(pid);
      // Looked at again, since its number may be that of another by now.
      return start !== null && isOne(pid) && startOf(pid) === start ? [{ pid, start }] : [];
    });
}

export function killLeft(left: readonly LeftProcess[]): void {
  for (const { pid, start } of left) {
    if (startOf(pid) !== start) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown; // process.kill throws system errors only
    }
  }
}

/** null: there is no such process. Fields are counted from the last `)`, because a name may have one. */
function startOf(pid: number): string | null {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

export function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // missing, or gone
  }
}
