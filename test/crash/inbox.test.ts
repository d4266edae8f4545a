import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Effect } from '../../machines/vocabulary/effect.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { type Change, mustCommit } from '../../runtime/core/store/port.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';
import { createEngine, type Engine, type Faults } from '../../runtime/engine/engine.ts';
import { expectJournalToReplay } from '../support/crash-proof.ts';
import { type Ground, makeGround, until } from '../support/ground.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Row {
  readonly id: number;
  readonly plan: string;
  readonly type: string;
  readonly status: string;
  readonly attempts: number;
  readonly result: string | null;
  readonly payload: string;
  readonly deliver_at: number;
  readonly processed_at: number | null;
}

const content =
  '# Still\n\n## Wave 1\n### Task 1: one\n```sh\ntrue\n```\n### Task 2: two\n```sh\ntrue\n```\n### Task 3: three\n```sh\ntrue\n```\n';
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A home with plans that are registered and not started, and another program's connection to its store. */
async function started(plans: readonly string[]) {
  const ground = makeGround();
  cleanups.push(ground.remove);
  const engine = await start(ground);
  await engine.client.addRepo(ground.repo, { trust: true });
  for (const plan of plans) await engine.client.registerPlan({ project: 'demo', plan, content });
  const db = new BetterSqlite3(join(ground.home, 'taskstore.db'), { timeout: 5_000 });
  cleanups.push(() => void db.close());
  return { ground, engine, db };
}

async function start({ home, env }: Ground, faults?: Faults): Promise<Engine> {
  const engine = await createEngine({
    home,
    env,
    log,
    agents: { default: { preset: 'sh' } },
    ...(faults === undefined ? {} : { faults }),
  });
  cleanups.push(() => engine.stop());
  return engine;
}

function read(db: BetterSqlite3.Database, id: number | bigint): Row {
  return db.prepare('SELECT * FROM signals WHERE id = ?').get(id) as Row;
}

/** As another program would: the columns that the documentation names, and whatever else. */
function insert(db: BetterSqlite3.Database, row: Record<string, unknown>): number {
  const names = Object.keys(row);
  const sql = `INSERT INTO signals (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`;
  return Number(db.prepare(sql).run(row).lastInsertRowid);
}

/** As the engine itself would. */
function ofEngine(db: BetterSqlite3.Database, plan: string, type: string): Record<string, unknown> {
  const engineOnly = { tree: planTree('demo', plan), is_checked: 1, seal: sealOf(db) };
  return { project: 'demo', plan, type, payload: '{}', origin: 'engine', ...engineOnly };
}

const sealOf = (db: BetterSqlite3.Database) => db.prepare('SELECT seal FROM inbox_seal').pluck().get();

const settled = (db: BetterSqlite3.Database, ids: readonly number[]) => () =>
  ids.every((id) => ['done', 'failed'].includes(read(db, id).status));

