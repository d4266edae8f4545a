import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../runtime/base/platform/system-code.ts';

/** Removes a temporary folder of a test, even if folders in it are closed to their owner, or a process still writes its last file. */
export function removeFolder(path: string, retries = 20): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (thrown) {
    const code = systemCode(thrown);
    if (retries === 0 || (code !== 'ENOTEMPTY' && code !== 'EACCES')) throw thrown;
    // Node's own retries look for no new files.
    if (code === 'EACCES') open(path);
    removeFolder(path, retries - 1);
  }
}

/** Root can delete inside a closed folder, its owner cannot. */
function open(folder: string): void {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  chmodSync(folder, 0o700);
  for (const name of readdirSync(folder)) open(join(folder, name));
}
