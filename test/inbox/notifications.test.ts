/** People get one notification for each need of a plan. Notifications of agents in the queue: test/lives/queue-rules.test.ts, R12. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  say,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilFile,
  untilStatus,
} from '../support/engine.ts';

/** The notifications, the oldest first, as `<type> <title>` if they are about an agent. */
async function notificationsOf({ client }: Pick<TestEngine, 'client'>, plan: string): Promise<string[]> {
  const entries = await client.notifications({ all: 'true' });
  return entries
    .filter((entry) => entry.plan === plan)
    .reverse()
    .map(({ type, message }) => (type.startsWith('task_') ? `${type} ${message.split(' ')[0]}` : type));
}

it('an agent that asks tells so once, with its question; the answer queues nothing anew', async () => {
  const engine = await startEngine();
  const asked = join(engine.root, 'asked');
  const emit = `stator signal emit needs_decision --payload '{"reason":"tabs or spaces?"}'`;
  const once = `if [ ! -e '${asked}' ]; then touch '${asked}'; ${emit}; exit 1; fi`;
  await begin(engine, 'asks', planText([`${once}; echo a > a.txt`]));
  await untilBlocked(engine, 'asks');
  const [question] = (await engine.client.notifications()).filter(({ type }) => type === 'agent_asks');
  expect(question).toMatchObject({ plan: 'asks', message: 'question 1 of asks-w1-t1: tabs or spaces?' });
  await say(engine, 'asks', 'resolve', { body: 'tabs' });
  await untilStatus(engine, 'asks', 'done');
  const types = (await notificationsOf(engine, 'asks')).map((line) => line.split(' ')[0]);
  const times = (type: string) => types.filter((each) => each === type).length;
  const all = ['agent_asks', 'plan_blocked', 'task_queued', 'task_completed', 'task_error'];
  expect(all.map(times)).toEqual([1, 0, 1, 1, 0]);
});

it('a plan that is blocked by anything else says by what', async () => {
  const engine = await startEngine({
    agents: { default: { preset: 'sh', attempts: 1 }, planner: { preset: 'command', program: 'false' } },
  });
  await engine.client.registerPlan({ project: 'demo', plan: 'draft', content: '# nothing yet\n' });
  await say(engine, 'draft', 'plan_start');
  const { blocked } = await untilBlocked(engine, 'draft');
  const needs = (await engine.client.notifications()).filter(({ type }) => type === 'plan_blocked');
  expect(needs.map(({ message }) => message)).toEqual([`a step failed: ${blocked?.reason}`]);
  expect(await notificationsOf(engine, 'draft')).toContain('task_error draft-plan');
});

it('an engine that takes an agent over tells nothing a second time', async () => {
  const on = ground();
  const [begun, go] = [join(on.root, 'begun'), join(on.root, 'go')];
  const first = await startEngine({ on });
  await begin(first, 'lives', planText([`echo $$ > '${begun}'; ${gate(go)}; echo a > a.txt`]));
  await untilFile(begun);
  await first.engine.stop();
  const next = await startEngine({ on, adds: false });
  openGate(go);
  await untilStatus(next, 'lives', 'done');
  expect(await notificationsOf(next, 'lives')).toEqual([
    'task_queued lives-w1-t1',
    'task_dequeued lives-w1-t1',
    'task_started lives-w1-t1',
    'task_completed lives-w1-t1',
  ]);
});

it('what was read is kept, and is no news any more', async () => {
  const engine = await startEngine();
  await begin(engine, 'one', planText(['echo a > a.txt']));
  await untilStatus(engine, 'one', 'done');
  const before = await engine.client.notifications();
  expect(await engine.client.readNotifications()).toEqual({ status: 'read', read: before.length });
  expect(await engine.client.notifications()).toEqual([]);
  const kept = await engine.client.notifications({ project: 'demo', all: 'true' });
  expect(kept).toEqual(before.map((entry) => ({ ...entry, read: true })));
  expect(await engine.client.notifications({ project: 'other', all: 'true' })).toEqual([]);
  expect(await engine.client.readNotifications()).toEqual({ status: 'read', read: 0 });
});
