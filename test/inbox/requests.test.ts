/** A request is one commit: its signal is inserted together with the verdict, if nothing waits before it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { createEngine, type Engine, type FaultPoint, type Faults } from '../../runtime/engine/engine.ts';
import { expectJournalToReplay } from '../support/crash-proof.ts';
import { afterwards } from '../support/engine.ts';
import { type Ground, makeGround, until } from '../support/ground.ts';

const script = fileURLToPath(new URL('../support/scripts/requests-killed.mjs', import.meta.url));
const content = '# Still\n\n## Wave 1\n### Task 1: one\n```sh\ntrue\n```\n';
const plans = ['a', 'b', 'c', 'd', 'e'];
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

interface Place {
  readonly ground: Ground;
  readonly engine: Engine;
  readonly db: BetterSqlite3.Database;
  /** Sets the function that is called at each fault point. */
  at(fault: Faults): void;
}

/** An engine with registered plans that are not started, and another program's connection to its store. */
async function place(): Promise<Place> {
  const ground = makeGround();
  afterwards(ground.remove);
  let fault: Faults = () => {};
  const { home, env } = ground;
  const faults: Faults = (point) => fault(point);
  const engine = await createEngine({ home, env, log, agents: { default: { preset: 'sh' } }, faults });
  afterwards(() => engine.stop());
  await engine.client.addRepo(ground.repo, { trust: true });
  for (const plan of plans) await engine.client.registerPlan({ project: 'demo', plan, content });
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { timeout: 5_000 });
  afterwards(() => void db.close());
  return { ground, engine, db, at: (next) => (fault = next) };
}

const send = ({ engine }: Place, plan: string, type: string, key?: string) =>
  engine.client.send({ project: 'demo', plan, type, ...(key === undefined ? {} : { dedupeKey: key }) });

/** The signals of a plan in the order of the journal. */
function fed(db: BetterSqlite3.Database, plan: string, from: number): number[] {
  const sql = 'SELECT signal FROM journal WHERE tree = ? AND signal >= ? AND input IS NOT NULL ORDER BY seq';
  return db.prepare(sql).pluck().all(`plan:demo/${plan}`, from) as number[];
}

/** Inserts a row as another program would. */
function insert(db: BetterSqlite3.Database, plan: string, type: string): number {
  const sql = `INSERT INTO signals (project, plan, type) VALUES ('demo', ?, ?)`;
  return Number(db.prepare(sql).run(plan, type).lastInsertRowid);
}

const statusOf = (db: BetterSqlite3.Database, id: number) =>
  db.prepare('SELECT status FROM signals WHERE id = ?').pluck().get(id);

describe('the end of a run', () => {
  it('is settled, comes into the inbox and has its verdict in one commit', async () => {
    const here = await place();
    const seen: unknown[] = [];
    const sql = `SELECT status FROM signals WHERE type = 'run_exited'`;
    here.at((point) => point === 'lanes.after-settle' && seen.push(...here.db.prepare(sql).pluck().all()));
    await send(here, 'a', 'implement_start');
    await until(() => seen.length > 0);
    expect(seen[0]).toBe('done');
  });
});

