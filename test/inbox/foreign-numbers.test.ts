/** Rows that other programs write with unexpected numbers, names and types: each gets its own answer, and nothing else waits for it. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import {
  afterwards,
  begin,
  gate,
  openGate,
  planText,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';

const far = 4_611_686_018_427_387_904n;

/** Sends a person's signal, and returns the verdict. */
const said = ({ client }: TestEngine, plan: string, type: string) => client.send({ project: 'demo', plan, type });

/** Two running plans, and the store as any program of this user opens it. */
async function twoPlans() {
  const engine = await startEngine();
  const go = join(engine.root, 'go');
  for (const plan of ['p', 'q']) await begin(engine, plan, planText([`${gate(go)}; echo ${plan} > ${plan}.txt`]));
  const db = new BetterSqlite3(join(engine.home, 'taskstore.db'), { timeout: 5_000 });
  afterwards(() => void db.close());
  return { engine, db, go };
}

it('a row with the number of another system is refused, and the next sender gets the verdict of their own signal', async () => {
  const { engine, db, go } = await twoPlans();
  const insert =
    "INSERT INTO signals (id, project, plan, type, payload) VALUES (?, 'demo', 'p', 'needs_decision', 'why')";
  expect(() => db.prepare(insert).run(far)).toThrow(/CHECK/);
  const { signal } = await said(engine, 'p', 'pause');
  expect(signal).toMatchObject({ type: 'pause', status: 'done', result: 'done' });
  await said(engine, 'p', 'resume');
  openGate(go);
  for (const plan of ['p', 'q']) await untilStatus(engine, plan, 'done');
});

it('a number that no engine can read stops its own plan alone, which says so and goes on with an answer', async () => {
  const { engine, db, go } = await twoPlans();
  db.exec('PRAGMA ignore_check_constraints = ON');
  db.prepare(
    "INSERT INTO signals (project, plan, type, payload, dedupe_key) VALUES ('demo', 'p', 'add_wave', '{}', 'ci:1')",
  ).run();
  db.prepare("UPDATE signals SET id = ?, status = 'pending', result = NULL WHERE dedupe_key = 'ci:1'").run(far);
  const { blocked } = await untilBlocked(engine, 'p');
  expect(blocked).toMatchObject({ source: 'fault' });
  const row = db.prepare("SELECT id, status, result FROM signals WHERE dedupe_key = 'ci:1'").get() as {
    id: number;
    status: string;
    result: string;
  };
  expect([row.status, JSON.parse(row.result).error]).toEqual(['failed', expect.stringContaining(String(far))]);
  expect((await said(engine, 'q', 'pause')).signal).toMatchObject({ type: 'pause', status: 'done' });
  await said(engine, 'q', 'resume');
  expect((await said(engine, 'p', 'resolve')).signal.status).toBe('done');
  await until(async () => (await engine.client.plan('demo', 'p')).blocked === null);
  openGate(go);
  for (const plan of ['p', 'q']) await untilStatus(engine, plan, 'done');
});

it.each([
  ['no project at all', { project: '', plan: '', type: 'pause' }],
  ['a project that is no name', { project: 'a/b:c', plan: 'x/y', type: 'pause' }],
  ['no type', { project: 'demo', plan: 'p', type: '' }],
  ['a type of the engine', { project: '', plan: '', type: 'supervisor_started' }],
  ['a machine that is not there', { project: '', plan: 'release:1', type: 'ship' }],
  ['a payload of half a text', { project: 'demo', plan: 'p', type: 'needs_decision', payload: '{"reason": "\u0000' }],
  ['a plan of another case', { project: 'DEMO', plan: 'P', type: 'pause' }],
])('a row with %s is refused by itself', async (_, row) => {
  const { engine, db, go } = await twoPlans();
  const {
    project,
    plan,
    type,
    payload = '{}',
  } = row as { project: string; plan: string; type: string; payload?: string };
  const insert =
    'INSERT INTO signals (project, plan, type, payload, status, result, dedupe_key) VALUES (?, ?, ?, ?, ?, ?, ?)';
  db.prepare(insert).run(project, plan, type, payload, 'done', 'no JSON', 'ci:1');
  expect((await said(engine, 'q', 'pause')).signal).toMatchObject({ type: 'pause', status: 'done' });
  await said(engine, 'q', 'resume');
  await until(
    async () => db.prepare("SELECT status FROM signals WHERE dedupe_key = 'ci:1'").pluck().get() !== 'pending',
  );
  expect((await engine.client.signals({})).length).toBeGreaterThan(0);
  openGate(go);
  await untilStatus(engine, 'q', 'done');
});
