/** The checks of a store's tables themselves, the columns that another program may set, and that rows are found by an index. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../runtime/core/store/sqlite/db.ts';
import { migrations } from '../../runtime/core/store/sqlite/schema.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';

let root = '';
let db: Database;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stator-schema-'));
  openStore(root).close();
  db = openDatabase(join(root, 'taskstore.db'), { migrations });
});

afterEach(() => {
  db.close();
  rmSync(root, { recursive: true, force: true });
});

const planIn = (status: string, columns = '', values = '') =>
  `INSERT INTO plans (project, plan, content, branch, status, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at${columns})
   VALUES ('demo', 'p', '# p', 'plan/p', '${status}', 1, 1, 1, 1, 0, 0, 1, 1${values})`;

it('a store that is too new names the stator that wrote it', () => {
  const version = (migrations.at(-1)?.version ?? 0) + 1;
  const newer = [...migrations, { version, name: 'newer', sql: "UPDATE written_by SET stator = '9.8.7'" }];
  openDatabase(db.name, { migrations: newer }).close();
  expect(() => openStore(root)).toThrow(
    expect.objectContaining({
      code: 'store_newer',
      hint: expect.stringMatching(/stator 9\.8\.7, which wrote it.*stator store check.*stator store restore/),
    }),
  );
});

it('a branch is never noted without its commit, nor a landing of a plan that is not done', () => {
  expect(() => db.exec(planIn('done', ', base_branch', ", 'main'"))).toThrow('CHECK');
  expect(() => db.exec(planIn('done', ', base_on', ", 'other'"))).toThrow('CHECK');
  expect(() => db.exec(planIn('ready', ', landing', ", 'merged'"))).toThrow('CHECK');
  expect(() => db.exec(planIn('ready', ', accepts', `, '["merge"]'`))).toThrow('CHECK');
  db.exec(planIn('done', ', landing, accepts, base_branch, base_commit', `, 'merged', '["land"]', 'main', 'c'`));
});

it('messages of an issue are of a person or an agent', () => {
  const message = "INSERT INTO issue_messages (project, plan, content, at, author) VALUES ('demo', 'p', 'm', 7, ";
  expect(() => db.exec(`${message}'engine')`)).toThrow('CHECK');
  db.exec(`${message}'agent')`);
});

it('the next notification has the number behind the newest one', () => {
  const notify = (columns: string, values: string) =>
    db.exec(`INSERT INTO notifications (type, project, message, at${columns}) VALUES ('t', 'demo', 'm', 7${values})`);
  notify(', id', ', 9');
  notify('', '');
  expect(db.prepare('SELECT id FROM notifications ORDER BY id').pluck().all()).toEqual([9, 10]);
});

it('another program sets the columns of a signal that are its own, and no other', () => {
  db.exec(`INSERT INTO signals (id, project, plan, type, origin, status, attempts, suspected, result, created_at, tree, run, is_checked)
    VALUES (4611686018427387, 'demo', 'p', 'pause', 'engine', 'done', 4, 9, 'x', 1, 'plan:demo/p', 'r', 1)`);
  const row = db.prepare('SELECT *, created_at > 1 AS is_now FROM signals').get();
  expect(row).toMatchObject({ id: 1, origin: 'person', status: 'pending', attempts: 0, suspected: 0, result: null });
  expect(row).toMatchObject({ tree: null, run: null, is_checked: 0, is_now: 1 });
  db.exec('UPDATE signals SET is_checked = 1, seal = 5');
  expect(db.prepare('SELECT is_checked, seal FROM signals').get()).toEqual({ is_checked: 0, seal: null });
  const seal = db.prepare('SELECT seal FROM inbox_seal').pluck().get();
  db.prepare(
    "INSERT INTO signals (project, type, origin, is_checked, tree, seal) VALUES ('', 'go', 'engine', 1, 'own:1', ?)",
  ).run(seal);
  expect(db.prepare('SELECT origin, tree, is_checked FROM signals WHERE id = 2').get()).toEqual({
    origin: 'engine',
    tree: 'own:1',
    is_checked: 1,
  });
});

it('a signal has no number and no time that a program in JavaScript cannot count', () => {
  const signal = (column: string, value: string) =>
    db.exec(`INSERT INTO signals (project, type, ${column}) VALUES ('demo', 'pause', ${value})`);
  for (const value of ['0', '-4', '9007199254740992']) expect(() => signal('id', value)).toThrow('CHECK');
  for (const value of ['-7', '1760000000000000000']) expect(() => signal('deliver_at', value)).toThrow('CHECK');
});

it.each([
  ['a folder under runs', "SELECT key FROM launches WHERE folder = 'f'", 'launches_folder'],
  ['the tokens of a run', "SELECT hash FROM run_tokens WHERE run = 'k'", 'run_tokens_run'],
  ['the usage of a repo', "SELECT key FROM runs WHERE project = 'demo' AND started_at >= 1", 'runs_began'],
])('%s is found without reading them all', (_what, query, index) => {
  const [step] = db.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${query}`).all();
  expect(step?.detail).toContain(index);
});
