import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { type Trees, treesOf } from '../../actors/tree.ts';
import { verify } from '../../runtime/api/queries/verify.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';
import {
  begin,
  gate,
  openGate,
  planText,
  say,
  startEngine,
  type TestEngine,
  untilStatus,
  waves,
} from '../support/engine.ts';

function write(home: string, sql: string): void {
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { timeout: 5_000 });
  db.exec(sql);
  db.close();
}

async function codeOf(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => null,
    ({ code }) => code,
  );
}

/** A done plan of two tasks that was paused and resumed on its way. */
async function donePlan(setup: { verifies?: boolean } = {}): Promise<TestEngine> {
  const engine = await startEngine({ ...setup, daemon: `max_agents = 2\n${waves}` });
  const go = join(engine.root, 'go');
  await begin(engine, 'login', planText([`${gate(go)}\necho x > x.txt`, 'echo y > y.txt']));
  await say(engine, 'login', 'pause');
  await say(engine, 'login', 'resume');
  openGate(go);
  await untilStatus(engine, 'login', 'done');
  return engine;
}

describe('a store is verified', () => {
  it('of many trees, and one with a long journal, while the engine goes on with its other work', async () => {
    const { home, client } = await donePlan({ verifies: false });
    const n = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)';
    const lines = 'at, signal, type, origin, actor, event, from_state, to_state, effects, refused, emitted, input';
    write(
      home,
      `${n} INSERT INTO trees SELECT address || i, machine, version, steps, snapshot, updated_at, stator FROM n, trees WHERE address = 'plan:demo/login';
      ${n} INSERT INTO journal (tree, ${lines}) SELECT tree || i, ${lines} FROM n, journal WHERE tree = 'plan:demo/login'`,
    );
    let turns = 0;
    const turn = () => {
      turns += 1;
      turning = setImmediate(turn);
    };
    let turning = setImmediate(turn);
    const { differs } = await client.verify();
    expect(differs.length).toBeGreaterThanOrEqual(60);
    expect(turns).toBeGreaterThan(20);
    write(
      home,
      `${n}, m(i) AS (SELECT a.i FROM n a, n b LIMIT 600)
      INSERT INTO journal (tree, ${lines}) SELECT tree, ${lines} FROM m, journal WHERE tree = 'plan:demo/login' AND type IN ('pause', 'resume')`,
    );
    const trees = treesOf();
    const seen = new Set<number>();
    function* replaySteps(...asked: Parameters<Trees['replaySteps']>): ReturnType<Trees['replaySteps']> {
      const steps = trees.replaySteps(...asked);
      for (let next = steps.next(); ; next = steps.next()) {
        if (next.done === true) return next.value;
        seen.add(turns);
        yield next.value;
      }
    }
    const store = openStore(home, { readonly: true });
    await verify({ store, trees: { ...trees, replaySteps } }, 'plan:demo/login');
    store.close();
    clearImmediate(turning);
    expect(seen.size).toBeGreaterThan(2);
  });
});

/** What somebody did to the store, and the path of the difference. */
const wrongs: readonly (readonly [what: string, sql: string, path: RegExp])[] = [
  [
    'a snapshot that somebody edited',
    `UPDATE trees SET snapshot = replace(snapshot, '"wave":1', '"wave":9') WHERE address LIKE 'plan:%'`,
    /^snapshot\..*wave$/,
  ],
  ['a title in lists that is not the plan’s', `UPDATE plans SET title = 'another'`, /^row\.title$/],
  [
    'an effect that nobody asked for',
    `INSERT INTO effects (key, tree, project, plan, name, kind, lane, resource, priority, payload, status, attempts, next_at, created_at)
    SELECT 'plan:demo/login/stray#99', tree, project, plan, 'stray#99', kind, lane, 'elsewhere', 0, payload, 'queued', 0, 9e15, 0 FROM effects LIMIT 1`,
    /^effects\["plan:demo\/login\/stray#99"\]$/,
  ],
  [
    'a signal that was taken and is in no line',
    `UPDATE journal SET signal = NULL WHERE type = 'pause'`,
    /^signals\[\d+\]$/,
  ],
  [
    'a signal that was taken twice',
    `UPDATE journal SET signal = (SELECT min(signal) FROM journal WHERE tree LIKE 'plan:%') WHERE type = 'pause'`,
    /^signals\[\d+\]$/,
  ],
];

