/** Flags of the words that people send to a plan, as they are typed. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { begin, gate, openGate, planText, startEngine, untilRunning, untilStatus } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { callHere } from '../support/in-process.ts';

it('pause --wait lets the agent that runs end its task; pause stops it, and no attempt is spent', async () => {
  const on = await startEngine();
  const stator = (...args: string[]) => callHere({ args, cwd: on.repo, env: on.env, input: '' });
  const go = join(on.root, 'go');
  await begin(on, 'p', planText([`${gate(go)}; echo a > a.txt`], ['echo b > b.txt']));
  await untilRunning(on, 'p-w1-t1');
  expect(await stator('plan', 'pause', 'p', '--wait')).toMatchObject({ code: 0 });
  const states = async () => (await on.client.instances({ plan: 'p' })).map(({ title, state }) => `${title} ${state}`);
  expect(await states()).toEqual(['p-w1-t1 running']);
  openGate(go);
  expect(await stator('plan', 'resume', 'p')).toMatchObject({ code: 0 });
  expect((await untilStatus(on, 'p', 'done')).tasks_by_wave[0]?.tasks).toMatchObject([{ status: 'done', attempts: 1 }]);

  const later = join(on.root, 'later');
  await begin(on, 'q', planText([`${gate(later)}; echo a > q.txt`]));
  await untilRunning(on, 'q-w1-t1');
  expect(await stator('plan', 'pause', 'q')).toMatchObject({ code: 0 });
  const [stopped] = await on.client.instances({ plan: 'q' });
  expect(stopped?.state).not.toBe('running');
  openGate(later);
  expect(await stator('plan', 'resume', 'q')).toMatchObject({ code: 0 });
  expect((await untilStatus(on, 'q', 'done')).tasks_by_wave[0]?.tasks).toMatchObject([{ status: 'done', attempts: 2 }]);
});

it('--no-wait answers before the verdict, which comes when its turn comes; without it the verdict is waited for', async () => {
  const on = await startEngine();
  const stator = (...args: string[]) => callHere({ args, cwd: on.repo, env: on.env, input: '' });
  await on.client.registerPlan({ project: 'demo', plan: 'p', content: planText(['true']) });
  // Words of another program that come first, and take a while.
  const insert = (count: number) => {
    const store = new BetterSqlite3(join(on.home, 'taskstore.db'), { timeout: 5_000 });
    const row = store.prepare(
      "INSERT INTO signals (project, plan, type, payload) VALUES ('demo', 'p', 'resume', '{}')",
    );
    store.transaction(() => {
      for (let nth = 0; nth < count; nth += 1) row.run();
    })();
    store.close();
  };
  insert(500);
  const asked = await stator('plan', 'pause', 'p', '--yes', '--json');
  expect([asked.code, JSON.parse(asked.stdout).signal.status]).toEqual([0, 'done']);
  insert(500);
  const unawaited = await stator('signal', 'emit', 'resume', 'p', '--no-wait', '--json');
  const { signal } = JSON.parse(unawaited.stdout);
  expect([unawaited.code, signal.status]).toEqual([0, 'pending']);
  await until(async () => (await on.client.signal({ id: signal.id })).status !== 'pending');
});
