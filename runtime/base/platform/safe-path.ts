/**
 * Files that foreign programs can exchange while we work on them: in repositories, worktrees and signal folders. A folder is opened once, part by part
 * and through no link, and is worked in through its descriptor: what takes its name afterwards is another folder, and is never reached.
 * Where a system has no `/proc/self/fd`, the path is compared with the descriptor before each step instead, which leaves a moment between the two.
 */
import { randomBytes } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { inBytes, nameInBytes } from './entry-names.ts';
import { systemCode } from './system-code.ts';

/** The name of one entry of a folder: no slash, no NUL, not `.` or `..`. A Buffer where it need not be UTF-8. */
export type EntryName = string | Buffer;

export interface SafeFolder {
  /** The path for messages. By now another folder may have that path. */
  readonly path: string;
  /** A path that leads to the entry in this very folder, whatever has the folder's path by now; valid until `close`. The entry itself may be a link. */
  at(name: EntryName): string | Buffer;
  /** The type of the entry, links not followed; null: there is none. */
  stat(name: EntryName): BigIntStats | null;
  /** The names of all entries, `.` and `..` left out; `most`: no more than this many, in the system's order. */
  list(options?: { readonly most: number } | undefined): Buffer[];
  /** The folder of that name; null: there is none. `makeMode`: it is made with just these permissions where it is missing. */
  folder(name: EntryName, options?: { readonly makeMode?: number }): SafeFolder | null;
  /** A regular file; null: there is none. Throws `too_large` beyond `maxBytes`, where the whole of it is asked for. */
  read(name: EntryName, options: ReadOptions): Buffer | null;
  /** Replaces a file, or makes it, by renaming a finished one over it: a link in its place is replaced, never followed. */
  write(name: EntryName, content: string | Buffer, options: WriteOptions): void;
  /** Adds to the end of a regular file; makes it where it is missing. */
  append(name: EntryName, content: string | Buffer, options: { readonly makeMode: number }): void;
  /** Moves an entry, itself and not what it links to. */
  rename(name: EntryName, to: { readonly folder: SafeFolder; readonly name: EntryName }): void;
  /** Takes an entry away, itself and not what it links to; a folder only when it is empty. Returns whether there was one. */
  remove(name: EntryName): boolean;
  /** May be called twice. */
  close(): void;
}

export interface ReadOptions {
  readonly maxBytes: number;
  /** Only its first or its last `maxBytes`. Default: the whole of it. */
  readonly part?: 'start' | 'end';
  /** The user that the file must belong to; default: any. */
  readonly ownerUid?: number;
}

export interface WriteOptions {
  /** Its permissions, whatever the umask says. */
  readonly mode: number;
  /** Whether a power failure, too, leaves the old content or the new one. */
  readonly isSynced?: boolean;
  /** Whether there must be none yet: then the system's `EEXIST` is thrown if there is one. */
  readonly isNew?: boolean;
}

export interface OpenOptions {
  /** Missing folders on the way are made, with just these permissions. The root itself is never made. */
  readonly makeMode?: number;
  /** The user that every folder below the root must belong to; default: any. */
  readonly ownerUid?: number;
  /** Where the system shows this process's descriptors. Default: `/proc/self/fd`; tests name a folder that does not exist. */
  readonly descriptors?: string;
}

const systemDescriptors = '/proc/self/fd';
const showsDescriptors = existsSync(systemDescriptors);

interface Opened {
  readonly descriptor: number;
  readonly path: string;
  readonly options: OpenOptions;
}

/**
 * Opens the folder `way` below `root`; null: a part of the way is missing. `root` is absolute and real, as realpath gives it; `way` is relative to it or
 * lies in it, '' is the root. Throws `unsafe_path` for a link or no folder on the way, a way out of the root, or another owner; the system's errors.
 */
export function openFolder(root: string, way: string, options: OpenOptions = {}): SafeFolder | null {
  const parts = partsOf(root, way);
  const descriptor = openDirectory(root, root);
  if (descriptor === null) return null;
  let folder: SafeFolder = createFolder({ descriptor, path: root, options });
  try {
    mustBeReal({ descriptor, path: root, options });
    for (const part of parts) {
      const { makeMode } = options;
      const next: SafeFolder | null = folder.folder(part, makeMode === undefined ? {} : { makeMode });
      folder.close();
      if (next === null) return null;
      folder = next;
    }
    return folder;
  } catch (thrown) {
    folder.close();
    throw thrown;
  }
}

