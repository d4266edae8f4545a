/**
 * One owner per home. The process that holds the lock of `owner.db` may act; the kernel frees it when that process dies, however it dies,
 * and keeps it when the process is merely stopped.
 *
 * Two files, because a database that is locked exclusively cannot be read:
 * - `owner.db` is the lock and the epoch, nothing else: the epoch is the `user_version` of its header, so the file is one page and needs no
 *   journal on disk (a journal left by a killed owner would be played back under an exclusive lock, which readers take for an owner).
 * - `owner.json` says who it is: pid, since, epoch, socket path. It is believed only while the lock is held exclusively.
 *
 * The order keeps that true at every line where a process may be killed: RESERVED (one candidate at a time, and readers see no owner yet) →
 * `owner.json` by rename → COMMIT of the epoch, which takes the EXCLUSIVE lock and under `locking_mode = EXCLUSIVE` keeps it. So whenever
 * readers find the lock taken, the file beside it is already that of the new owner. Leaving is the reverse: the file first, then the lock.
 *
 * Nothing in this process may open `owner.db` by other means than SQLite (a copy, a checksum): with POSIX locks, closing any
 * descriptor of the file gives the lock away.
 */

import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../../machines/vocabulary/shell-word.ts';
import { localTime } from '../../../../machines/vocabulary/time-text.ts';
import { replaceFile } from '../../../base/platform/atomic-file.ts';
import { createPrivateFile } from '../../../base/platform/home.ts';
import type { HomeEngine } from '../../../base/platform/home-engine.ts';
import { statorBuild, statorVersion } from '../../../base/platform/version.ts';
import { type Database, sqlite, storeError } from './db.ts';
import { engineOf, lockFile, type OwnerFacts, ownerByLock, readFacts } from './owner-facts.ts';

export { engineOf, type OwnerFacts };

/** Held for as long as this object is referenced and not released: a connection that is garbage collected is closed. */
export interface Owner {
  /** Counts the owners of this home, from 1: rises with every one, also after a kill or a power cut. */
  readonly epoch: number;
  /** Publishes the socket on which this owner listens; null: none, not yet or no longer. Throws `owner_taken` if the lock is lost. */
  publish(facts: { socketPath: string | null }): void;
  /** False after release, and if another process deleted or replaced `owner.db`: then another process may own the home. Costs one stat. */
  isHeld(): boolean;
  /** The file that it holds the lock of, as `lockFile` names it; null where `isHeld` is false. */
  lock(): string | null;
  /** May be called twice. */
  release(): void;
}

export interface OwnerOptions {
  /** Default `engine`. */
  readonly kind?: OwnerFacts['kind'];
  /** Default: `all` of a daemon, else `nothing`. */
  readonly starts?: OwnerFacts['starts'];
  readonly config?: string | null;
  /** How long to wait for another owner to leave, without blocking; default 0. */
  readonly waitMs?: number;
  /** For `since` only: waiting is measured on the monotonic clock. */
  readonly nowMs: () => number;
}

const pollMs = 25;
/** There are milliseconds between a candidate's first lock and its facts; another candidate waits for them, to name the owner. */
const namelessMs = 1_000;
/** A reader holds the lock for microseconds only. */
const commitTimeoutMs = 25;

/**
 * Becomes the owner of a home folder that exists (`ensureHome`).
 * Throws `owner_taken`, naming pid and since, when another still owns it after `waitMs`; `store_corrupt`, `store_full` and
 * `store_unreadable` about `owner.db` itself.
 */
export async function acquireOwner(home: string, options: OwnerOptions): Promise<Owner> {
  const startedMs = performance.now();
  for (;;) {
    const owner = attempt(home, options);
    if (owner !== null) return owner;
    const holder = readOwner(home);
    const waitedMs = performance.now() - startedMs;
    if (waitedMs >= (options.waitMs ?? 0) && (holder !== null || waitedMs >= namelessMs)) throw taken(home, holder);
    await delay(pollMs);
  }
}

/**
 * Who owns the home now, by the lock and not by what a dead owner left behind; null: no process does, or another program (which may
 * lock the file). True for the moment of the call only. Takes a shared lock for microseconds and never waits.
 */
export function readOwner(home: string): OwnerFacts | null {
  const here = ownerHere(home);
  if (here !== null) return here;
  const file = join(home, 'owner.db');
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return null;
  try {
    const db = new (sqlite())(file, { readonly: true, fileMustExist: true, timeout: 0 });
    try {
      db.pragma('user_version');
      return null;
    } finally {
      db.close();
    }
  } catch (thrown) {
    const world = storeError(thrown, file);
    if (world?.code !== 'store_locked') throw ownerError(thrown, file);
  }
  return readFacts(home);
}

/**
 * This process as the owner, by the kernel's list of locks. To a second copy of SQLite in one process the lock looks free, and its opening and closing of
 * `owner.db` gives it away: it must not come so far.
 */
function ownerHere(home: string): OwnerFacts | null {
  const owner = ownerByLock(home);
  return owner?.pid === process.pid ? owner : null;
}

/** The engine that has the home now, by the lock. `answers`: whether the caller has reached it. */
export function homeEngine(home: string, answers: boolean): HomeEngine {
  return engineOf(ownerByLock(home) ?? readOwner(home), answers);
}

