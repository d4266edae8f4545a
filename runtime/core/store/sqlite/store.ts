/** The store of a home, in one file of SQLite: each reading one call, each commit one transaction. */

import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Faults } from '../../../base/platform/faults.ts';
import { storeFile } from '../../../base/platform/home.ts';
import { untilBeat } from '../../../base/platform/poll-loop.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import { applyChange, type Numbers } from '../changes.ts';
import { type Change, type Commit, type Store, StoreTrouble } from '../port.ts';
import type { StoreSize } from '../rows.ts';
import { type Answer, type Connection, createWriteTrouble, type Statement } from '../tables/connection.ts';
import { createReadings } from '../tables/readings.ts';
import { createTables } from '../tables/tables.ts';
import { busyTimeoutMs, type Database, damageIn, openDatabase, type StoreOptions, storeError } from './db.ts';
import { migrations } from './schema.ts';

interface OpenOptions extends Omit<StoreOptions, 'migrations'> {
  /** Called on every commit; for tests. */
  readonly faults?: Faults | undefined;
}

/** The interval at which changes of other programs are looked for. */
const watchMs = 1_000;

/**
 * Facts about processes, claims and requests of clients only. No process survives a power failure, and the claims are then made again: a commit of these
 * alone is not waited for, and reaches the disk with the next one.
 */
const ofProcesses: ReadonlySet<Change['do']> = new Set([
  'effect.take',
  'slots.require',
  'launch.name',
  'launch.note',
  'run.add-token',
  'run.note',
  'request.begin',
  'request.end',
  'request.forget',
]);

/** Whether the changes must be on the disk before the commit is answered. */
export function isSynced(changes: readonly Change[]): boolean {
  return changes.some((change) => !ofProcesses.has(change.do));
}

/** Rolls a transaction back that has met a condition which does not hold. */
class Lost extends Error {
  readonly change: Change;

  constructor(change: Change) {
    super(change.do);
    this.change = change;
  }
}

/** Opens the store of a home. Throws the codes of `openDatabase`. */
export function openStore(home: string, options: OpenOptions = {}): Store {
  return openStoreFile(storeFile(home), options);
}

/** The same of any file; with `isAbsent` the file is a name for messages. */
export function openStoreFile(file: string, { faults, ...options }: OpenOptions = {}): Store {
  const db = openDatabase(file, { migrations, ...options });
  if (options.readonly !== true && options.isShared !== true) noteWriter(db, file);
  const space = createSpace(db);
  const { transaction, whenFree, inOrder, loss } = createTransactions({ db, file });
  const { watched, trouble } = createWriteTrouble();
  const tables = createTables(preparedAtUse(db));

  function carryOut(changes: readonly Change[]): Commit {
    const numbers: Numbers = { signals: [], lines: [] };
    try {
      transaction(
        () => {
          faults?.('store.after-begin');
          for (const [index, change] of changes.entries()) {
            if (index === 1) faults?.('store.between');
            if (applyChange(tables, change, numbers) !== true) throw new Lost(change);
          }
          faults?.('store.before-commit');
        },
        { isSynced: isSynced(changes) },
      );
      faults?.('store.after-commit');
      return { status: 'committed', ...numbers };
    } catch (thrown) {
      if (thrown instanceof Lost) return { status: 'lost', change: thrown.change };
      throw thrown;
    }
  }

  return {
    file,
    commit: (changes) => watched(() => inOrder(() => carryOut(changes))),
    ...createReadings(tables, whenFree),
    size: () => whenFree(space.size),
    giveBack: (limitBytes) => inOrder(() => space.giveBack(limitBytes)),
    watch: (onChange) => watchDatabase(db, () => onChange(null)),
    loss,
    trouble,
    close: () => void db.close(),
  };
}

/** Each statement is prepared when it is first used: there are some 240, a verb uses a few of them, and to prepare all takes 4 ms. */
function preparedAtUse(db: Database): Connection {
  const prepare = (sql: string): Statement => {
    let prepared: Statement | null = null;
    const statement = () => {
      prepared ??= db.prepare(sql) as Statement; // it answers at once, which the interface allows
      return prepared;
    };
    return {
      get: (...parameters) => statement().get(...parameters),
      all: (...parameters) => statement().all(...parameters),
      run: (...parameters) => statement().run(...parameters),
    };
  };
  return { prepare: prepare as Connection['prepare'] }; // the types of rows and parameters are the caller's claim
}

