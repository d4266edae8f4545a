/**
 * The file operations for signal files. Names are byte strings, with one character for each byte, so that a name that is not UTF-8 is handled like any other.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, opendir, rename, rm, writeFile } from 'node:fs/promises';
import { hashOf } from '../../../machines/vocabulary/ids.ts';
import { inBytes, nameInBytes } from '../../base/platform/entry-names.ts';
import type { SafeFolder } from '../../base/platform/safe-path.ts';
import { systemCode } from '../../base/platform/system-code.ts';

/** A file's name, one character (0 to 255) for each byte. */
export type ByteName = string;

/** The longest name that file systems accept, in bytes. */
const nameLimitBytes = 255;
/** The suffix that distinguishes two files of the same name: a dot and a uuid. */
const markPattern = /\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const markBytes = 37;
const reasonSuffix = '.reason';
/** The name of an unfinished file of a killed engine; deleted when its folder is opened again. */
export const draftPrefix = '.reason-';

/** The most drafts in which the other name of a file is searched. */
const draftsLookedAt = 1_024;
/** The most entries of a folder that one check reads: an agent can make any number. The others follow when these have been moved. */
export const entryLimit = 8_192;

/** The number of names that the system returns at once. */
const namesAtOnce = 256;

/** Longer names get no mark; no signal's name is half as long. */
export const markableBytes = nameLimitBytes - markBytes;

/** A path through an open folder's descriptor, which leads to an entry of exactly that folder. */
export function pathOf(folder: string | SafeFolder, name: ByteName): Buffer {
  const bytes = Buffer.from(name, 'latin1');
  if (typeof folder === 'string') return Buffer.concat([Buffer.from(`${folder}/`), bytes]);
  return Buffer.from(folder.at(bytes));
}

/** The name for people: in quotes, with invalid characters marked. */
export function shownName(name: ByteName): string {
  return JSON.stringify(Buffer.from(name, 'latin1').toString('utf8'));
}

/** `<name>.<unique>`. */
export function marked(name: ByteName): ByteName {
  return `${name}.${randomUUID()}`;
}

/** The two parts of a marked name; `key` null: it has no mark. */
export function unmarked(inFlight: ByteName): { name: ByteName; key: string | null } {
  const key = markPattern.exec(inFlight)?.[1] ?? null;
  return { name: key === null ? inFlight : inFlight.slice(0, -markBytes), key };
}

/** The state from which it is decided whether a file is still being written. */
export interface Print {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

export function isSame(a: Print, b: Print): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

export interface Seen extends Print {
  /** null: an ordinary file; otherwise its kind. */
  readonly oddity: string | null;
  readonly uid: number;
  readonly links: number;
  /** When the file itself was last changed or moved, in milliseconds since 1970 by the system's clock; no program can set this time. */
  readonly sinceMs: number;
  /** When it was made; if the file system does not store that, the same as `sinceMs`. */
  readonly madeMs: number;
}

/** The names in a folder, `most` of them, in the system's order. Throws the system's errors. */
export async function namesIn(folder: string, most: number): Promise<ByteName[]> {
  const names: ByteName[] = [];
  for await (const entry of await opendir(folder, { ...inBytes, bufferSize: namesAtOnce })) {
    names.push(nameInBytes(entry).toString('latin1'));
    if (names.length >= most) break;
  }
  return names;
}

/** The number of names in the folder that belong to that file; 0 for a missing folder. Throws the system's errors. */
export async function namesOfFile(folder: string, { ino }: Print): Promise<number> {
  const names = await namesIn(folder, draftsLookedAt).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT' || systemCode(thrown) === 'ENOTDIR') return [];
    throw thrown;
  });
  const seen = await Promise.all(names.map((name) => seenAt(pathOf(folder, name))));
  return seen.filter((each) => each?.ino === ino).length;
}