/** null: another process has the lock, or a reader was in the way; both are worth another try. */
function attempt(home: string, options: OwnerOptions): Owner | null {
  if (ownerHere(home) !== null) return null;
  const file = join(home, 'owner.db');
  let db: Database | null = null;
  try {
    createPrivateFile(file);
    const held = lockFile(home);
    db = new (sqlite())(file, { timeout: 0, fileMustExist: true });
    const facts = takeLock(db, home, options);
    // Replaced between the reading and the lock: the lock is on a file that no other process will find.
    if (lockFile(home) === held) return createOwner(db, home, facts, held);
  } catch (thrown) {
    const error = ownerError(thrown, file);
    if (!(error instanceof EngineError && error.code === 'store_locked')) {
      db?.close();
      throw error;
    }
  }
  db?.close();
  return null;
}

function takeLock(
  db: Database,
  home: string,
  { nowMs, kind = 'engine', starts, config = null }: OwnerOptions,
): OwnerFacts {
  db.pragma('journal_mode = MEMORY');
  db.pragma('synchronous = FULL');
  db.exec('BEGIN IMMEDIATE');
  db.pragma('locking_mode = EXCLUSIVE'); // only now: a candidate that lost would keep its shared lock, and the winner could not commit
  // Where owner.db was deleted its file counts from the beginning: the known facts of the one before still say how far it came.
  const epoch = Math.max(Number(db.pragma('user_version', { simple: true })), readFacts(home)?.epoch ?? 0) + 1;
  const since = new Date(nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
  const program = { version: statorVersion(), build: statorBuild() };
  const facts: OwnerFacts = {
    ...{ pid: process.pid, since, socketPath: null, epoch, kind },
    starts: starts ?? (kind === 'daemon' ? 'all' : 'nothing'),
    config,
    ...program,
  };
  rmSync(join(home, 'daemon.pid'), { force: true });
  writeFacts(home, facts);
  db.pragma(`user_version = ${epoch}`);
  db.pragma(`busy_timeout = ${commitTimeoutMs}`);
  db.exec('COMMIT');
  return facts;
}

function createOwner(db: Database, home: string, facts: OwnerFacts, held: string | null): Owner {
  const isHeld = () => db.open && lockFile(home) === held;
  return {
    epoch: facts.epoch,
    isHeld,
    lock: () => (isHeld() ? held : null),
    publish({ socketPath }) {
      if (!isHeld()) throw lost(home);
      writeFacts(home, { ...facts, socketPath });
      publishPid(home, socketPath === null ? null : facts.pid);
    },
    release() {
      try {
        if (!isHeld()) return;
        publishPid(home, null);
        rmSync(join(home, 'owner.json'), { force: true });
      } finally {
        db.close();
      }
    },
  };
}

/** `daemon.pid` is for people's scripts: the pid of the process that listens. Nothing of ours reads it. */
function publishPid(home: string, pid: number | null): void {
  const file = join(home, 'daemon.pid');
  if (pid === null) rmSync(file, { force: true });
  else replace(file, `${pid}\n`);
}

function writeFacts(home: string, facts: OwnerFacts): void {
  replace(join(home, 'owner.json'), `${JSON.stringify(facts)}\n`);
}

/** Readers see the old text or the new one. Only the candidate or owner writes here, so one temporary name is enough. */
function replace(file: string, text: string): void {
  const draft = `${file}.new`;
  try {
    replaceFile(file, text, { mode: 0o600, draft });
  } catch (thrown) {
    throw storeError(thrown, draft) ?? thrown;
  }
}

function ownerError(thrown: unknown, file: string): unknown {
  const world = storeError(thrown, file);
  if (world?.code !== 'store_corrupt') return world ?? thrown;
  const hint = `it holds only the lock; with no stator running, delete it: rm ${shellWord(file)}`;
  return new EngineError('store_corrupt', world.message, hint, { cause: thrown });
}

function lost(home: string): EngineError {
  const hint =
    'owner.db was deleted or replaced, or the owner was released: start stator again, and leave owner.db to it';
  return new EngineError('owner_taken', `this stator owns ${home} no more`, hint);
}

function taken(home: string, holder: OwnerFacts | null): EngineError {
  const file = join(home, 'owner.db');
  if (holder === null) {
    const hint = `see who has it open: lsof ${shellWord(file)}`;
    return new EngineError('owner_taken', `another process holds the lock of this home: ${file}`, hint);
  }
  if (holder.pid === process.pid) {
    const hint = 'use that one, stop it first (await engine.stop()), or give this one another home';
    return new EngineError('owner_taken', `an engine of this very process owns this home: ${home}`, hint);
  }
  const message = `another stator owns this home: pid ${holder.pid}, since ${localTime(holder.since, Date.now())}`;
  const end =
    holder.kind === 'daemon'
      ? 'stop it first: stator daemon stop'
      : `wait until it is done, end it where it runs (Ctrl-C, or kill ${holder.pid})`;
  const hint = `${end}, or set STATOR_HOME to another folder`;
  return new EngineError('owner_taken', message, hint);
}