/** Makes empty stores in memory: the first one creates the schema, the others copy it. */
export function emptyStores(): () => Store {
  let image: Buffer | null = null;
  return () => {
    image ??= imageOfEmpty();
    return openStore('', { isAbsent: true, image });
  };
}

function imageOfEmpty(): Buffer {
  const db = openDatabase('', { migrations, isAbsent: true });
  const image = db.serialize();
  db.close();
  return image;
}

/** Calls when another connection has changed it; ends with the returned function, or when it is closed. */
function watchDatabase(db: Database, onChange: () => void): () => void {
  const version = db.prepare('PRAGMA data_version').pluck();
  let seen = readVersion();
  let timer = setTimeout(look, untilBeat(watchMs));

  function look(): void {
    if (!db.open) return;
    timer = setTimeout(look, untilBeat(watchMs));
    const now = readVersion();
    if (now === seen) return;
    seen = now;
    onChange();
  }

  /** null: it cannot be read now, and the listener finds the reason. */
  function readVersion(): unknown {
    try {
      return version.get();
    } catch {
      return null;
    }
  }

  return () => clearTimeout(timer);
}

/** The hint for an engine whose store is too new. */
function noteWriter(db: Database, file: string): void {
  const version = statorVersion();
  try {
    if (db.prepare('SELECT stator FROM written_by').pluck().get() === version) return;
    db.prepare(
      'INSERT INTO written_by (id, stator) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET stator = excluded.stator',
    ).run(version);
  } catch (thrown) {
    db.close();
    throw storeError(thrown, file) ?? thrown;
  }
}

function createSpace(db: Database) {
  const number = (pragma: string): number => Number(db.pragma(pragma, { simple: true }));
  const pageBytes = number('page_size');

  return {
    size: (): StoreSize => ({
      bytes: number('page_count') * pageBytes,
      freeBytes: number('freelist_count') * pageBytes,
    }),
    giveBack(limitBytes: number): number {
      const before = number('freelist_count');
      if (before === 0) return 0;
      db.pragma(`incremental_vacuum(${Math.max(1, Math.floor(limitBytes / pageBytes))})`);
      return (before - number('freelist_count')) * pageBytes;
    },
  };
}

/** If another program holds the store for longer, that is reported. */
const busyLimitMs = 5_000;
const busyRetryMs = 25;
/** A check of the files counts this long for the beginning of a commit: the commit checks them again before it answers. */
const lookedLimitMs = 50;
/** Its first page and its schema are read again this often: another program may have written over them. */
const readAnewMs = 1_000;