/** null: it is gone. Throws the system's errors. */
export async function seenAt(path: Buffer): Promise<Seen | null> {
  try {
    const found = await lstat(path, { bigint: true });
    const { ino, size, mtimeNs } = found;
    const sinceMs = millisecondsOf(found.ctimeNs);
    const madeMs = found.birthtimeNs > 0n ? millisecondsOf(found.birthtimeNs) : sinceMs;
    const facts = { uid: Number(found.uid), links: Number(found.nlink), sinceMs, madeMs };
    if (found.isFile()) return { ino, size, mtimeNs, oddity: null, ...facts };
    // A folder's own size and times change with every file in it.
    return { ino, size: 0n, mtimeNs: 0n, oddity: found.isDirectory() ? 'a folder' : kindOf(found), ...facts };
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

function millisecondsOf(ns: bigint): number {
  return Number(ns / 1_000n) / 1_000;
}

/** Whether an `ENOENT` was about this file, and not about its target folder. Throws the system's errors. */
export async function isGone(path: Buffer): Promise<boolean> {
  return (await seenAt(path)) === null;
}

function kindOf(found: { isSymbolicLink(): boolean; isFIFO(): boolean; isSocket(): boolean }): string {
  if (found.isSymbolicLink()) return 'a symbolic link';
  if (found.isFIFO()) return 'a named pipe';
  return found.isSocket() ? 'a socket' : 'a device';
}

/** The content, if the file still has the state `print`; null: the file has more than `limitBytes`. */
export interface Content {
  readonly bytes: Buffer | null;
  readonly print: Print;
  readonly uid: number;
}

/** Follows no link and waits for no pipe. Throws the system's errors, `ELOOP` of a link. */
export async function readContent(path: Buffer, limitBytes: number): Promise<Content> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const print = await handle.stat({ bigint: true });
    const uid = Number(print.uid);
    if (print.size > BigInt(limitBytes)) return { bytes: null, print, uid };
    // One byte more than its size, so that further writing is noticed. A disk file returns less than requested only at its end.
    const bytes = Buffer.allocUnsafe(Number(print.size) + 1);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    const { ino, mtimeNs } = print;
    return { bytes: bytes.subarray(0, bytesRead), print: { ino, mtimeNs, size: BigInt(bytesRead) }, uid };
  } finally {
    await handle.close();
  }
}

export interface Failing {
  readonly from: Buffer;
  readonly failed: SafeFolder;
  /** A folder on the same disk for unfinished files. */
  readonly drafts: SafeFolder;
  readonly name: ByteName;
  readonly reason: string;
  readonly at: number;
}

/**
 * Puts a file into `failed/`, its reason first, so that no file ever lies there without one. An older file of that name is replaced: if it was a signal, it
 * is in the inbox. Throws the system's errors.
 */
export async function moveToFailed(failing: Failing): Promise<void> {
  try {
    await moveTo(failing, failing.name);
  } catch (thrown) {
    // A folder has that name, or a file has the folder's name: we must not delete either.
    if (!['EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(systemCode(thrown))) throw thrown;
    await moveTo(failing, `${failing.name}~${hashOf(randomUUID())}`);
  }
}

async function moveTo({ from, failed, drafts, name, reason, at }: Failing, wanted: ByteName): Promise<void> {
  const place = placeFor(wanted);
  const renamed = place === name ? '' : `its name was ${shownName(name)}\n`;
  const draft = pathOf(drafts, `${draftPrefix}${randomUUID()}`);
  try {
    // Written by renaming: readers see the old text or the new one, whatever is there now.
    await writeFile(draft, `${new Date(at).toISOString()} ${reason}\n${renamed}`, { flag: 'wx' });
    await rename(draft, pathOf(failed, `${place}${reasonSuffix}`));
  } catch (thrown) {
    await rm(draft, { force: true });
    throw thrown;
  }
  await rename(from, pathOf(failed, place));
}

/** The name, or a cut version with a hash, so that the suffix still fits. */
function placeFor(name: ByteName): ByteName {
  const room = nameLimitBytes - reasonSuffix.length;
  return name.length <= room ? name : `${name.slice(0, room - 9)}~${hashOf(name)}`;
}
