/** The setuid and setgid bits of files. A user who starts such a file gets the rights of its owner: the user who runs stator. */
import { chmodSync, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { onlyPath } from './open-to-owner.ts';
import { hasProc } from './process-table.ts';
import { walkTree } from './walk-tree.ts';

const specialBits = 0o6000;
const permissionBits = 0o1777;

/**
 * Removes these bits from all files in a folder, links not followed. Folders keep theirs: there they only determine the group of new files. Unreadable files,
 * and files that disappear meanwhile, are skipped. On Linux only.
 */
export async function dropSpecialBits(folder: string): Promise<void> {
  if (!hasProc) return;
  for await (const { path, found } of walkTree(folder, { opens: true }))
    if (found.isFile() && (found.mode & specialBits) !== 0) dropFrom(path);
}

/** Works on the descriptor, because another program may exchange the path at this moment. */
function dropFrom(path: Buffer): void {
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
