/**
 * A store whose file is damaged: found by SQLite's own check, and made anew from the rows that can be read. The damaged one is kept aside with its log,
 * never deleted. Rows are read table by table in the order of their ids, from both ends and then one by one between, and never by an index, so that a
 * damaged page costs the rows that it held and no others.
 */
import { chmodSync, linkSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { type Database, type Migration, openDatabase, refuseForeign, storeError } from './db.ts';

/** What of a table could be read. */
interface RecoveredTable {
  readonly table: string;
  readonly rows: number;
  /** null: some, and nothing tells how many. */
  readonly lost: number | null;
}

/** What became of a damaged store. */
export interface Recovery {
  /** Where the damaged files lie. */
  readonly aside: string;
  readonly tables: readonly RecoveredTable[];
  /** `project/plan` of those whose progress was lost, though they are still listed. */
  readonly plansWithoutState: readonly string[];
}

/** So many faults are named. */
const shownFaults = 5;
/** Between two damaged pages so many ids are asked for one by one. */
const gapLimit = 200_000;

/** Throws what Node throws where SQLite's own part cannot be loaded. */
export function tryModule(): void {
  new BetterSqlite3(':memory:').close();
}

/** What SQLite's own check finds, a line each; none: it is whole, or it is not there. Reads the whole file. Throws as `openDatabase`, but not for damage. */
export function storeFaults(file: string): string[] {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return [];
  try {
    const db = new BetterSqlite3(file, { readonly: true, fileMustExist: true });
    try {
      const lines = db.pragma(`integrity_check(${shownFaults})`) as { integrity_check: string }[]; // one column, says SQLite
      return lines.map(({ integrity_check: text }) => text.replaceAll('\n', ' ')).filter((text) => text !== 'ok');
    } finally {
      db.close();
    }
  } catch (thrown) {
    const world = storeError(thrown, file);
    if (world?.code === 'store_corrupt') return [world.message];
    throw world ?? thrown;
  }
}

/** The paths of the repos that a store of any version has registered; null where it cannot be read. */
export function registeredPaths(file: string): string[] | null {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return [];
  try {
    const db = new BetterSqlite3(file, { readonly: true, fileMustExist: true });
    try {
      return db.prepare<[], string>('SELECT path FROM repos').pluck().all();
    } finally {
      db.close();
    }
  } catch {
    return null; // locked, or none of ours
  }
}

/**
 * Makes the store anew; the caller owns the home. Killed at any moment the damaged store is still there, in its place or aside. Throws `store_corrupt` where
 * nothing can be read: then nothing is changed; and as `openDatabase`.
 */
export function recoverStore(
  file: string,
  { migrations, at }: { migrations: readonly Migration[]; at: number },
): Recovery {
  const draft = `${file}.recovered`;
  removeFiles(draft);
  try {
    const damaged = new BetterSqlite3(file, { readonly: true, fileMustExist: true });
    let read: Pick<Recovery, 'tables' | 'plansWithoutState'>;
    try {
      read = copyAll(damaged, draft, migrations);
    } finally {
      damaged.close();
    }
    openDatabase(draft, { migrations }).close(); // brought up to date
    const faults = storeFaults(draft);
    if (faults.length > 0) throw new Error(`what was recovered of ${file} is damaged as well: ${faults.join('; ')}`);
    return { ...read, aside: exchange(file, draft, at) };
  } catch (thrown) {
    removeFiles(draft);
    throw storeError(thrown, file) ?? thrown;
  }
}

function copyAll(damaged: Database, draft: string, migrations: readonly Migration[]) {
  refuseForeign(damaged, damaged.name, migrations.length);
  const version = Number(damaged.pragma('user_version', { simple: true }));
  // As it was when it was written; brought up to date like any other once its rows are there.
  const made = openDatabase(draft, { migrations: migrations.slice(0, version) });
  const tables: RecoveredTable[] = [];
  try {
    made.pragma('foreign_keys = OFF');
    made.pragma('synchronous = OFF'); // until it is in its place nobody relies on it
    const triggers = made.prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'",
    );
    const kept = triggers.all();
    for (const { name } of kept) made.exec(`DROP TRIGGER ${quoted(name)}`);
    const names = made
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .pluck()
      .all();
    for (const table of names) tables.push(copyTable(damaged, made, table));
    keepCounters(made);
    const dangling = dropDangling(made);
    for (const { sql } of kept) made.exec(sql);
    made.pragma('synchronous = FULL');
    const without = made
      .prepare<[], string>(
        `SELECT project || '/' || plan FROM plans
         WHERE deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM trees WHERE address = 'plan:' || project || '/' || plan)`,
      )
      .pluck()
      .all();
    return {
      tables: tables.map((each) => ({ ...each, lost: sum(each.lost, dangling.get(each.table) ?? 0) })),
      plansWithoutState: without,
    };
  } finally {
    made.close();
  }
}

