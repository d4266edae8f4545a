/** Finds processes that a test has left, from /proc alone, and ends exactly those, even if one has ended meanwhile. */
import { readdirSync, readFileSync } from 'node:fs';

export interface LeftProcess {
  readonly pid: number;
  /** Field 22 of stat(5): a later process with this number has another value. */
  readonly start: string;
}

/** The live processes, except this one, whose environment entries (`NAME=value`) match. */
export function processesWith(isMeant: (environment: readonly string[]) => boolean): LeftProcess[] {
  const isOne = (pid: number) => isMeant(readOrEmpty(`/proc/${pid}/environ`).split('\0'));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter(isOne)
    .flatMap((pid) => {
      const start = startOf(pid);
      // Checked again, since its number may belong to another process now.
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

/** null: no such process. Fields are counted from the last `)`, because a name may contain one. */
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
