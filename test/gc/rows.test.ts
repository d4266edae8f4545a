/** Old rows of the store are deleted and their space is released; rows that are still needed stay. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { storeFile } from '../../runtime/base/platform/home.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';
import { days, laterClock, rowsOf } from '../support/cleaning.ts';
import { begin, ground, planText, register, say, startEngine, untilPlan } from '../support/engine.ts';
import { until } from '../support/ground.ts';

const ask = { dry: false, overrides: [] } as const;

it('takes what was handled long ago; a plan that is there keeps its journal, its words and how it went, also in the next engine', async () => {
  const clock = laterClock();
  const on = await startEngine({ clock });
  await begin(on, 'p', planText(['echo one >one']));
  await untilPlan(on, 'p', ({ status }) => status === 'done');
  await register(on, 'waits', planText(['echo later >later']));
  const [history, shown] = [await on.client.history('demo', 'p'), await on.client.plan('demo', 'p')];
  expect(rowsOf((await on.client.gc({ ...ask, older_than_ms: 0 })).items)).toEqual({});
  clock.pass(91 * days);
  const preview = rowsOf((await on.client.gc({ ...ask, dry: true })).items);
  const taken = rowsOf((await on.client.gc(ask)).items);
  expect(taken.signals).toBeGreaterThan(5);
  expect(taken.effects).toBeGreaterThan(2);
  expect(taken.notifications).toBeGreaterThan(1);
  expect(taken).toMatchObject(preview);
  expect((await on.client.signals({})).length).toBeLessThan(taken.signals ?? 0);
  // The removal of its worktree adds one line to the history.
  expect((await on.client.history('demo', 'p')).slice(0, history.length)).toEqual(history);
  expect(await on.client.plan('demo', 'p')).toEqual(shown);
  await on.engine.stop({ agents: 'stop' });

  const next = await startEngine({ on, clock, adds: false });
  await say(next, 'waits', 'implement_start');
  await untilPlan(next, 'waits', ({ status }) => status === 'done');
  expect((await next.client.history('demo', 'p')).slice(0, history.length)).toEqual(history);
});

it('leaves nothing but a line of a plan that was deleted long ago, and a new one of its name starts anew', async () => {
  const clock = laterClock();
  const on = await startEngine({ clock });
  await begin(on, 'p', planText(['echo one >one']));
  await untilPlan(on, 'p', ({ status }) => status === 'done');
  await on.client.deletePlan('demo', 'p');
  clock.pass(91 * days);
  const taken = rowsOf((await on.client.gc(ask)).items);
  expect(taken).toMatchObject({ plans: 1, runs: 1 });
  expect(taken.journal).toBeGreaterThan(10);
  await begin(on, 'p', planText(['echo two >two']));
  await untilPlan(on, 'p', ({ status }) => status === 'done');
  expect((await on.client.history('demo', 'p')).length).toBeGreaterThan(5);
});

/** How many signals the engine has not handled yet, without timers. */
function pendingIn(home: string): number {
  const db = new BetterSqlite3(storeFile(home), { readonly: true });
  const row = db
    .prepare("SELECT count(*) AS pending FROM signals WHERE status = 'pending' AND type <> 'timer_due'")
    .get();
  db.close();
  return (row as { pending: number }).pending; // as it is selected
}

it('keeps a journal that is about to lose its first lines where it does not lead to what is stored, and says so', async () => {
  const clock = laterClock();
  const on = await startEngine({ clock, verifies: false });
  await begin(on, 'p', planText(['echo one >one']));
  await untilPlan(on, 'p', ({ status }) => status === 'done');
  const edit = (set: string) => {
    const db = new BetterSqlite3(storeFile(on.home), { timeout: 5_000 });
    db.exec(`UPDATE trees SET snapshot = replace(snapshot, ${set}) WHERE address = 'repo:demo'`);
    db.close();
  };
  // The repo gets the signal that the plan has ended after the plan itself, and stores its tree once more.
  await until(() => pendingIn(on.home) === 0);
  edit(`'"status":"active"', '"status":"edited"'`);
  clock.pass(91 * days);
  const kept = await on.client.gc(ask);
  expect(kept.notes).toEqual([expect.stringContaining('repo:demo')]);
  expect(Object.keys(rowsOf(kept.items))).not.toEqual(expect.arrayContaining(['journal']));
  expect(rowsOf(kept.items).signals).toBeUndefined();
  edit(`'"status":"edited"', '"status":"active"'`);
  const gone = await on.client.gc(ask);
  expect([gone.notes, (rowsOf(gone.items).journal ?? 0) > 0]).toEqual([[], true]);
  // The rest of its journal begins later, so it is not compared any more.
  const { ok, skipped } = await on.client.verify();
  expect([ok, skipped.map(({ tree }) => tree)]).toEqual([true, ['supervisor', 'repo:demo']]);
  await on.client.gc(ask);
});

it('is done by a daemon itself, by the age that daemon.toml says', async () => {
  const clock = laterClock();
  const daemon = 'blueprint_skip_threshold = 0\nretention = "2d"\n';
  const on = await startEngine({ clock, daemon, cleaningEveryMs: 40 });
  await begin(on, 'p', planText(['echo one >one', 'exit 1']));
  await untilPlan(on, 'p', ({ phase }) => phase === 'wave_waiting');
  await say(on, 'p', 'advance_wave');
  await untilPlan(on, 'p', ({ status }) => status === 'done');
  clock.pass(3 * days);
  await until(() => on.log.some((line) => /cleared away what ended more than 2d ago: .*run folder/.test(line)));
});

it('that cannot be done is a warning of the engine, until it can', async () => {
  const on = await startEngine({ daemon: 'retention = "2d"\n', cleaningEveryMs: 40 });
  const folder = join(on.home, 'runs');
  rmSync(folder, { recursive: true, force: true });
  writeFileSync(folder, '');
  const warned = async () => (await on.client.warnings()).filter((line) => line.includes('is not cleared away'));
  await until(async () => (await warned()).length === 1);
  rmSync(folder);
  await until(async () => (await warned()).length === 0);
});

it('gives the space of many rows back in steps', async () => {
  const { home } = ground();
  mkdirSync(home, { recursive: true });
  const store = openStore(home);
  const at = 1;
  for (let page = 0; page < 20; page += 1)
    await store.commit(
      Array.from({ length: 100 }, () => ({
        ...({ do: 'notification.insert', type: 't', project: 'p', plan: '', message: 'm'.repeat(2_000), at } as const),
      })),
    );
  const before = await store.size();
  await store.commit([{ do: 'rows.expire', kind: 'notifications', beforeMs: 2, after: 0, upTo: 2_000 }]);
  expect((await store.size()).freeBytes).toBeGreaterThan(before.bytes / 2);
  const steps: number[] = [];
  for (let given = await store.giveBack(65_536); given > 0; given = await store.giveBack(65_536)) steps.push(given);
  expect(steps.length).toBeGreaterThan(10);
  expect(Math.max(...steps)).toBeLessThanOrEqual(65_536);
  const after = await store.size();
  expect(after).toMatchObject({ freeBytes: 0 });
  store.close();
  expect(statSync(storeFile(home)).size).toBe(after.bytes);
});