describe('a signal that throws', () => {
  it('is set aside after three tries, its neighbours are handled, and the plan says so until resolve delivers it again', async () => {
    const { ground, engine, db } = await started(['a', 'b']);
    await engine.stop();
    const { snapshot } = db.prepare(`SELECT snapshot FROM trees WHERE address = 'plan:demo/a'`).get() as {
      snapshot: string;
    };
    const setSnapshot = (text: string) =>
      db.prepare(`UPDATE trees SET snapshot = ? WHERE address = 'plan:demo/a'`).run(text);
    setSnapshot('{"damaged":');
    const neighbours: number[] = [];
    const poison: number[] = [];
    for (const type of ['pause', 'resume']) {
      poison.push(insert(db, ofEngine(db, 'a', type)));
      neighbours.push(insert(db, { project: 'demo', plan: 'b', type }));
    }
    const again = await start(ground);
    await until(settled(db, [...poison, ...neighbours]));
    expect(neighbours.map((id) => read(db, id).status)).toEqual(['done', 'done']);
    for (const id of poison) expect(read(db, id)).toMatchObject({ status: 'failed', attempts: 3 });
    expect((await again.client.plan('demo', 'b')).blocked).toBeNull();
    expect((await again.client.plan('demo', 'a')).blocked).toMatchObject({ source: 'fault' });
    setSnapshot(snapshot);
    const answer = await again.client.send({ project: 'demo', plan: 'a', type: 'resolve' });
    expect(answer.signal.status).toBe('done');
    await until(settled(db, poison));
    expect(poison.map((id) => read(db, id).status)).toEqual(['done', 'done']);
    expect((await again.client.plan('demo', 'a')).blocked).toBeNull();
    await expectJournalToReplay(ground.home);
  });

  it('can be tried again alone, and the plan waits for the others that were set aside with it', async () => {
    const { ground, engine, db } = await started(['a']);
    await engine.stop();
    const { snapshot } = db.prepare(`SELECT snapshot FROM trees WHERE address = 'plan:demo/a'`).get() as {
      snapshot: string;
    };
    const setSnapshot = (text: string) =>
      db.prepare(`UPDATE trees SET snapshot = ? WHERE address = 'plan:demo/a'`).run(text);
    setSnapshot('{"value": "of nothing"}');
    const poison = ['pause', 'resume'].map((type) => insert(db, ofEngine(db, 'a', type)));
    const { client } = await start(ground);
    await until(settled(db, poison));
    setSnapshot(snapshot);
    for (const [index, id] of poison.entries()) {
      expect((await client.plan('demo', 'a')).blocked).toMatchObject({
        source: 'fault',
        reason: expect.stringContaining(`signal ${poison[index]} `),
      });
      expect((await client.retrySignal({ id })).signal.status).toBe('done');
    }
    expect((await client.plan('demo', 'a')).blocked).toBeNull();
  });

  it('from a plan that asks its repo for permission to start blocks only that plan', async () => {
    const { ground, engine, db } = await started(['a', 'b']);
    await engine.stop();
    const { snapshot } = db.prepare(`SELECT snapshot FROM trees WHERE address = 'repo:demo'`).get() as {
      snapshot: string;
    };
    const setSnapshot = (text: string) =>
      db.prepare(`UPDATE trees SET snapshot = ? WHERE address = 'repo:demo'`).run(text);
    setSnapshot('{"value": "of nothing"}');
    const again = await start(ground);
    const { client } = again;
    const statusOf = async (plan: string) => (await client.plan('demo', plan)).blocked?.source ?? null;
    for (const plan of ['a', 'b']) await client.send({ project: 'demo', plan, type: 'implement_start' });
    await until(async () => (await statusOf('a')) === 'fault' && (await statusOf('b')) === 'fault');
    expect((await client.plans()).map(({ waiting_for: waiting }) => waiting?.kind)).toEqual(['decision', 'decision']);
    setSnapshot(snapshot);
    // One by a person's word to the plan, the other by its signal.
    expect((await client.send({ project: 'demo', plan: 'a', type: 'resolve' })).signal.status).toBe('done');
    const asked = (await client.signals({ project: 'demo', status: 'failed' })).filter(
      ({ type }) => type === 'implement_requested',
    );
    expect(asked.map(({ payload }) => (payload as { plan: string }).plan)).toEqual(['b']);
    expect(await statusOf('b')).toBe('fault');
    await client.retrySignal({ id: asked[0]?.id ?? 0 });
    expect([await statusOf('a'), await statusOf('b')]).toEqual([null, null]);
    const granted = `SELECT count(*) FROM signals WHERE type = 'implement_granted'`;
    await until(() => db.prepare(granted).pluck().get() === 2);
    await again.stop({ agents: 'stop' });
  });

  it('delays only the later signals of its own plan while it is tried again', async () => {
    const { ground, engine, db } = await started(['a', 'b']);
    await engine.stop();
    // Throws for the first batch, and then for the first signal of it, twice.
    let left = 3;
    const types = ['pause', 'resume', 'pause', 'resume'];
    const again = await start(ground, (point) => {
      if (point !== 'pump.before-commit' || rows.length === 0 || left === 0) return;
      left -= left === 3 || !isHandled(rows[0] ?? 0) ? 1 : 0;
      throw new Error('a bad moment');
    });
    const rows: number[] = [];
    const isHandled = (id: number) => read(db, id).status !== 'pending';
    db.transaction(() => {
      for (const type of types) for (const plan of ['a', 'b']) rows.push(insert(db, { project: 'demo', plan, type }));
    })();
    await until(settled(db, rows));
    expect(rows.map((id) => read(db, id).status)).toEqual(rows.map(() => 'done'));
    const order = db
      .prepare(
        `SELECT signal FROM journal WHERE tree = 'plan:demo/a' AND signal >= ? AND input IS NOT NULL ORDER BY seq`,
      )
      .pluck()
      .all(rows[0]);
    expect(order).toEqual(rows.filter((_, index) => index % 2 === 0));
    await again.stop();
    await expectJournalToReplay(ground.home);
  });
});