// One life of a plan: each wrong is done to a copy of its store.
it('a done plan is made anew as it was after any of its lines and at any time, and its store is as its journal says; a copy with a wrong shows it, with both values and the line', async () => {
  const { client, home, root } = await donePlan();
  await expectReplays(client);
  expect(await client.verifyPlan('demo', 'login')).toEqual({ ok: true, checked: 1, differs: [], skipped: [] });
  expect(await client.verify()).toEqual({ ok: true, checked: 3, differs: [], skipped: [] });
  expect(await client.verify({ sample: 2 })).toEqual({ ok: true, checked: 2, differs: [], skipped: [] });
  expect(await client.verify({ sample: 20 })).toMatchObject({ ok: true, checked: 3 });
  expect(await codeOf(client.verifyPlan('demo', 'absent'))).toBe('plan_not_found');
  for (const [what, sql, path] of wrongs) {
    const copy = join(root, what);
    mkdirSync(copy);
    write(home, `VACUUM INTO '${join(copy, 'taskstore.db')}'`);
    const verified = async () => {
      const store = openStore(copy, { readonly: true });
      const found = await verify({ store, trees: treesOf() }, 'all');
      store.close();
      return found;
    };
    expect([what, (await verified()).ok]).toEqual([what, true]);
    write(copy, sql);
    const { ok, differs } = await verified();
    expect([what, ok]).toEqual([what, false]);
    expect(differs.map((found) => found.path)).toEqual(expect.arrayContaining([expect.stringMatching(path)]));
    expect(differs[0]?.tree).toBe('plan:demo/login');
    expect(differs[0]?.seq).toBeGreaterThan(0);
  }

  // Trees that cannot be compared are named, with the reason.
  write(
    home,
    `DELETE FROM journal WHERE tree LIKE 'plan:%' AND seq < (SELECT max(seq) FROM journal WHERE tree LIKE 'plan:%')`,
  );
  const { ok, skipped } = await client.verifyPlan('demo', 'login');
  expect(ok).toBe(false);
  const left = (await client.history('demo', 'login'))[0];
  expect(skipped).toEqual([
    { tree: 'plan:demo/login', why: expect.stringContaining(`line ${left?.seq}, at ${left?.at}`) },
  ]);
  expect(await codeOf(client.planReplay('demo', 'login'))).toBe('snapshot_unknown');
});

async function expectReplays(client: TestEngine['client']): Promise<void> {
  const lines = await client.history('demo', 'login');
  const statuses = await Promise.all(
    lines.map(async ({ seq }) => (await client.planReplay('demo', 'login', { to: seq })).status),
  );
  expect([...new Set(statuses)]).toEqual(['ready', 'implementing', 'done']);
  const paused = lines.findIndex(({ event }) => event === 'pause');
  expect((await client.planReplay('demo', 'login', { to: lines[paused]?.seq ?? 0 })).paused).toBe(true);
  expect((await client.planReplay('demo', 'login', { to: (lines[paused]?.seq ?? 0) - 1 })).paused).toBe(false);
  const { seq, at, ...replayed } = await client.planReplay('demo', 'login');
  const now = await client.plan('demo', 'login');
  expect({ seq, at }).toEqual({ seq: lines.at(-1)?.seq, at: lines.at(-1)?.at });
  expect(replayed).toEqual({
    ...now,
    updated_at: at,
    waiting_for: null,
    estimate: null,
    budget: [],
    left_undone: [],
    set_aside: [],
    creating_pr: false,
  });
  const first = (await client.history('demo', 'login'))[0];
  const begun = await client.planReplay('demo', 'login', { at: first?.at ?? '' });
  expect(begun).toMatchObject({ status: 'ready', runs: 0, run_list: [], tasks_done: 0 });
  const early = '2001-01-01T00:00:00Z';
  expect(await codeOf(client.planReplay('demo', 'login', { at: early }))).toBe('not_found');
  expect(await codeOf(client.planReplay('demo', 'login', { to: 1, at: early }))).toBe('bad_request');
}
