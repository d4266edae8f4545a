/** The folder for temporary folders of tests: in memory if there is room, because a third of their system time was the disk's. Soaks use the disk. */
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const inMemory = '/dev/shm';
/** Far more than all tests use at a time. */
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
