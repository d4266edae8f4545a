import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ask } from '../support/api.ts';
import { planOf, working } from '../support/cli.ts';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  startEngine,
  untilFile,
  untilPhase,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';

it('a paused queue starts no agent, also in the next engine; what runs goes on, and the plan says what it waits for', async () => {
  const on = ground();
  const [begun, go, second] = ['begun', 'go', 'second'].map((name) => join(on.root, name)) as [string, string, string];
  const first = await startEngine({ on });
  await begin(
    first,
    'runs',
    planText([`echo $$ > '${begun}'; ${gate(go)}; echo a > a.txt`], [`echo b > '${second}'; echo b > b.txt`]),
  );
  await untilFile(begun);
  expect(await first.client.pauseQueue()).toEqual({ status: 'paused', changed: true, pending: 0 });
  openGate(go);
  await begin(first, 'waits', planText(['echo c > c.txt']));
  // The first wave ends, is committed and merged; the second has asked for its agent.
  await untilPlan(first, 'runs', (shown) => shown.waiting_for?.detail.startsWith('the queue is paused') === true);
  const shown = await first.client.plan('demo', 'runs');
  expect(shown).toMatchObject({
    tasks_done: 1,
    wave: 2,
    waiting_for: { kind: 'slot', detail: expect.stringContaining('stator queue resume') },
  });
  await until(async () => (await first.client.queueStats()).pending === 2);
  expect(await first.client.queueStats()).toMatchObject({
    paused: true,
    pending: 2,
    notified: 0,
    completed: 1,
    running: 0,
    max_agents: 3,
  });
  await first.engine.stop();

  const next = await startEngine({ on });
  expect(await next.client.queueStats()).toMatchObject({ paused: true, pending: 2 });
  // It handles what it is asked, and starts nothing of it.
  await begin(next, 'more', planText(['echo d > d.txt']));
  await until(async () => (await next.client.instances({ plan: 'more' }))[0]?.state === 'queued');
  expect(existsSync(second)).toBe(false);
  expect(await next.client.resumeQueue()).toMatchObject({ status: 'resumed', changed: true });
  for (const plan of ['runs', 'waits', 'more']) await untilStatus(next, plan, 'done');
  expect(existsSync(second)).toBe(true);
});

it('clearing takes ended runs off the list and leaves those that wait', async () => {
  const started = await startEngine();
  await begin(started, 'ended', planText(['echo a > a.txt', 'exit 1']));
  await untilPhase(started, 'ended', 'wave_waiting');
  await started.client.pauseQueue();
  await begin(started, 'waits', planText(['echo b > b.txt']));
  await until(async () => (await started.client.queueStats()).pending === 1);
  expect(await started.client.queueStats()).toMatchObject({ total: 3, pending: 1, completed: 1, error: 1 });
  expect(await started.client.clearQueue()).toEqual({ status: 'cleared', cleared: 2 });
  expect((await started.client.queue()).map(({ plan, state }) => [plan, state])).toEqual([['waits', 'pending']]);
  expect(await started.client.clearQueue()).toEqual({ status: 'cleared', cleared: 0 });
  // What was done is not forgotten by it.
  expect(await started.client.instances({ plan: 'ended' })).toHaveLength(2);
  await started.client.resumeQueue();
  await untilStatus(started, 'waits', 'done');
  expect((await started.client.queue()).map(({ plan, state }) => [plan, state])).toEqual([['waits', 'completed']]);
});

it('only a person holds the queue', async () => {
  const { engine } = await startEngine();
  const headers = { authorization: 'Bearer nobody' };
  for (const key of ['POST /v1/queue/pause', 'POST /v1/queue/resume', 'POST /v1/queue/clear'] as const)
    expect((await ask(engine, key, { headers })).status).toBe(401);
});

it('on the command line, with no engine running: it is kept until one does', async () => {
  const { stator, write } = working();
  write('plan.md', planOf(['true']));
  expect(await stator(['plan', 'register', 'plan.md', '--trust'])).toMatchObject({ code: 0 });
  const pause = await stator(['queue', 'pause']);
  expect(pause).toMatchObject({ code: 0, stdout: 'paused: 0 wait; go on with: stator queue resume\n' });
  expect(JSON.parse((await stator(['queue', 'stats', '--json'])).stdout)).toEqual({
    total: 0,
    pending: 0,
    notified: 0,
    completed: 0,
    error: 0,
    paused: true,
    running: 0,
    max_agents: 3,
  });
  expect((await stator(['queue', 'stats'])).stdout).toMatchInlineSnapshot(`
    "0 of 3 agents busy; paused, so no more start: stator queue resume
    pending 0, running 0, completed 0, error 0, in all 0
    "
  `);
  expect(JSON.parse((await stator(['queue', 'pause', '--json'])).stdout)).toEqual({
    status: 'paused',
    changed: false,
    pending: 0,
  });
  expect((await stator(['queue', 'resume'])).stdout).toBe('resumed: 0 wait\n');
  expect((await stator(['queue', 'resume'])).stdout).toBe('it was not paused: 0 wait\n');
  expect((await stator(['queue', 'clear'])).stdout).toBe('cleared 0 ended runs\n');
});
