/** Opens a folder that a program of its owner has closed to the owner. */
import { chmodSync, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { hasProc } from './process-table.ts';
import { lstatOrNull } from './quiet-look.ts';

/** Linux: names a file without opening it, whatever its permissions. Node has no constant for it. */
export const onlyPath = 0o10000000;
/** What an owner needs to work in a folder. */
const ownersBits = 0o700;

/**
 * Gives the user these rights to a folder of theirs, and answers whether they were missing. A link is not followed, and another user's folder is left as it is.
 * Never throws: what cannot be opened stays closed.
 */
export function openToOwner(path: string | Buffer, bits = ownersBits): boolean {
  const found = lstatOrNull(path);
  if (found?.isDirectory() !== true || found.uid !== process.getuid?.() || (found.mode & bits) === bits) return false;
  let folder: number | null = null;
  try {
    if (!hasProc) {
      chmodSync(path, (found.mode | bits) & 0o7777);
      return true;
    }
    // By a descriptor, because another program may put a link in the place of the folder at this moment.
    folder = openSync(path, onlyPath | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    chmodSync(`/proc/self/fd/${folder}`, (fstatSync(folder).mode | bits) & 0o7777);
    return true;
  } catch {
    return false;
  } finally {
    if (folder !== null) closeSync(folder);
  }
}
