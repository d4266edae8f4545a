/** What an agent may take where nobody set a limit: a share of the machine that is enough for any build, and leaves room to end a run that takes more. */
import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';

const mebibyte = 1024 ** 2;
const memoryShare = 3 / 4;
const diskShare = 1 / 2;

/** Far above a browser's tests or a parallel build; a fork bomb is there at once. */
export const usualProcesses = 4_096;

/** Three quarters of the memory, that of the container where there is one. */
export function usualMemoryBytes(): number {
  const own = process.constrainedMemory?.() ?? 0;
  const total = own > 0 ? Math.min(own, totalmem()) : totalmem();
  return Math.floor((total * memoryShare) / mebibyte) * mebibyte;
}

/** Half of what is free where a folder lies. Throws the system's errors. */
export async function usualDiskBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return Math.max(1, Math.floor((bavail * bsize * diskShare) / mebibyte)) * mebibyte;
}
