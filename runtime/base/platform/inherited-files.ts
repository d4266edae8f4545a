/** Files and folders that the starter of this process left open in it, and that every program started from here would get as well. */
import { readdirSync, readFileSync } from 'node:fs';

const closedByExec = 0o2000000;

/** The numbers of descriptors beyond the three standard ones that a new program inherits; none where the system does not tell. */
export function inheritedFiles(folder = '/proc/self/fdinfo'): number[] {
  return namesIn(folder)
    .map(Number)
    .filter((descriptor) => descriptor > 2 && isInherited(`${folder}/${descriptor}`));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no Linux
  }
}

function isInherited(file: string): boolean {
  try {
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(file, 'latin1')) ?? [];
    return flags !== undefined && (Number.parseInt(flags, 8) & closedByExec) === 0;
  } catch {
    return false; // closed in the meantime, such as the one that the folder was listed by
  }
}
