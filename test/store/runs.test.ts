/** The runs in the store: what they took, and a store that an older stator wrote. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDatabase } from '../../runtime/store/sqlite/db.ts';
import { createRunStore } from '../../runtime/store/sqlite/runs.ts';
import { migrations } from '../../runtime/store/sqlite/schema.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-runs-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const insert = `INSERT INTO runs (key, project, plan, run, title, role, attempt, state, branch, queued_at, started_at)
  VALUES (?, 'demo', ?, ?, ?, 'coder', 1, 'failed', 'b', ?, ?)`;

it('a run of an older stator is read as one of which nothing is known', () => {
  const file = join(folder, 'store.db');
  const at = migrations.findIndex(({ name }) => name === 'what a run said and cost');
  const older = openDatabase(file, { migrations: migrations.slice(0, at) });
  older.prepare(insert).run('k', 'p', 'r', 'p-w1-t1', 1, 2);
  older.close();
  const db = openDatabase(file, { migrations });
  const runs = createRunStore(db);
  expect(runs.read('k')).toMatchObject({
    title: 'p-w1-t1',
    preset: null,
    conversation: null,
    input_tokens: null,
    last_message: null,
  });
  expect(runs.usageOf('demo', 'p')).toEqual([
    { title: 'p-w1-t1', runs: 1, input_tokens: null, output_tokens: null, cost_usd: null },
  ]);
  db.close();
});

it('what the runs of an agent took is added up, and what none of them said stays unknown', () => {
  const db = openDatabase(join(folder, 'store.db'), { migrations });
  const runs = createRunStore(db);
  const usage = { conversation: 'c', inputTokens: 100, outputTokens: 7, costUsd: null, lastMessage: 'done' };
  for (const [key, title, startedAt] of [
    ['1', 'a', 2],
    ['2', 'a', 3],
    ['3', 'b', 4],
    ['4', 'b', null],
  ] as const)
    db.prepare(insert).run(key, 'p', key, title, 1, startedAt);
  runs.reported('1', usage);
  runs.reported('2', { ...usage, costUsd: 0.5 });
  expect(runs.usageOf('demo', 'p')).toEqual([
    { title: 'a', runs: 2, input_tokens: 200, output_tokens: 14, cost_usd: 0.5 },
    { title: 'b', runs: 1, input_tokens: null, output_tokens: null, cost_usd: null },
  ]);
  expect(runs.usageOf('demo', 'p', 2)).toEqual([]);
  expect(runs.tokensOf('demo', 'c', '2')).toEqual({ input: 100, output: 7 });
  runs.setPreset('2', 'claude', 'another');
  expect(runs.read('2')).toMatchObject({ preset: 'claude', conversation: 'c' });
  db.close();
});