describe('a request', () => {
  it('comes into the inbox with its verdict, and nobody ever sees it wait', async () => {
    const here = await place();
    const seen: number[] = [];
    const points: FaultPoint[] = [];
    const waiting = `SELECT count(*) FROM signals WHERE status = 'pending'`;
    here.at((point) => {
      points.push(point);
      if (point === 'pump.before-commit') seen.push(here.db.prepare(waiting).pluck().get() as number);
    });
    const { signal } = await send(here, 'a', 'pause');
    expect(signal).toMatchObject({ status: 'done', result: 'done' });
    expect(seen).toEqual([0]);
    expect(points.filter((point) => point === 'store.after-commit')).toHaveLength(1);
    const row = here.db.prepare('SELECT * FROM signals WHERE id = ?').get(signal.id);
    expect(row).toMatchObject({ status: 'done', attempts: 1, result: '"done"', is_checked: 1, origin: 'person' });
    expect(fed(here.db, 'a', signal.id)).toEqual([signal.id]);
  });

  it('shares its commit with those that come at the same moment, each answered for itself, refusals too', async () => {
    const here = await place();
    let commits = 0;
    here.at((point) => {
      if (point === 'store.after-commit') commits += 1;
    });
    const answers = await Promise.all([
      ...plans.map((plan) => send(here, plan, 'pause')),
      send(here, 'a', 'merge').catch((thrown: unknown) => thrown),
    ]);
    expect(answers.slice(0, -1).map((answer) => (answer as { signal: object }).signal)).toEqual(
      plans.map(() => expect.objectContaining({ status: 'done', result: 'done' })),
    );
    expect(answers.at(-1)).toMatchObject({ signal: { status: 'failed', refused: { accepts: expect.any(Array) } } });
    expect(commits).toBeLessThan(plans.length);
    await here.engine.stop();
    await expectJournalToReplay(here.ground.home);
  });

  it('comes after the signals that wait for its plan already, also those of other programs', async () => {
    const here = await place();
    const before = insert(here.db, 'a', 'pause');
    const { signal } = await send(here, 'a', 'resume');
    expect(signal.status).toBe('done');
    expect(fed(here.db, 'a', before)).toEqual([before, signal.id]);
  });

  it('is not lost, and is handled once, where another program writes between the look and the commit', async () => {
    const here = await place();
    let other = 0;
    here.at((point) => {
      if (point === 'pump.after-begin' && other === 0) other = insert(here.db, 'a', 'pause');
    });
    const answers = await Promise.all(plans.map((plan) => send(here, plan, plan === 'a' ? 'resume' : 'pause')));
    await until(() => statusOf(here.db, other) === 'done');
    const ids = answers.map(({ signal }) => signal.id);
    expect(new Set([other, ...ids]).size).toBe(plans.length + 1);
    expect(ids.map((id) => statusOf(here.db, id))).toEqual(plans.map(() => 'done'));
    expect(fed(here.db, 'a', other)).toEqual([other, ids[0]]);
    await here.engine.stop();
    await expectJournalToReplay(here.ground.home);
  });

  it('that is sent twice at once under one key is one signal, and both senders get its result', async () => {
    const here = await place();
    const [one, two] = await Promise.all([send(here, 'a', 'pause', 'ci:1'), send(here, 'a', 'pause', 'ci:1')]);
    expect(two.signal).toEqual(one.signal);
    expect((await send(here, 'a', 'pause', 'ci:1')).signal).toEqual(one.signal);
    expect(fed(here.db, 'a', one.signal.id)).toEqual([one.signal.id]);
  });

  it('that throws is tried again from its row, and those beside it are answered', async () => {
    const here = await place();
    let left = 2;
    here.at((point) => {
      if (point === 'pump.before-commit' && left > 0) {
        left -= 1;
        throw new Error('a bad moment');
      }
    });
    const answers = await Promise.all(plans.map((plan) => send(here, plan, 'pause')));
    expect(answers.map(({ signal }) => signal.status)).toEqual(plans.map(() => 'done'));
    await here.engine.stop();
    await expectJournalToReplay(here.ground.home);
  });

  for (const point of ['pump.before-commit', 'store.between', 'store.before-commit', 'store.after-commit'] as const)
    it(`that was answered is there after a kill at ${point}, and was handled once`, async () => {
      const { ground, engine } = await place();
      await engine.stop();
      const argument = JSON.stringify({ home: ground.home, point, nth: 2 });
      const killed = spawnSync(process.execPath, [script, argument], { env: ground.env, encoding: 'utf8' });
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      const answered = killed.stdout
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { id: number; status: string });
      const again = await createEngine({ home: ground.home, env: ground.env, log });
      afterwards(() => again.stop());
      const rows = (await again.client.signals({ project: 'demo' })).filter(({ origin }) => origin === 'person');
      for (const { id, status } of answered)
        if (status !== 'pending') expect(rows.find((row) => row.id === id)?.status).toBe(status);
      await until(async () => (await again.client.signals({ status: 'pending' })).length === 0);
      await again.stop();
      await expectJournalToReplay(ground.home);
    });
});
