/** Removes folders that a foreign program has written, also those that it closed to their owner. */

import { randomUUID } from 'node:crypto';
import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { chmod, lstat, readdir, rename, unlink } from 'node:fs/promises';
import { entriesInBytes, inside } from './entry-names.ts';
import { ifMissing, systemCode } from './system-code.ts';
import { createTimeSlice, type TimeSlice } from './time-slice.ts';
import { namesIn } from './walk-tree.ts';

/** Each raises what is some 2,000 bytes of path deeper. */
const mendLimit = 10_000;
/** Half of what a path may have, so that what is raised is never too deep to be named. */
const shortPathBytes = 2_000;
/** A larger file goes in a thread of its own: the disk may take long to free it. */
const smallFileBytes = 1024 * 1024;

/** Removes a file or folder with all that is in it; nothing where it is missing. Only where no process works in it any more. Throws the system's errors. */
export async function removeTree(path: string): Promise<void> {
  let mayOpen = true;
  for (let mended = 0; ; mended += 1) {
    const failure = await removeEntry(Buffer.from(path), createTimeSlice());
    if (failure === null) return;
    const code = systemCode(failure);
    const isClosed = code === 'EACCES' || code === 'EPERM';
    // Another process that removes the same tree may have moved a folder up.
    const isRaced = mended > 0 && code === 'ENOTEMPTY';
    if (mended === mendLimit || !(code === 'ENAMETOOLONG' || isRaced || (isClosed && mayOpen))) throw failure;
    // What is raised has to be open as well, and what is too long is opened once it is raised.
    await openFolders(path, () => true).catch(ignoreUnseen);
    if (!isClosed) await shortenDeepPaths(Buffer.from(path));
    mayOpen = !isClosed;
  }
}

/** Takes away as much of it as goes, and answers the first failure; null: all of it is gone. What goes meanwhile is no failure. */
async function removeEntry(path: Buffer, slice: TimeSlice): Promise<unknown> {
  if (slice.isOver()) await slice.yield();
  let failure: unknown = null;
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) {
      for (const name of await namesIn(path, slice)) {
        const failed = await removeEntry(inside(path, name), slice);
        failure ??= failed;
      }
      if (failure === null) rmdirSync(path);
    } else if (found !== undefined && found.size > smallFileBytes) await unlink(path);
    else if (found !== undefined) unlinkSync(path);
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') return thrown;
  }
  return failure;
}

/** Brings folders that no path reaches as a whole up to the top, so that their own are short. */
async function shortenDeepPaths(root: Buffer): Promise<void> {
  const waiting = [root];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop())
    for (const entry of await readdir(folder, entriesInBytes).catch(ignoreUnseen)) {
      if (!entry.isDirectory()) continue;
      const path = inside(folder, entry.name);
      if (path.length - root.length < shortPathBytes) waiting.push(path);
      else await rename(path, inside(root, Buffer.from(`.raised-${randomUUID()}`))).catch(ignoreUnseen);
    }
}

/** Ignores entries that were deleted meanwhile, and paths that are too long until they are moved up. */
const ignoreUnseen = ifMissing([], 'ENAMETOOLONG');

/** Lets the user read, write and enter a folder and those below it whose names are `wanted`. Links are not followed; what is no folder is left as it is. */
export async function openFolders(path: string | Buffer, wanted: (name: string) => boolean): Promise<void> {
  const found = await lstat(path).catch(ifMissing(null, 'ENAMETOOLONG'));
  if (found?.isDirectory() !== true) return;
  if ((found.mode & 0o700) !== 0o700) await chmod(path, 0o700);
  for (const entry of await readdir(path, entriesInBytes).catch(ignoreUnseen))
    if (entry.isDirectory() && wanted(entry.name.toString()))
      await openFolders(inside(Buffer.from(path), entry.name), wanted);
}
