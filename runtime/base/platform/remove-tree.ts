/** Removes folders that a foreign program has written, also those that it closed to their owner. */

import { randomUUID } from 'node:crypto';
import { lstatSync, rmdirSync, unlinkSync } from 'node:fs';
import { chmod, lstat, readdir, rename, unlink } from 'node:fs/promises';
import { entriesInBytes, inside } from './entry-names.ts';
import { ifMissing, systemCode } from './system-code.ts';
import { createTimeSlice, type TimeSlice } from './time-slice.ts';
import { namesIn } from './walk-tree.ts';

/** The most folders that are moved up; each makes the rest of a deep path about 2,000 bytes shorter. */
const mendLimit = 10_000;
/** Half of the maximum path length, so that a folder that is moved up still has a valid path. */
const shortPathBytes = 2_000;
/** A larger file goes in a thread of its own: the disk may take long to free it. */
const smallFileBytes = 1024 * 1024;

/**
 * Removes a file or folder with all of its content; nothing if it is missing. Call it only when no process works in it any more. Throws the system's errors.
 */
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
    // A folder that is moved up must be open to us as well; one with a path that is too long is opened after it was moved.
    await openFolders(path, () => true).catch(ignoreUnseen);
    if (!isClosed) await shortenDeepPaths(Buffer.from(path));
    mayOpen = !isClosed;
  }
}

/** Removes as much of it as possible, and returns the first failure; null: all of it is removed. Files that disappear meanwhile are no failure. */
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

/** Moves folders whose whole path is too long to the top, so that their paths become short. */
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

/** Lets the user read, write and enter a folder and those below it whose names are `wanted`. Links are not followed; other files are not changed. */
export async function openFolders(path: string | Buffer, wanted: (name: string) => boolean): Promise<void> {
  const found = await lstat(path).catch(ifMissing(null, 'ENAMETOOLONG'));
  if (found?.isDirectory() !== true) return;
  if ((found.mode & 0o700) !== 0o700) await chmod(path, 0o700);
  for (const entry of await readdir(path, entriesInBytes).catch(ignoreUnseen))
    if (entry.isDirectory() && wanted(entry.name.toString()))
      await openFolders(inside(Buffer.from(path), entry.name), wanted);
}
