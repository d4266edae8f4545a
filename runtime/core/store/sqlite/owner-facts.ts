/**
 * Who owns a home, as its `owner.json` says and the kernel confirms. A verb beside an engine reads this first: testing the lock with SQLite takes as long
 * as to load node.
 */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HomeEngine } from '../../../base/platform/home-engine.ts';
import { systemCode } from '../../../base/platform/system-code.ts';

export interface OwnerFacts {
  readonly pid: number;
  readonly since: string;
  readonly socketPath: string | null;
  readonly epoch: number;
  /** A daemon stays until it is stopped; an engine belongs to the program that it is part of, such as `stator run`. */
  readonly kind: 'daemon' | 'engine';
  /** Which agents it starts: those of all plans, of plans that were watched there, or none, like a command that owns the home briefly. */
  readonly starts: 'all' | 'watched' | 'nothing';
  /** The daemon.toml that was named to it; null: that of the home. */
  readonly config: string | null;
  /** The version of its stator; null: an older one that does not record it. */
  readonly version: string | null;
  /** The digest of its code; null: it did not say it yet, or was not built. */
  readonly build: string | null;
}

/** The bytes that SQLite locks against all readers: https://sqlite.org/src/file/src/os.h, SHARED_FIRST and SHARED_SIZE. */
const sharedFirst = 0x40000002;
const sharedLast = sharedFirst + 509;

/**
 * The owner, where the kernel's list of locks shows that `owner.db` is held exclusively; null: the list does not show it, which proves nothing. There is
 * such a list only on Linux, it leaves out processes that are not visible from here, and some file systems have another number in it. True for
 * the moment of the call only. Never waits, never throws.
 */
export function ownerByLock(home: string): OwnerFacts | null {
  try {
    const { dev, ino } = statSync(join(home, 'owner.db'), { bigint: true });
    // The lock is read first: then the file beside it is that of the owner.
    return isLocked(readFileSync('/proc/locks', 'latin1'), `${deviceName(dev)}:${ino}`) ? readFacts(home) : null;
  } catch {
    return null; // the caller asks SQLite next, which says what is wrong
  }
}

/** The file that the lock is on, `<device>:<inode>`; null: there is none. While a process holds it, its inode is not given to another file. */
export function lockFile(home: string): string | null {
  const found = statSync(join(home, 'owner.db'), { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

/** `3: POSIX  ADVISORY  WRITE 1513 fe:00:2376280 1073741824 1073742335`; processes that wait for a lock have `->` after the number. */
function isLocked(locks: string, file: string): boolean {
  return locks.split('\n').some((line) => {
    const [, family, , mode, , name, first, last] = line.split(/ +/);
    const isWrite = family === 'POSIX' && mode === 'WRITE' && name === file;
    return isWrite && Number(first) <= sharedFirst && (last === 'EOF' || Number(last) >= sharedLast);
  });
}

/** As the kernel's list has it: two hexadecimal numbers of at least two digits. */
function deviceName(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':');
}

/** The engine that an owner is; `answers` says whether it was reached. A verb that owns the home briefly is no engine. */
export function engineOf(owner: OwnerFacts | null, answers: boolean): HomeEngine {
  if (owner === null || owner.starts === 'nothing') return { kind: 'none' };
  const kind = owner.kind === 'daemon' ? 'daemon' : owner.starts === 'watched' ? 'run' : 'program';
  return { kind, pid: owner.pid, answers };
}

/** The facts in the file, of any owner, also a dead one; null: the file has none. */
export function readFacts(home: string): OwnerFacts | null {
  let text: string;
  try {
    text = readFileSync(join(home, 'owner.json'), 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null; // it is leaving
    throw thrown;
  }
  const facts = parsedJson(text);
  if (!isFacts(facts)) return null;
  const { kind = 'engine', config = null, version = null, build = null } = facts;
  // An engine that is no daemon was most likely that of a `stator run`, and one without a socket that of a command.
  const { starts = kind === 'daemon' ? 'all' : facts.socketPath === null ? 'nothing' : 'watched' } = facts;
  return { ...facts, kind, starts, config, version, build };
}

/** Fields that owners of earlier versions did not write. */
type NewerFact = 'kind' | 'starts' | 'config' | 'version' | 'build';

/** Written by hand: every client reads this first, and starts faster without a schema library. */
function isFacts(value: unknown): value is Omit<OwnerFacts, NewerFact> & Partial<Pick<OwnerFacts, NewerFact>> {
  if (typeof value !== 'object' || value === null) return false;
  const facts = value as Partial<Record<keyof OwnerFacts, unknown>>; // checked field by field
  const { pid, since, socketPath, epoch, kind, starts, config, version, build } = facts;
  return (
    (kind === undefined || kind === 'daemon' || kind === 'engine') &&
    (starts === undefined || starts === 'all' || starts === 'watched' || starts === 'nothing') &&
    (config === undefined || config === null || typeof config === 'string') &&
    (version === undefined || version === null || typeof version === 'string') &&
    (build === undefined || build === null || typeof build === 'string') &&
    Number.isSafeInteger(pid) &&
    typeof since === 'string' &&
    (socketPath === null || typeof socketPath === 'string') &&
    Number.isSafeInteger(epoch)
  );
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // written by another program: no facts
  }
}
