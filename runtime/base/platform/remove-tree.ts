/** Takes folders away that a program of others has written, also those that it closed to the user whose they are. */

import { randomUUID } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { chmod, lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ifMissing } from './system-code.ts';

/** Each raises what is some 2,000 bytes of path deeper. */
const mendLimit = 10_000;
/** Half of what a path may have, so that what is raised is never too deep to be named. */
const shortPathBytes = 2_000;

/** Removes a file or folder with all that is in it; nothing where it is missing. Only where nobody works in it any more. Throws the system's errors. */
export async function removeTree(path: string): Promise<void> {
  let mayOpen = true;
  for (let mended = 0; ; mended += 1) {
    try {
      // Most of what is taken away to be sure is not there.
      if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) await rm(path, { recursive: true, force: true });
      return;
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException; // rm throws no others
      const isClosed = code === 'EACCES' || code === 'EPERM';
      // `rm` that has failed goes on in other folders for a moment.
      const isRaced = mended > 0 && (code === 'ENOENT' || code === 'ENOTEMPTY');
      if (mended === mendLimit || !(code === 'ENAMETOOLONG' || isRaced || (isClosed && mayOpen))) throw thrown;
      if (isClosed) await openFolders(path, () => true).catch(ignoreUnseen);
      else await shortenDeepPaths(path);
      // What was raised may be closed as well.
      mayOpen = !isClosed;
    }
  }
}

/** Brings folders that no path reaches as a whole up to the top, so that their own are short. */
async function shortenDeepPaths(root: string): Promise<void> {
  const waiting = [root];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop())
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(ignoreUnseen)) {
      if (!entry.isDirectory()) continue;
      const path = join(folder, entry.name);
      if (Buffer.byteLength(path) - Buffer.byteLength(root) < shortPathBytes) waiting.push(path);
      else await rename(path, join(root, `.raised-${randomUUID()}`)).catch(ignoreUnseen);
    }
}

/** Ignores entries that were deleted meanwhile, and paths that are too long until they are moved up. */
const ignoreUnseen = ifMissing([], 'ENAMETOOLONG');

/** Lets the user read, write and enter a folder and those below it whose names are `wanted`. Links are not followed; what is no folder is left as it is. */
export async function openFolders(path: string, wanted: (name: string) => boolean): Promise<void> {
  const found = await lstat(path).catch(ifMissing(null));
  if (found?.isDirectory() !== true) return;
  if ((found.mode & 0o700) !== 0o700) await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory() && wanted(entry.name)) await openFolders(join(path, entry.name), wanted);
}
