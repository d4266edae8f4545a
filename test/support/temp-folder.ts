/** Where tests have their temp folders: in memory where there is room, since a third of what they took of the system was the disk's. Soaks stay on the disk. */
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const inMemory = '/dev/shm';
/** Far more than all tests have there at a time. */
const roomBytes = 4 * 1024 ** 3;

export function tempFolder(): string {
  const set = process.env.TMPDIR;
  if (set !== undefined) return set;
  try {
    const { bavail, bsize } = statfsSync(inMemory);
    return bavail * bsize >= roomBytes ? inMemory : tmpdir();
  } catch {
    return tmpdir(); // there is no such place here
  }
}
