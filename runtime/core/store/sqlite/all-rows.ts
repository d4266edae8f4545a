/** All rows of a store in a file of SQLite. */
import { type AllRows, type AnyRow, type Columns, pageSize } from '../all-rows.ts';
import { type Database, openDatabase, storeError } from './db.ts';
import { migrations } from './schema.ts';

/** Internal tables of SQLite or of this file. */
const own = "name NOT LIKE 'sqlite%' AND name <> 'written_by'";

/** Makes the file where it is missing, and brings its schema up to date. Throws as `openDatabase`. */
export function openFileRows(file: string): AllRows {
  const db = openDatabase(file, { migrations });
  const tables = db.prepare<[], { name: string; sql: string }>(
    `SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND ${own} ORDER BY name`,
  );
  const named = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw storeError(thrown, file) ?? thrown;
    }
  };
  return {
    columns: async () => new Map(tables.all().map(({ name, sql }) => [name, columnsOf(db, name, sql)])),
    read: (table, columns) => pages(db, `SELECT ${columns.join(', ')} FROM ${table}`),
    isEmpty: async () =>
      db.prepare('SELECT 1 FROM trees UNION SELECT 1 FROM repos UNION SELECT 1 FROM signals').get() === undefined,
    replace: (columns, fill) => named(() => replaceAll(db, columns, fill)),
    close: async () => void db.close(),
  };
}

/** The row's number is copied too, if other tables or later rows refer to it. */
function columnsOf(db: Database, table: string, sql: string): string[] {
  const columns = db.pragma(`table_info(${table})`) as { name: string; type: string; pk: number }[]; // one row a column, says SQLite
  const hasOwnNumber = columns.some(({ type, pk }) => pk > 0 && type === 'INTEGER');
  const names = columns.map(({ name }) => name);
  return hasOwnNumber || !numbered.has(table) || /WITHOUT ROWID/.test(sql) ? names : ['rowid', ...names];
}

/** Tables whose order of rows is their number. */
const numbered: ReadonlySet<string> = new Set(['plans', 'runs', 'launches']);

async function* pages(db: Database, sql: string): AsyncIterable<readonly AnyRow[]> {
  let page: AnyRow[] = [];
  for (const row of db.prepare<[], AnyRow>(sql).iterate()) {
    page.push(row);
    if (page.length < pageSize) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function replaceAll(db: Database, columns: Columns, fill: Parameters<AllRows['replace']>[1]): Promise<void> {
  // These triggers are for rows that other programs insert.
  const triggers = db
    .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    .all();
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
    for (const table of columns.keys()) db.exec(`DELETE FROM ${table}`);
    await fill(async (table, names, rows) => {
      const insert = db.prepare(
        `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      );
      for (const row of rows) insert.run(names.map((name) => row[name]));
    });
    for (const { sql } of triggers) db.exec(sql);
    db.exec('COMMIT');
  } catch (thrown) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw thrown;
  }
}