/** `openFolder` for as long as `use` works in it, which must not be asynchronous. */
export function inFolder<T>(
  place: { readonly root: string; readonly way: string } & OpenOptions,
  use: (folder: SafeFolder) => T,
): T | null {
  const folder = openFolder(place.root, place.way, place);
  if (folder === null) return null;
  try {
    return use(folder);
  } finally {
    folder.close();
  }
}

function partsOf(root: string, way: string): string[] {
  const inside = isAbsolute(way) ? relative(root, way) : way;
  const parts = inside.split('/').filter((part) => part !== '' && part !== '.');
  if (isAbsolute(inside) || parts.includes('..') || inside.includes('\0')) {
    throw unsafe(join(root, inside), `leads out of ${root}`, 'name a folder inside of it');
  }
  return parts;
}

function createFolder(opened: Opened): SafeFolder {
  const { descriptor, path, options } = opened;
  const near = nearOf(opened);
  const isHeld = near !== null;
  let isOpen = true;

  function at(name: EntryName): string | Buffer {
    mustBeEntry(path, name);
    if (!isOpen) throw new Error(`${path} was closed before ${shown(name)} was asked for`);
    if (!isHeld) mustBeReal(opened);
    const prefix = near ?? path;
    return typeof name === 'string' ? `${prefix}/${name}` : Buffer.concat([Buffer.from(`${prefix}/`), name]);
  }

  const shownPath = (name: EntryName) => join(path, shown(name));

  function stat(name: EntryName): BigIntStats | null {
    return lstatSync(at(name), { bigint: true, throwIfNoEntry: false }) ?? null;
  }

  function child(name: EntryName, { makeMode }: { readonly makeMode?: number } = {}): SafeFolder | null {
    const place = at(name);
    const isMade = makeMode !== undefined && made(place);
    const found = openDirectory(place, shownPath(name));
    if (found === null) return null;
    try {
      if (isMade) fchmodSync(found, makeMode); // the umask may have taken some of it
      mustBelong(fstatSync(found).uid, options.ownerUid, shownPath(name));
    } catch (thrown) {
      closeSync(found);
      throw thrown;
    }
    return createFolder({ descriptor: found, path: shownPath(name), options });
  }

  function write(name: EntryName, content: string | Buffer, how: WriteOptions): void {
    const draft = at(`.draft-${randomBytes(12).toString('hex')}`);
    const target = at(name);
    try {
      withFile(openSync(draft, 'wx', 0o600), (file) => {
        writeFileSync(file, content);
        fchmodSync(file, how.mode);
        if (how.isSynced === true) fsyncSync(file);
      });
      if (how.isNew === true) linkSync(draft, target);
      else renameSync(draft, target);
    } catch (thrown) {
      unlinkOf(draft);
      throw thrown;
    }
    if (how.isNew === true) unlinkOf(draft);
  }

  return {
    path,
    at,
    stat,
    list(bound) {
      const place = isHeld ? `${near}/` : checked(opened);
      return bound === undefined ? readdirSync(place, { encoding: 'buffer' }) : firstNames(place, bound.most);
    },
    folder: child,
    read(name, how) {
      const found = openRegular(at(name), shownPath(name), constants.O_RDONLY);
      if (found === null) return null;
      return withFile(found, (file) => {
        if (how.ownerUid !== undefined) mustBelong(fstatSync(file).uid, how.ownerUid, shownPath(name));
        return readBytes(file, { path: shownPath(name), ...how });
      });
    },
    write,
    append(name, content, { makeMode }) {
      const place = at(name);
      const found = openRegular(place, shownPath(name), constants.O_WRONLY | constants.O_APPEND);
      if (found === null) return write(name, content, { mode: makeMode, isNew: true });
      withFile(found, (file) => writeFileSync(file, content));
    },
    rename(name, to) {
      renameSync(at(name), to.folder.at(to.name));
    },
    remove(name) {
      const found = stat(name);
      if (found === null) return false;
      if (found.isDirectory()) rmdirSync(at(name));
      else unlinkSync(at(name));
      return true;
    },
    close() {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
}

/** null: there is none. Throws `unsafe_path` for a link, and for a file that is not a folder. */
function openDirectory(place: string | Buffer, path: string): number | null {
  try {
    return openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP' || code === 'ENOTDIR') throw wrongKind(place, path, 'folder');
    throw thrown;
  }
}

/** null: there is none. A pipe is not waited for, and a device is not touched. */
function openRegular(place: string | Buffer, path: string, access: number): number | null {
  const before = lstatSync(place, { throwIfNoEntry: false });
  if (before === undefined) return null;
  if (!before.isFile()) throw wrongKind(place, path, 'file');
  let file: number;
  try {
    file = openSync(place, access | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null;
    if (systemCode(thrown) === 'ELOOP' || systemCode(thrown) === 'ENXIO') throw wrongKind(place, path, 'file');
    throw thrown;
  }
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw wrongKind(place, path, 'file');
}

function firstNames(place: string, most: number): Buffer[] {
  const names: Buffer[] = [];
  const opened = opendirSync(place, inBytes);
  try {
    for (let entry = opened.readSync(); entry !== null && names.length < most; entry = opened.readSync())
      names.push(nameInBytes(entry));
  } finally {
    opened.closeSync();
  }
  return names;
}

function readBytes(file: number, { path, maxBytes, part }: ReadOptions & { path: string }): Buffer {
  const { size } = fstatSync(file);
  const room = part === undefined ? Math.min(size, maxBytes) + 1 : maxBytes; // One byte more: a file that grew meanwhile shows up.
  const from = part === 'end' ? Math.max(0, size - maxBytes) : 0;
  const bytes = Buffer.allocUnsafe(room);
  let length = 0;
  for (;;) {
    const count = readSync(file, bytes, length, room - length, from + length);
    length += count;
    if (count === 0 || length === room) break;
  }
  if (length <= maxBytes) return bytes.subarray(0, length);
  throw new EngineError('too_large', `${path} has more than ${maxBytes} bytes`, `look at it: ls -l ${shellWord(path)}`);
}

function withFile<T>(file: number, use: (file: number) => T): T {
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

function made(place: string | Buffer): boolean {
  try {
    mkdirSync(place, 0o700);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST') return false;
    throw thrown;
  }
}

function unlinkOf(draft: string | Buffer): void {
  try {
    unlinkSync(draft);
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown;
  }
}

/** Throws `unsafe_path` if the path does not lead to the open folder, or leads to it through a link. */
function mustBeReal({ descriptor, path, options }: Opened): void {
  const near = nearOf({ descriptor, options });
  const real = near === null ? realOf({ descriptor, path }) : readlinkSync(near);
  if (real === path) return;
  throw unsafe(path, `is ${real} by now`, `links on the way to it are not followed: ls -ld ${shellWord(path)}`);
}

/** The path by which the system shows the descriptor; null: it shows none. */
function nearOf({ descriptor, options: { descriptors } }: Omit<Opened, 'path'>): string | null {
  const isShown = descriptors === undefined ? showsDescriptors : existsSync(descriptors);
  return isShown ? `${descriptors ?? systemDescriptors}/${descriptor}` : null;
}

function realOf({ descriptor, path }: Pick<Opened, 'descriptor' | 'path'>): string {
  const opened = fstatSync(descriptor, { bigint: true });
  const there = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (there === undefined || there.ino !== opened.ino || there.dev !== opened.dev) return 'another folder';
  return realpathSync(path);
}

function checked(opened: Opened): string {
  mustBeReal(opened);
  return opened.path;
}

function mustBelong(uid: number, wanted: number | undefined, path: string): void {
  if (wanted === undefined || uid === wanted) return;
  throw unsafe(path, `belongs to uid ${uid}, not to uid ${wanted}`, `look at it: ls -ld ${shellWord(path)}`);
}

function mustBeEntry(path: string, name: EntryName): void {
  const text = typeof name === 'string' ? name : name.toString('latin1');
  if (text !== '' && text !== '.' && text !== '..' && !text.includes('/') && !text.includes('\0')) return;
  throw unsafe(path, `has no entry ${JSON.stringify(shown(name))}`, 'give the name of one file or folder in it');
}

function wrongKind(place: string | Buffer, path: string, wanted: 'file' | 'folder'): EngineError {
  const found = lstatSync(place, { throwIfNoEntry: false });
  const hint = `look at it: ls -ld ${shellWord(path)}; take it away, or put a ${wanted} in its place`;
  if (found?.isSymbolicLink() !== true) return unsafe(path, `is no ${wanted}`, hint);
  return unsafe(path, `is a link to ${JSON.stringify(readlinkSync(place, 'utf8'))}, and links are not followed`, hint);
}

function unsafe(path: string, what: string, hint: string): EngineError {
  return new EngineError('unsafe_path', `${path} ${what}`, hint);
}

function shown(name: EntryName): string {
  return typeof name === 'string' ? name : name.toString('utf8');
}
