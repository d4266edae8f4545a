/** The runs in a store that an older stator wrote. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { storeFile } from '../../runtime/base/config/home.ts';
import { openDatabase } from '../../runtime/core/store/sqlite/db.ts';
import { migrations } from '../../runtime/core/store/sqlite/schema.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-runs-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const insert = `INSERT INTO runs (key, project, plan, run, title, role, attempt, state, branch, queued_at, started_at)
  VALUES (?, 'demo', ?, ?, ?, 'coder', 1, 'failed', 'b', ?, ?)`;

it('a run of an older stator is read as one of which nothing is known', async () => {
  const file = storeFile(folder);
  const at = migrations.findIndex(({ name }) => name === 'what a run said and cost');
  const older = openDatabase(file, { migrations: migrations.slice(0, at) });
  older.prepare(insert).run('k', 'p', 'r', 'p-w1-t1', 1, 2);
  older.close();
  const store = openStore(folder);
  expect(await store.run('k')).toMatchObject({
    title: 'p-w1-t1',
    preset: null,
    profile: null,
    account: null,
    conversation: null,
    input_tokens: null,
    worked_ms: null,
    last_message: null,
  });
  expect(await store.usage({ project: 'demo', plan: 'p' })).toEqual([
    { title: 'p-w1-t1', runs: 1, input_tokens: null, output_tokens: null, cost_usd: null },
  ]);
  store.close();
});
