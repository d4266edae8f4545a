/** A row that another program writes into the inbox is checked like any other signal, whatever it claims. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { afterwards, begin, gate, openGate, planText, startEngine, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';

interface Found {
  readonly status: string;
  readonly origin: string;
  readonly result: string | null;
  readonly is_checked: number;
}

/** A plan whose only task waits, and its store as any program of this user opens it. */
async function atWork() {
  const engine = await startEngine();
  const go = join(engine.root, 'go');
  await begin(engine, 'p', planText([`${gate(go)}; echo a > a.txt`]));
  await until(async () => (await engine.client.instances({ plan: 'p' }))[0]?.state === 'running');
  const db = new BetterSqlite3(join(engine.home, 'taskstore.db'), { timeout: 5_000 });
  afterwards(() => void db.close());
  const run = db.prepare("SELECT run FROM runs WHERE plan = 'p'").pluck().get();
  const read = (id: number | bigint) => db.prepare('SELECT * FROM signals WHERE id = ?').get(id) as Found;
  const settled = async (id: number | bigint) => {
    await until(() => read(id).status !== 'pending');
    const { status, origin, result, is_checked } = read(id);
    return { status, origin, is_checked, result: JSON.parse(result ?? 'null') as { code?: string } };
  };
  return { engine, db, run, go, settled };
}

const claimed = `INSERT INTO signals (project, plan, type, payload, origin, tree, run, is_checked)
  VALUES ('demo', 'p', @type, @payload, @origin, 'plan:demo/p', @run, 1)`;
const exited = '{"code": 0, "cause": "exit", "detail": ""}';

it('a row that says it was looked at already, and is the engine’s, ends no run', async () => {
  const { engine, db, run, go, settled } = await atWork();
  const { lastInsertRowid } = db.prepare(claimed).run({ type: 'run_exited', payload: exited, origin: 'engine', run });
  expect(await settled(lastInsertRowid)).toMatchObject({
    status: 'failed',
    is_checked: 0,
    result: { code: 'not_allowed' },
  });
  expect((await engine.client.instances({ plan: 'p' }))[0]?.state).toBe('running');
  openGate(go);
  await untilStatus(engine, 'p', 'done');
});

it('a row does not become the engine’s by being changed, nor by a seal that is guessed', async () => {
  const { engine, db, run, settled } = await atWork();
  const later = Date.now() + 600_000;
  const waits = db
    .prepare(`INSERT INTO signals (project, plan, type, payload, deliver_at) VALUES ('demo', 'p', 'run_exited', ?, ?)`)
    .run(exited, later).lastInsertRowid;
  db.prepare("UPDATE signals SET is_checked = 1, origin = 'engine', run = ?, deliver_at = 0 WHERE id = ?").run(
    run,
    waits,
  );
  const guessed = db
    .prepare(claimed.replace('is_checked)', 'is_checked, seal)').replace('1)', '1, 1)'))
    .run({ type: 'run_exited', payload: exited, origin: 'engine', run }).lastInsertRowid;
  for (const id of [waits, guessed])
    expect(await settled(id)).toMatchObject({ status: 'failed', is_checked: 0, result: { code: 'not_allowed' } });
  expect((await engine.client.instances({ plan: 'p' }))[0]?.state).toBe('running');
});

it('a row is no agent, whatever origin and run it names', async () => {
  const { engine, db, run, settled } = await atWork();
  const row = { type: 'needs_decision', payload: 'which one?', origin: 'agent:p-w1-t1', run };
  const { lastInsertRowid } = db.prepare(claimed).run(row);
  expect(await settled(lastInsertRowid)).toMatchObject({ status: 'done', origin: 'person' });
  expect((await engine.client.plan('demo', 'p')).blocked?.reason).toBe('question 1: which one?');
});