function copyTable(from: Database, to: Database, table: string): RecoveredTable {
  const columns = to.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table);
  const list = columns.map(quoted).join(', ');
  to.exec(`DELETE FROM ${quoted(table)}`); // what its migration put there
  const insert = to.prepare(
    `INSERT OR REPLACE INTO ${quoted(table)} (${list}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  let lost = 0;
  let unread: number | null = 0;
  to.transaction(() => {
    const take = (row: unknown[]) => {
      try {
        insert.run(...row);
      } catch (thrown) {
        if (!(thrown instanceof BetterSqlite3.SqliteError && thrown.code.startsWith('SQLITE_CONSTRAINT'))) throw thrown;
        lost += 1; // a value that was damaged
      }
    };
    unread = hasRowId(to, table) ? takeByIds(from, table, list, take) : takeInOrder(from, table, list, take);
  })();
  const rows = Number(
    to
      .prepare(`SELECT count(*) FROM ${quoted(table)}`)
      .pluck()
      .get(),
  );
  return { table, rows, lost: sum(lost, unread) };
}

function hasRowId(db: Database, table: string): boolean {
  const found = db.prepare<[string], number>('SELECT wr FROM pragma_table_list(?)').pluck().get(table);
  return found === 0;
}

/** Answers how many rows could not be read. */
function takeByIds(from: Database, table: string, list: string, take: (row: unknown[]) => void): number | null {
  const rows = (where: string, order: string) =>
    from.prepare(`SELECT rowid, ${list} FROM ${quoted(table)} NOT INDEXED ${where} ORDER BY rowid ${order}`).raw();
  let low = Number.NEGATIVE_INFINITY;
  const isWhole = untilDamage(() => {
    for (const [id, ...row] of rows('', 'ASC').iterate() as IterableIterator<[number, ...unknown[]]>) {
      take(row);
      low = id;
    }
  });
  if (isWhole) return 0;
  let high = Number.POSITIVE_INFINITY;
  untilDamage(() => {
    for (const [id, ...row] of rows('', 'DESC').iterate() as IterableIterator<[number, ...unknown[]]>) {
      if (id <= low) break;
      take(row);
      high = id;
    }
  });
  if (!Number.isFinite(low) && !Number.isFinite(high)) return null;
  let lost = 0;
  const one = rows('WHERE rowid = ?', 'ASC');
  // At one end nothing tells how far the ids go.
  const [first, last] = [
    Number.isFinite(low) ? low + 1 : Math.max(1, high - gapLimit),
    Number.isFinite(high) ? high - 1 : low + gapLimit,
  ];
  for (let id = first; id <= Math.min(last, first + gapLimit); id += 1) {
    const isRead = untilDamage(() => {
      const found = one.get(id) as [number, ...unknown[]] | undefined;
      if (found !== undefined) take(found.slice(1));
    });
    if (!isRead) lost += 1;
  }
  return Number.isFinite(low) && Number.isFinite(high) ? lost : null;
}

/** Of a table without ids: from both ends, since a row that is taken twice replaces itself. */
function takeInOrder(from: Database, table: string, list: string, take: (row: unknown[]) => void): number | null {
  const key = (order: string) =>
    (from.prepare('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk').pluck().all(table) as string[])
      .map((name) => `${quoted(name)} ${order}`)
      .join(', ');
  const isWhole = ['ASC', 'DESC'].some((order) =>
    untilDamage(() => {
      for (const row of from
        .prepare(`SELECT ${list} FROM ${quoted(table)} ORDER BY ${key(order)}`)
        .raw()
        .iterate())
        take(row as unknown[]); // `raw` has arrays
    }),
  );
  return isWhole ? 0 : null;
}

/** Whether it came to its end. Throws what is no damage of the file. */
function untilDamage(read: () => void): boolean {
  try {
    read();
    return true;
  } catch (thrown) {
    if (thrown instanceof BetterSqlite3.SqliteError && /^SQLITE_(CORRUPT|IOERR|ERROR)/.test(thrown.code)) return false;
    throw thrown;
  }
}

/** No id is given twice: the counters go on behind the last row that is there. */
function keepCounters(db: Database): void {
  const isThere = db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'").pluck().get();
  if (isThere === 0) return;
  const names = db.prepare<[], string>('SELECT name FROM sqlite_sequence').pluck().all();
  for (const name of names)
    db.prepare(
      `UPDATE sqlite_sequence SET seq = max(seq, (SELECT coalesce(max(rowid), 0) FROM ${quoted(name)})) WHERE name = ?`,
    ).run(name);
}

/** Rows that point at nothing go, until none does; how many of each table. */
function dropDangling(db: Database): Map<string, number> {
  const dropped = new Map<string, number>();
  for (;;) {
    const found = db.pragma('foreign_key_check') as { table: string; rowid: number | null }[]; // its columns, says SQLite
    const rows = found.flatMap(({ table, rowid }) => (rowid === null ? [] : [{ table, rowid }]));
    if (rows.length === 0) return dropped;
    for (const { table, rowid } of rows) {
      const { changes } = db.prepare(`DELETE FROM ${quoted(table)} WHERE rowid = ?`).run(rowid);
      dropped.set(table, (dropped.get(table) ?? 0) + changes);
    }
  }
}

/**
 * The damaged files lie aside before the new one takes their place: by a second name, so that no moment is without them. The log of the damaged one goes
 * from its place first; left there it would be played into the new one.
 */
function exchange(file: string, draft: string, at: number): string {
  const stamp = new Date(at).toISOString().replace(/[:.]/g, '-');
  const aside = join(dirname(file), `damaged-${stamp}`);
  mkdirSync(aside, { mode: 0o700 });
  const parts = ['', '-wal', '-shm'].filter(
    (part) => statSync(`${file}${part}`, { throwIfNoEntry: false }) !== undefined,
  );
  for (const part of parts) linkSync(`${file}${part}`, join(aside, `${basename(file)}${part}`));
  for (const part of parts) if (part !== '') rmSync(`${file}${part}`);
  chmodSync(draft, 0o600);
  renameSync(draft, file);
  removeFiles(draft);
  return aside;
}

function removeFiles(file: string): void {
  for (const part of ['', '-wal', '-shm']) rmSync(`${file}${part}`, { force: true });
}

function sum(some: number | null, more: number | null): number | null {
  return some === null || more === null ? null : some + more;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