/** To be called when the database has been read: only then its log exists. */
function createTransactions({ db, file }: { db: Database; file: string }) {
  const files = watchOpenFiles(db, file);
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  /** Whether another program held the store when it was last asked for. */
  let isHeld = false;
  /** Waiting transactions are carried out in the order of their calls. */
  let line: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  let lookedMs = Number.NEGATIVE_INFINITY;
  /** The mode in which the store is opened. */
  let isSyncing = true;

  function mustBeThere(): void {
    const loss = files.loss();
    lookedMs = loss === null ? performance.now() : Number.NEGATIVE_INFINITY;
    if (loss !== null) throw loss;
  }

  /** Only the first that finds it held waits in SQLite: that stops everything else in this process, and many in turn would stop it for good. */
  function beginWriting(): void {
    try {
      begin.run();
    } catch (thrown) {
      if (!isHeld) db.pragma('busy_timeout = 0');
      isHeld = true;
      throw thrown;
    }
    if (isHeld) db.pragma(`busy_timeout = ${busyTimeoutMs}`);
    isHeld = false;
  }

  /** Between transactions only; in WAL mode NORMAL syncs none of them: https://sqlite.org/pragma.html#pragma_synchronous */
  function sync(isSynced: boolean): void {
    if (isSynced === isSyncing || db.memory) return;
    db.pragma(`synchronous = ${isSynced ? 'FULL' : 'NORMAL'}`);
    isSyncing = isSynced;
  }

  /**
   * All of it commits together or not at all. Not re-entrant; nothing in it may await. The files are checked after the commit, and before it if
   * the last check is too old: a commit into a file that was deleted meanwhile is not confirmed, though it may be found when the file comes back.
   * A commit without `isSynced` survives the end of this process; it survives a power failure once a later commit with `isSynced` is done.
   */
  function transaction(work: () => void, { isSynced = true } = {}): void {
    if (performance.now() - lookedMs > lookedLimitMs) mustBeThere();
    sync(isSynced);
    beginWriting();
    try {
      work();
      commit.run();
      mustBeThere();
    } catch (thrown) {
      if (db.inTransaction) rollback.run();
      throw thrown;
    }
  }

  /** Waits, without blocking, while another program holds the store. Throws `store_locked` after 5 s, and the other codes of `storeError`. */
  async function whenFree<T>(attempt: () => Answer<T>): Promise<T> {
    const untilMs = performance.now() + busyLimitMs;
    for (;;) {
      try {
        return attempt();
      } catch (thrown) {
        const trouble = storeError(thrown, file);
        if (trouble?.code === 'store_corrupt') files.damaged(trouble);
        if (trouble?.code !== 'store_locked' || performance.now() > untilMs) throw trouble ?? thrown;
        await delay(busyRetryMs);
      }
    }
  }

  function inOrder<T>(attempt: () => Answer<T>): Promise<T> {
    const turn = waiting === 0 ? whenFree(attempt) : line.then(() => whenFree(attempt));
    waiting += 1;
    const leave = () => {
      waiting -= 1;
    };
    line = turn.then(leave, leave);
    return turn;
  }

  return { transaction, whenFree, inOrder, loss: files.loss };
}

interface OpenFiles {
  /** Null while the files are as they were opened. Once they are not, this connection cannot be used any more, even if they come back. Two stats: cheap enough around every commit. */
  loss(): StoreTrouble | null;
  /** A reading has met damage. */
  damaged(trouble: StoreTrouble): void;
}

/**
 * Whether the files of an open store are still those that its name leads to. SQLite goes on writing into a file that was deleted, without an error, and its
 * writes are lost with the process. To be called when the database has been read: only then its log exists.
 */
function watchOpenFiles(db: Database, file: string): OpenFiles {
  if (db.memory) return { loss: () => null, damaged: () => {} };
  const log = `${file}-wal`;
  const opened = { file: identityOf(file), log: identityOf(log) };
  let found: StoreTrouble | null = null;
  let readMs = performance.now();

  /** This connection has read pages in memory, and would continue to use them. */
  function damage(): StoreTrouble | null {
    if (performance.now() - readMs < readAnewMs) return null;
    readMs = performance.now();
    return damageIn(file);
  }

  /** Writes the log into the file, so that nothing committed depends on a log that no other process can find. */
  function foldLog(): boolean {
    try {
      const [answer] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[]; // one row, says SQLite
      return answer?.busy === 0;
    } catch {
      return false; // a full disk, or a reader in the way: the loss is reported all the same
    }
  }

  return {
    loss() {
      if (found !== null || !db.open) return found;
      const isFileThere = identityOf(file) === opened.file;
      if (isFileThere && identityOf(log) === opened.log) {
        found = damage();
        return found;
      }
      const isWhole = foldLog();
      found = isFileThere ? lostLog(log, isWhole) : lostFile(file);
      return found;
    },
    damaged(trouble) {
      found ??= trouble;
    },
  };
}

function lostFile(file: string): StoreTrouble {
  return new StoreTrouble(
    'store_unreadable',
    `${file} was deleted or replaced while it was open: nothing more is written to it`,
    `restore it, or a backup of it; a daemon then continues by itself; restart everything else; to begin with an empty store: stator daemon restart`,
  );
}

function lostLog(log: string, isWhole: boolean): StoreTrouble {
  const saved = isWhole ? 'what it had is saved in the store' : 'what it had could not be saved in the store';
  return new StoreTrouble(
    'store_unreadable',
    `${log} was deleted or replaced while the store was open: ${saved}, and nothing more is written before it is opened again`,
    `a daemon opens it again by itself; restart everything else; do not touch ${basename(log)}: it is part of the store`,
  );
}

/** Null: there is no such file. While a file is open, no other file gets its number. */
function identityOf(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
