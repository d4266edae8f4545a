/** The setuid and setgid bits of files. Whoever starts such a file has the rights of its owner, so of who runs stator. */
import { chmodSync, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasProc } from './process-table.ts';

const specialBits = 0o6000;
const permissionBits = 0o1777;
/** Linux: names a file without opening it, whatever its permissions. Node has no constant for it. */
const onlyPath = 0o10000000;

/**
 * Takes them off all files in a folder, links not followed. Folders keep theirs: there they only say whose group new files have. What cannot be read, and
 * what goes meanwhile, is left. On Linux only.
 */
export async function dropSpecialBits(folder: string): Promise<void> {
  if (!hasProc) return;
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const found = await lstat(next).catch(() => null);
    if (found?.isFile() === true && (found.mode & specialBits) !== 0) dropFrom(next);
    if (found?.isDirectory() !== true) continue;
    const entries = await opendir(next).catch(() => null);
    if (entries !== null) for await (const { name } of entries) waiting.push(join(next, name));
  }
}

/** By its descriptor: somebody else's program may exchange the path in this moment. */
function dropFrom(path: string): void {
  let file: number | null = null;
  try {
    file = openSync(path, onlyPath | constants.O_NOFOLLOW);
    const { mode } = fstatSync(file);
    chmodSync(`/proc/self/fd/${file}`, mode & permissionBits);
  } catch {
    // It went, or is another user's.
  } finally {
    if (file !== null) closeSync(file);
  }
}
