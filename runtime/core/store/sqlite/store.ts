/** The store of a home, in one file of SQLite: each reading one call, each commit one transaction. */
import { storeFile } from '../../../base/config/home.ts';
import type { Faults } from '../../../base/platform/faults.ts';
import { untilBeat } from '../../../base/platform/poll-loop.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import { applyChange, type Numbers } from '../changes.ts';
import type { Change, Commit, Store } from '../port.ts';
import type { StoreSize } from '../rows.ts';
import { type Connection, createWriteTrouble } from '../tables/connection.ts';
import { createReadings } from '../tables/readings.ts';
import { createTables } from '../tables/tables.ts';
import { type Database, openDatabase, type StoreOptions, storeError } from './db.ts';
import { migrations } from './schema.ts';
import { createTransactions } from './transactions.ts';

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

/** Whether a commit of these changes is on the disk when it is answered. */
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
  const tables = createTables(db as unknown as Connection); // it answers at once, which the interface allows

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

/** Empty stores in memory, each of its own: the first one makes the schema, the others copy it. */
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
