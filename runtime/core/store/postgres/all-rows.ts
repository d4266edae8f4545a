/** All rows of a store in PostgreSQL. */
import type { Client } from 'pg';
import { type AllRows, type AnyRow, type Columns, pageSize } from '../all-rows.ts';
import { storable } from './session.ts';

/** Internal tables of this database. */
const own = "table_name NOT IN ('schema_versions', 'asked', 'commits')";

/** Over the connection that a store writes by: it holds the lock of the engine meanwhile. */
export function allRows(client: Client, close: () => void): AllRows {
  return {
    async columns() {
      const { rows } = await client.query<{ table_name: string; names: string[] }>(
        `SELECT table_name, json_agg(column_name ORDER BY ordinal_position) AS names FROM information_schema.columns
         WHERE table_schema = current_schema() AND ${own} GROUP BY table_name ORDER BY table_name`,
      );
      return new Map(rows.map(({ table_name: table, names }) => [table, names]));
    },
    read: (table, columns) => pages(client, `SELECT ${columns.join(', ')} FROM ${table}`),
    async isEmpty() {
      const { rows } = await client.query('SELECT 1 FROM trees UNION SELECT 1 FROM repos UNION SELECT 1 FROM signals');
      return rows.length === 0;
    },
    replace: (columns, fill) => replaceAll(client, columns, fill),
    close: async () => close(),
  };
}

async function* pages(client: Client, sql: string): AsyncIterable<readonly AnyRow[]> {
  await client.query('BEGIN');
  try {
    await client.query(`DECLARE everything CURSOR FOR ${sql}`);
    for (;;) {
      const { rows } = await client.query<AnyRow>(`FETCH ${pageSize} FROM everything`);
      if (rows.length === 0) return;
      yield rows;
    }
  } finally {
    await client.query('ROLLBACK'); // nothing was written
  }
}

async function replaceAll(client: Client, columns: Columns, fill: Parameters<AllRows['replace']>[1]): Promise<void> {
  await client.query('BEGIN');
  try {
    // These triggers are for rows that other programs insert.
    await client.query('ALTER TABLE signals DISABLE TRIGGER USER');
    for (const table of columns.keys()) await client.query(`DELETE FROM ${table}`);
    await fill(async (table, names, rows) => {
      const marks = names.map((_, index) => `$${index + 1}`).join(', ');
      const text = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks})`;
      await Promise.all(
        rows.map((row) =>
          client.query({ name: `copy ${table}`, text, values: names.map((name) => storable(row[name])) }),
        ),
      );
    });
    await client.query('ALTER TABLE signals ENABLE TRIGGER USER');
    await client.query(
      "SELECT setval(pg_get_serial_sequence('tree_standings', 'number'), coalesce(max(number), 0) + 1, false) FROM tree_standings",
    );
    await client.query('COMMIT');
  } catch (thrown) {
    await client.query('ROLLBACK').catch(() => {}); // a lost connection has ended its transaction
    throw thrown;
  }
}
