/** A store that an earlier version wrote is brought up to date, and nothing of it is lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openStore } from '../runtime/store/db.ts';
import { migrations } from '../runtime/store/schema.ts';

const roots: string[] = [];

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

/** A store as that version left it, opened by this one. */
function upgraded(version: number, rows: readonly string[]) {
  const root = mkdtempSync(join(tmpdir(), 'stator-'));
  roots.push(root);
  const file = join(root, 'taskstore.db');
  const old = openStore(file, { migrations: migrations.slice(0, version) });
  for (const sql of rows) old.exec(sql);
  old.close();
  return openStore(file, { migrations });
}

const run = `INSERT INTO runs (key, project, plan, run, title, role, attempt, state, branch, queued_at)
  VALUES ('k', 'demo', 'p', 'a#1', 'p-w1-t1', 'coder', 1, 'running', 'plan/p', 1)`;

function effect(key: string, payload: object): string {
  const text = JSON.stringify(payload);
  return `INSERT INTO effects (key, tree, project, plan, wish, kind, lane, resource, payload, created_at)
    VALUES ('${key}', 'plan:demo/p', 'demo', 'p', '${key}', '${'role' in payload ? 'agent.run' : 'work.commit'}', 'worker', 'r', '${text}', 1)`;
}

it('version 1 gets a queue that runs, and runs that have said nothing yet', () => {
  const db = upgraded(1, [run]);
  expect(db.prepare('SELECT paused_at, cleared_at FROM queue').all()).toEqual([{ paused_at: null, cleared_at: 0 }]);
  expect(db.prepare('SELECT title, conversation, input_tokens, cost_usd FROM runs').get()).toEqual({
    title: 'p-w1-t1',
    conversation: null,
    input_tokens: null,
    cost_usd: null,
  });
  db.close();
});

it('runs that version 3 asked for find what every run finds, and those that know more keep it', () => {
  const known = { role: 'coder', messages: ['use tabs'], start: 'on' };
  const db = upgraded(3, [effect('old', { role: 'coder' }), effect('new', known), effect('commit', { run: 'a#1' })]);
  const payloads = db.prepare<[], { key: string; payload: string }>('SELECT key, payload FROM effects').all();
  expect(Object.fromEntries(payloads.map(({ key, payload }) => [key, JSON.parse(payload)]))).toEqual({
    old: { role: 'coder', messages: [], start: 'anew' },
    new: known,
    commit: { run: 'a#1' },
  });
  db.close();
});
