/** How a repository handles requests, done plans and their subscribers, in each of its states: only the chart. */
import { expect, it } from 'vitest';
import { createActor } from 'xstate';
import { repoMachine } from '../../machines/repo/machine.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';

function repo(policy = {}) {
  const did: string[] = [];
  const machine = repoMachine.provide({
    actions: {
      reportGranted: (_, { plan, request }) => did.push(`${plan} ${request}`),
      notifyWatcher: (_, { plan, watcher }) => did.push(`${watcher} of ${plan}`),
    },
  });
  const input = { project: 'demo', policy: { ...defaultPolicy, ...policy }, at: 0 };
  const actor = createActor(machine, { input }).start();
  let at = 0;
  const send = (type: string, fields: object = {}) => {
    at += 1;
    actor.send({ at, origin: 'engine', run: null, type, ...fields } as never);
  };
  return {
    send,
    ask: (plan: string, fields: object = {}) =>
      send('implement_requested', { plan, topic: null, after: [], priority: 0, request: 1, ...fields }),
    /** Returns the sent signals since the last call. */
    did: () => did.splice(0),
    now: () => actor.getSnapshot(),
  };
}

it('grants the right at once where nothing is in the way, and again to a plan that has it', () => {
  const { ask, did, now } = repo();
  ask('a', { topic: 'ui' });
  expect(did()).toEqual(['a 1']);
  ask('a', { topic: 'ui', request: 2 });
  expect(did()).toEqual(['a 2']);
  expect(now().context).toMatchObject({ granted: { a: 'ui' }, waiting: [], at: 1 });
});

it('gives turns by priority, then by the first request; what asks again keeps its place and its last options', () => {
  const { ask, send, did, now } = repo({ max_active_plans: 1 });
  ask('a');
  for (const plan of ['b', 'c']) ask(plan);
  ask('d', { priority: 5 });
  ask('b', { request: 2 });
  expect(now().context.waiting.map(({ plan, since, request }) => [plan, since, request])).toEqual([
    ['d', 4, 1],
    ['b', 2, 2],
    ['c', 3, 1],
  ]);
  did();
  for (const plan of ['a', 'd', 'b', 'c']) send('implement_released', { plan });
  expect(did()).toEqual(['d 1', 'b 2', 'c 1']);
  expect(now().context).toMatchObject({ granted: {}, claims: {}, waiting: [] });
});

it('a plan that gives up waits no longer, and its files are free', () => {
  const { ask, send, did, now } = repo({ overlap: 'serial' });
  ask('a', { files: ['x.ts'] });
  ask('b', { files: ['x.ts'] });
  ask('c', { files: ['x.ts'] });
  expect(now().context.claims).toEqual({ a: ['x.ts'] });
  send('implement_released', { plan: 'b' });
  did();
  send('implement_released', { plan: 'a' });
  expect(did()).toEqual(['c 1']);
  expect(now().context).toMatchObject({ granted: { c: null }, claims: { c: ['x.ts'] }, waiting: [] });
});

it('a plan that is done lets those behind it begin, until it is not done any more', () => {
  const { ask, send, did, now } = repo();
  ask('b', { after: ['a'] });
  expect(did()).toEqual([]);
  send('plan_done', { plan: 'a' });
  expect(did()).toEqual(['b 1']);
  send('plan_done', { plan: 'c' });
  send('plan_done', { plan: 'a' });
  expect(now().context.done).toEqual(['c', 'a']);
  send('plan_undone', { plan: 'a' });
  expect(now().context.done).toEqual(['c']);
  ask('d', { after: ['a'] });
  expect(did()).toEqual([]);
});

it('tells each that watches a plan once, at once if it is done, and nobody who left', () => {
  const { send, did, now } = repo();
  for (const watcher of ['x', 'y', 'x', 'z']) send('plan_watched', { plan: 'a', watcher });
  send('plan_watched', { plan: 'b', watcher: 'z' });
  expect(now().context.watchers).toEqual({ a: ['y', 'x', 'z'], b: ['z'] });
  send('plan_unwatched', { watcher: 'z' });
  expect(now().context.watchers).toEqual({ a: ['y', 'x'] });
  send('plan_done', { plan: 'a' });
  send('plan_done', { plan: 'a' });
  expect(did()).toEqual(['y of a', 'x of a']);
  expect(now().context.watchers).toEqual({});
  send('plan_watched', { plan: 'a', watcher: 'w' });
  expect(did()).toEqual(['w of a']);
  expect(now().context.watchers).toEqual({});
});

it('grants nothing while a person has paused it, and everything that waits when it goes on', () => {
  const { ask, send, did, now } = repo();
  ask('a');
  send('repo_paused');
  ask('b');
  ask('a', { request: 2 });
  send('plan_watched', { plan: 'a', watcher: 'x' });
  send('plan_done', { plan: 'a' });
  expect(did()).toEqual(['a 1', 'a 2', 'x of a']);
  expect([now().value, [...now().tags], now().context.isPaused]).toEqual(['paused', ['repo:paused'], true]);
  send('repo_resumed');
  expect(did()).toEqual(['b 1']);
  expect([now().value, [...now().tags], now().context.isPaused]).toEqual(['active', ['repo:active'], false]);
});

it('grants nothing while it cannot be used, says why, and stays paused where a person wants that', () => {
  const { ask, send, did, now } = repo();
  send('repo_degraded', { reason: 'gone' });
  ask('a');
  send('repo_degraded', { reason: 'locked' });
  expect([now().value, [...now().tags], now().context.degraded]).toEqual(['degraded', ['repo:degraded'], 'locked']);
  send('repo_paused');
  send('repo_recovered');
  expect([now().value, now().context.degraded, did()]).toEqual(['paused', null, []]);
  send('repo_degraded', { reason: 'gone' });
  send('repo_resumed');
  send('repo_recovered');
  expect([now().value, did()]).toEqual(['active', ['a 1']]);
});

it('a new policy is in force at once', () => {
  const { ask, send, did } = repo({ max_active_plans: 1 });
  for (const plan of ['a', 'b']) ask(plan);
  did();
  send('policy', { policy: { ...defaultPolicy, max_active_plans: 2 } });
  expect(did()).toEqual(['b 1']);
});

it('is as before once it can be used again: at work, or paused where a person had paused it', () => {
  const { ask, send, did, now } = repo();
  send('repo_degraded', { reason: 'gone' });
  expect([now().value, now().context.degraded]).toEqual(['degraded', 'gone']);
  send('repo_recovered');
  ask('a');
  expect([now().value, now().context.degraded, did()]).toEqual(['active', null, ['a 1']]);
  send('repo_paused');
  send('repo_degraded', { reason: 'locked' });
  expect([now().value, now().context.degraded]).toEqual(['degraded', 'locked']);
  send('repo_recovered');
  expect(now().value).toBe('paused');
});

it('plans without files do not keep those with files waiting', () => {
  const { ask, did, now } = repo({ overlap: 'serial' });
  ask('a');
  ask('b', { files: ['x.ts'] });
  expect(did()).toEqual(['a 1', 'b 1']);
  expect(now().context.claims).toEqual({ b: ['x.ts'] });
});
