/** The open files of a process, according to the kernel: a process cannot fake them. */
import { readdirSync, readlinkSync } from 'node:fs';
import { hasProc } from './process-table.ts';

/** Their paths; that of a deleted file ends with ` (deleted)`. null: the process ended, is another user's, or the system does not report them. */
export function openFilesOf(pid: number): string[] | null {
  if (!hasProc) return null;
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).flatMap((name) => {
      try {
        return [readlinkSync(`${folder}/${name}`)];
      } catch {
        return []; // closed between two looks
      }
    });
  } catch {
    return null;
  }
}
