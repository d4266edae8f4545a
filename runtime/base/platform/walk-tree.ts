/** All entries of a folder that a foreign program has written, however deep, even if it changes meanwhile. */
import { closeSync, constants, opendirSync, openSync, type Stats } from 'node:fs';
import { inBytes, inside, nameInBytes } from './entry-names.ts';
import { openToOwner } from './open-to-owner.ts';
import { hasProc } from './process-table.ts';
import { lstatOrNull } from './quiet-look.ts';
import { createTimeSlice, type TimeSlice } from './time-slice.ts';

/** No system takes a path of more than 4,096 bytes, and folders may be made far below that, from folder to folder. */
const longPathBytes = 3_000;
/** Descriptors that one walk may hold: real trees are not deeper than 190,000 bytes of path, and the engine needs others. */
const depthLimit = 64;
/** What the owner of a folder needs to read it and to look at what is in it. */
const readBits = 0o500;

interface Entry {
  /** In bytes, since a name need not be UTF-8. */
  readonly path: Buffer;
  readonly found: Stats;
}

export interface WalkOptions {
  /** Folders of this user that are closed to the user are opened (u+rx) and stay open. */
  readonly opens?: boolean;
  /** Called for each folder that is skipped in part. */
  onUnseen?(): void;
}

interface Walk extends WalkOptions {
  readonly slice: TimeSlice;
}

/**
 * The folder itself, then each file and folder in it, links not followed. A path is valid until the next one is requested: on Linux a very deep path begins at
 * a descriptor. Entries that cannot be read, that disappear meanwhile, or that are deeper than 64 such descriptors are left out.
 */
export async function* walkTree(root: string, options: WalkOptions = {}): AsyncGenerator<Entry> {
  yield* walk(Buffer.from(root), 0, { ...options, slice: createTimeSlice() });
}

async function* walk(root: Buffer, depth: number, how: Walk): AsyncGenerator<Entry> {
  const { slice } = how;
  const waiting = [root];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const found = lstatOrNull(path);
    if (slice.isOver()) await slice.yield();
    if (found === null) continue;
    yield { path, found };
    if (!found.isDirectory()) continue;
    // root may read every folder
    if (how.opens === true && process.getuid?.() !== 0) openToOwner(path, readBits);
    if (hasProc && path.length > longPathBytes) {
      if (depth < depthLimit) yield* walkFrom(path, depth + 1, how);
      else how.onUnseen?.();
    } else for (const name of await namesOrNone(path, how)) waiting.push(inside(path, name));
  }
}

/** Walks by a descriptor of the folder, which is closed at the end. */
async function* walkFrom(folder: Buffer, depth: number, how: Walk): AsyncGenerator<Entry> {
  const descriptor = openQuietly(folder);
  if (descriptor === null) return how.onUnseen?.();
  try {
    const path = Buffer.from(`/proc/self/fd/${descriptor}`);
    for (const name of await namesOrNone(inside(path, Buffer.from('.')), how))
      yield* walk(inside(path, name), depth, how);
  } finally {
    closeSync(descriptor);
  }
}

/** null: it disappeared, or is closed to us. */
function openQuietly(folder: Buffer): number | null {
  try {
    return openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return null;
  }
}

async function namesOrNone(folder: Buffer, { slice, onUnseen }: Walk): Promise<Buffer[]> {
  return namesIn(folder, slice).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') onUnseen?.();
    return [];
  });
}

/** The names in a folder, in the system's order. Throws the system's errors. */
export async function namesIn(folder: Buffer, slice: TimeSlice): Promise<Buffer[]> {
  const names: Buffer[] = [];
  const opened = opendirSync(folder, inBytes);
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) {
      names.push(nameInBytes(entry));
      if (slice.isOver()) await slice.yield();
    }
  } finally {
    opened.closeSync();
  }
  return names;
}