describe('the inbox', () => {
  it('answers the same key with the first one, and counts a result once', async () => {
    const { ground, engine, db } = await started(['a']);
    const signal = { project: 'demo', plan: 'a', type: 'pause', dedupeKey: 'mine' };
    const first = await engine.client.send(signal);
    const second = await engine.client.send(signal);
    expect(second.signal).toEqual(first.signal);
    expect(db.prepare(`SELECT count(*) FROM signals WHERE dedupe_key = 'mine'`).pluck().get()).toBe(1);
    await engine.stop();
    const store = openStore(ground.home);
    cleanups.push(() => store.close());
    const result = {
      tree: planTree('demo', 'a'),
      type: 'run_lost',
      payload: { detail: '' },
      origin: 'engine',
    } as const;
    const insertion = (at: number): Change => ({ do: 'signal.insert', ...result, run: 'x#1', dedupeKey: 'x:done', at });
    const { signals: told } = await mustCommit(store, [insertion(1), insertion(2)]);
    expect(told.map(({ isNew }) => isNew)).toEqual([true, false]);
    expect(told[1]?.id).toBe(told[0]?.id);
  });

  it('accepts a signal of the engine even if another sender has used its key', async () => {
    const { ground, engine, db } = await started(['a']);
    const taken = insert(db, { project: 'demo', plan: 'a', type: 'pause', dedupe_key: 'plan:demo/a/x#1:done' });
    await until(settled(db, [taken]));
    expect(JSON.parse(read(db, taken).result ?? '')).toMatchObject({ code: 'bad_request' });
    insert(db, { project: 'demo', plan: 'a', type: 'pause', dedupe_key: 'plan:demo/a/x#1:done~2', origin: 'engine' });
    await engine.stop();
    const store = openStore(ground.home);
    cleanups.push(() => store.close());
    const word = { tree: planTree('demo', 'a'), type: 'run_lost', payload: { detail: '' }, run: 'x#1' } as const;
    const insertion = (origin: 'engine' | 'person'): Change => ({
      do: 'signal.insert',
      ...word,
      origin,
      dedupeKey: 'plan:demo/a/x#1:done',
      at: 1,
    });
    const { signals: told } = await mustCommit(store, [insertion('engine'), insertion('engine'), insertion('person')]);
    expect(told.map(({ isNew }) => isNew)).toEqual([true, false, false]);
    expect(told[1]?.id).toBe(told[0]?.id);
    expect(told[2]?.id).toBe(taken);
  });

  it('takes what other programs write into it, and a text is a body', async () => {
    const { ground, engine, db } = await started(['a', 'b']);
    const sql = (type: string, payload: string) =>
      `INSERT INTO signals(project, plan, type, payload) VALUES ('demo', 'a', '${type}', '${payload}')`;
    const ids = [
      sql('pause', 'until tomorrow'),
      sql('resume', '{"body": "now"}'),
      sql('wheel', '{}'),
      sql('run-lost', '{}'),
    ].map((text) => Number(db.prepare(text).run().lastInsertRowid));
    await until(settled(db, ids));
    expect(ids.map((id) => read(db, id).status)).toEqual(['done', 'done', 'failed', 'failed']);
    expect(JSON.parse(read(db, ids[2] ?? 0).result ?? '')).toMatchObject({ code: 'unknown_signal' });
    expect(JSON.parse(read(db, ids[3] ?? 0).result ?? '')).toMatchObject({ code: 'not_allowed' });
    const input = db
      .prepare(`SELECT input FROM journal WHERE signal = ? AND input IS NOT NULL`)
      .pluck()
      .get(ids[0]) as string;
    expect(JSON.parse(input)).toMatchObject({ origin: 'person', payload: { body: 'until tomorrow' } });
    const none = insert(db, { project: 'demo', plan: 'nowhere', type: 'pause' });
    await until(settled(db, [none]));
    expect(JSON.parse(read(db, none).result ?? '')).toMatchObject({ error: 'plan not found: demo/nowhere' });
    if (hasSqlite()) {
      const file = join(ground.home, 'taskstore.db');
      execFileSync('sqlite3', [
        file,
        "INSERT INTO signals(project, plan, type, payload) VALUES ('demo', 'b', 'cancel', 'no more')",
      ]);
      await until(async () => (await engine.client.plan('demo', 'b')).status === 'cancelled');
    }
  });

  it('delivers a late signal at its time, and those that are due before it', async () => {
    const { db } = await started(['a']);
    const at = Date.now() + 1_200;
    const late = insert(db, { project: 'demo', plan: 'a', type: 'pause', deliver_at: at });
    const prompt = insert(db, { project: 'demo', plan: 'a', type: 'resume' });
    await until(settled(db, [late, prompt]));
    expect(read(db, late).processed_at).toBeGreaterThanOrEqual(at);
    expect(read(db, prompt).processed_at).toBeLessThan(at);
  });

  it('handles each plan in the order of its signals, however many come at once', async () => {
    const { ground, engine, db } = await started(['a', 'b', 'c']);
    const rows: { id: number; plan: string }[] = [];
    db.transaction(() => {
      for (let round = 0; round < 60; round += 1) {
        for (const plan of ['a', 'b', 'c']) {
          rows.push({ plan, id: insert(db, { project: 'demo', plan, type: round % 2 === 0 ? 'pause' : 'resume' }) });
        }
      }
    })();
    await until(
      settled(
        db,
        rows.map(({ id }) => id),
      ),
    );
    for (const plan of ['a', 'b', 'c']) {
      const order = db
        .prepare(`SELECT signal FROM journal WHERE tree = ? AND signal >= ? AND input IS NOT NULL ORDER BY seq`)
        .pluck()
        .all(`plan:demo/${plan}`, rows[0]?.id);
      expect(order).toEqual(rows.filter((row) => row.plan === plan).map(({ id }) => id));
    }
    await engine.stop();
    await expectJournalToReplay(ground.home);
  });

  it('keeps no turn for projects that have nothing due', async () => {
    const home = mkdtempSync(join(tmpdir(), 'stator-'));
    cleanups.push(() => rmSync(home, { recursive: true, force: true }));
    const store = openStore(home);
    cleanups.push(() => store.close());
    const at = Date.now();
    const signal = (project: string, deliverAt: number): Change => ({
      do: 'signal.insert',
      tree: planTree(project, 'a'),
      type: 'timer_due',
      payload: {},
      origin: 'engine',
      deliverAt,
      at,
    });
    await mustCommit(store, [
      ...Array.from({ length: 40 }, (_, index) => signal(`idle-${index}`, at + 7 * 86_400_000)),
      ...Array.from({ length: 100 }, () => signal('busy', 0)),
      ...Array.from({ length: 3 }, () => signal('calm', 0)),
    ]);
    const rows = await store.claim({ keptMs: at, wallMs: at }, { limit: 64 });
    const countOf = (project: string) => rows.filter((row) => row.project === project).length;
    expect([rows.length, countOf('busy'), countOf('calm')]).toEqual([64, 61, 3]);
  });

  it('starts an effect that may start, however many that may not are queued before it', async () => {
    const home = mkdtempSync(join(tmpdir(), 'stator-'));
    cleanups.push(() => rmSync(home, { recursive: true, force: true }));
    const store = openStore(home);
    cleanups.push(() => store.close());
    const asked = (plan: string, index: number): Change => {
      const place = { branch: `b${index}` };
      const effect = { id: `x#${index}`, kind: 'agent.run', role: 'coder', place } as unknown as Effect; // all that is looked at here
      return { do: 'effect.insert', tree: planTree('demo', plan), effect, priority: 0, at: 1 };
    };
    const unwatched = Array.from({ length: 600 }, (_, index) => asked('unwatched', index));
    await store.commit([...unwatched, asked('watched', 601)]);
    const query = { lane: 'worker', nowMs: 2, closed: [] } as const;
    const rows = await store.startable({ ...query, agents: ['demo/watched'] });
    expect(rows.map(({ name }) => name)).toEqual(['x#601']);
    expect((await store.startable({ ...query, agents: 'all' })).length).toBe(512);
    expect(await store.startable({ ...query, closed: ['demo'], agents: 'all' })).toEqual([]);
  });

  it('gives every project its turn, and keeps the order of each', async () => {
    const home = mkdtempSync(join(tmpdir(), 'stator-'));
    cleanups.push(() => rmSync(home, { recursive: true, force: true }));
    mkdirSync(home, { recursive: true });
    const store = openStore(home);
    cleanups.push(() => store.close());
    const db = new BetterSqlite3(join(home, 'taskstore.db'));
    cleanups.push(() => void db.close());
    const counts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(counts, fc.integer({ min: 6, max: 64 }), async (sizes, limit) => {
        db.exec('DELETE FROM signals');
        db.transaction(() => {
          for (const [index, size] of sizes.entries())
            for (let left = size; left > 0; left -= 1) insert(db, { project: `p${index}`, plan: 'a', type: 'pause' });
        })();
        const rows = await store.claim({ keptMs: Date.now(), wallMs: Date.now() }, { limit });
        expect(rows.length).toBeLessThanOrEqual(limit);
        for (const [index, size] of sizes.entries()) {
          const own = rows.filter(({ project }) => project === `p${index}`).map(({ id }) => id);
          expect(own).toEqual([...own].sort((a, b) => a - b));
          expect(own.length).toBeGreaterThanOrEqual(Math.min(size, Math.floor(limit / sizes.length)));
        }
        expect(new Set(rows.slice(0, sizes.length).map(({ project }) => project)).size).toBe(sizes.length);
      }),
      { numRuns: 40 },
    );
  });
});

function hasSqlite(): boolean {
  try {
    execFileSync('sqlite3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // not installed: the same words went through a connection above
  }
}
