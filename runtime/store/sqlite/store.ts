/** The one global store: all tables over one connection. Each table's statements stand in the file that owns it. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Faults, noFaults } from '../../platform/faults.ts';
import { statorVersion } from '../../platform/version.ts';
import { type Database, defaultBusyTimeoutMs, openDatabase, type StoreOptions, storeError } from './db.ts';
import { watchOpenFiles } from './lost-file.ts';
import { createPort } from './port-over-tables.ts';
import { migrations } from './schema.ts';
import { createTables } from './tables.ts';

export function storeFile(home: string): string {
  return join(home, 'taskstore.db');
}

/** Another program that holds the store for longer is told of. */
const busyLimitMs = 5_000;
const busyRetryMs = 25;

interface OpenOptions extends Omit<StoreOptions, 'migrations'> {
  /** Called on every commit; for tests. */
  readonly faults?: Faults;
}

/** Opens the store of a home. Throws the codes of `openStore`. */
export function openStore(home: string, { faults = noFaults, ...options }: OpenOptions = {}) {
  const file = storeFile(home);
  const db: Database = openDatabase(file, { migrations, ...options });
  if (options.readonly !== true && options.isShared !== true) noteWriter(db, file);
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');

  const files = watchOpenFiles(db, file);

  function mustBeThere(): void {
    const loss = files.loss();
    if (loss !== null) throw loss;
  }

  /** Whether another program held the store when it was last asked for. */
  let isHeld = false;

  /** Only the first to find it held waits in SQLite: that stops everything else in this process, and many who do so by turns stop it for good. */
  function beginWriting(): void {
    try {
      begin.run();
    } catch (thrown) {
      if (!isHeld) db.pragma('busy_timeout = 0');
      isHeld = true;
      throw thrown;
    }
    if (isHeld) db.pragma(`busy_timeout = ${defaultBusyTimeoutMs}`);
    isHeld = false;
  }

  /**
   * All of it commits together or not at all. Not re-entrant; nothing in it may await. The files are looked at on both sides of the commit: what went
   * into a file that was deleted meanwhile is not answered for, though it may be found when the file comes back.
   */
  function transaction<T>(work: () => T): T {
    mustBeThere();
    beginWriting();
    try {
      const value = work();
      commit.run();
      mustBeThere();
      return value;
    } catch (thrown) {
      if (db.inTransaction) rollback.run();
      throw thrown;
    }
  }

  /** Waits, without blocking, while another program holds the store. Throws `store_locked` after 5 s, and the other codes of `storeError`. */
  async function whenFree<T>(attempt: () => T): Promise<T> {
    const untilMs = performance.now() + busyLimitMs;
    for (;;) {
      try {
        return attempt();
      } catch (thrown) {
        const trouble = storeError(thrown, file);
        if (trouble?.code !== 'store_locked' || performance.now() > untilMs) throw trouble ?? thrown;
        await delay(busyRetryMs);
      }
    }
  }

  const tables = createTables(db);
  return {
    file,
    /** The store as the rooms above know it. */
    port: createPort({ file, tables, transaction, whenFree, files, db, faults }),
    ...tables,
    transaction,
    /** Why nothing more is written, where its files were deleted or replaced; null: they are as they were opened. */
    loss: files.loss,
    whenFree,
    /** A transaction, as soon as no other program holds the store. Throws as `whenFree`. */
    write: <T>(work: () => T): Promise<T> => whenFree(() => transaction(work)),
    close: (): void => void db.close(),
  };
}

/** For the one who finds a store that is too new for it. */
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
