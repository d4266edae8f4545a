/** A plan in the layout of each earlier schema: brought up to date by this program, it is still what its journal leads to. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3, { type Database } from 'better-sqlite3';
import { expect, it } from 'vitest';
import { treesOf } from '../../actors/tree.ts';
import { verify } from '../../runtime/api/queries/verify.ts';
import { openDatabase } from '../../runtime/core/store/sqlite/db.ts';
import { migrations } from '../../runtime/core/store/sqlite/schema.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';
import { begin, planText, startEngine, untilStatus, waves } from '../support/engine.ts';

function columnsOf(db: Database, schema: string, table: string): string[] {
  return db
    .prepare<[string, string], { name: string }>('SELECT name FROM pragma_table_xinfo(?, ?) WHERE hidden = 0')
    .all(table, schema)
    .map(({ name }) => name);
}

/** Fills a store of an earlier schema with what it can hold of a present one. */
function fill(old: Database, present: string): void {
  old.pragma('foreign_keys = OFF');
  old.prepare('ATTACH ? AS present').run(present);
  const tables = old
    .prepare<[], { name: string }>(
      `SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
       AND name IN (SELECT name FROM present.sqlite_schema WHERE type = 'table')`,
    )
    .all();
  for (const { name } of tables) {
    const there = new Set(columnsOf(old, 'present', name));
    const common = columnsOf(old, 'main', name).filter((column) => there.has(column));
    const columns = common.map((column) => `"${column}"`).join(', ');
    old.exec(`INSERT OR REPLACE INTO main."${name}" (${columns}) SELECT ${columns} FROM present."${name}"`);
  }
  old.exec('DETACH present');
}

/** Opens it with this program, and verifies everything. */
async function verified(folder: string) {
  const store = openStore(folder);
  try {
    return await verify({ store, trees: treesOf() }, 'all');
  } finally {
    store.close();
  }
}

it('a store of each earlier schema, upgraded, is what its journal says; what was edited before is found', async () => {
  const made = await startEngine({ daemon: waves });
  await begin(made, 'login', planText(['echo x > x.txt'], ['echo y > y.txt']));
  await untilStatus(made, 'login', 'done');
  await made.engine.stop({ agents: 'stop' });
  const present = join(made.root, 'present.db');
  const db = new BetterSqlite3(join(made.home, 'taskstore.db'));
  await db.backup(present);
  db.close();
  const stored = (version: number, edit = '') => {
    const folder = join(made.root, `schema-${version}${edit === '' ? '' : '-edited'}`);
    mkdirSync(folder, { mode: 0o700 });
    const old = openDatabase(join(folder, 'taskstore.db'), {
      migrations: migrations.filter((step) => step.version <= version),
    });
    fill(old, present);
    old.exec(edit);
    old.close();
    return folder;
  };
  for (const { version } of migrations)
    expect([version, await verified(stored(version))]).toEqual([
      version,
      { ok: true, checked: 3, differs: [], skipped: [] },
    ]);
  const edit = `UPDATE trees SET snapshot = replace(snapshot, '"wave":2', '"wave":9') WHERE address LIKE 'plan:%'`;
  expect(await verified(stored(migrations[0]?.version ?? 0, edit))).toMatchObject({
    ok: false,
    differs: [{ tree: 'plan:demo/login' }],
  });
});
