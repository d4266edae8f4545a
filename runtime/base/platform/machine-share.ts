/** The resources of an agent without configured limits: a share of the machine that is enough for any build, and leaves room to end a run that uses more. */
import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';

const mebibyte = 1024 ** 2;
const memoryShare = 3 / 4;
const diskShare = 1 / 2;

/** Far above a browser's tests or a parallel build; a fork bomb reaches it at once. */
export const usualProcesses = 4_096;

/** Three quarters of the memory, that of the container if there is one. */
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

/** Half of the files and folders that still have room where a folder lies; null: its file system has no such limit. Throws the system's errors. */
export async function usualFiles(folder: string): Promise<number | null> {
  const { files, ffree } = await statfs(folder);
  return files === 0 ? null : Math.max(1, Math.floor(ffree * diskShare));
}

const leastFreeBytes = 512 * mebibyte;
const leastFreeFiles = 10_000;
const leastFreeShare = 1 / 20;

/** The part of a disk that stays free for the engine and all other programs: 512 MiB and 10,000 files, but at most a twentieth of a small disk. */
export function leastFree({ blocks, bsize, files }: StatsFs): { readonly bytes: number; readonly files: number } {
  return {
    bytes: Math.min(leastFreeBytes, Math.floor(blocks * bsize * leastFreeShare)),
    files: Math.min(leastFreeFiles, Math.floor(files * leastFreeShare)),
  };
}

/** Whether less than a twentieth of the memory can still be given to programs. */
export function isMemoryShort(): boolean {
  return freemem() < totalmem() * leastFreeShare;
}
