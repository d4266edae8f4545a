/** A long queue: the cost of a list of plans does not grow with the square of the waiting plans, and the list says the same as each plan alone. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { createViews } from '../../runtime/api/queries/queries.ts';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import { createLog } from '../../runtime/base/platform/log.ts';
import { type Change, StoreTrouble } from '../../runtime/core/store/port.ts';
import { createCore } from '../../runtime/engine/core.ts';
import { openSupervisor } from '../../runtime/engine/one-shot.ts';
import { afterwards, ground, planText } from '../support/engine.ts';

const plans = 60;
const starts = { mayStart: () => true, notStarting: () => ({ kind: 'none' }) as const };

/** That number of running plans, each with these tasks in its first wave, and no engine that starts their agents. */
async function planned(count: number, tasks: readonly string[]) {
  const { home, repo } = ground();
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), `repos = ['${repo}']\n[agents.default]\npreset = "sh"\n`);
  const log = createLog(() => {}, 'error');
  const core = await createCore({ home, clock: systemClock, log, mode: 'verb' });
  afterwards(() => core.close());
  await openSupervisor(core);
  await core.commands.registerListed();
  await core.pump.drain();
  const { policy } = core.projects.get('demo').config;
  const at = systemClock.nowMs();
  const changes = Array.from({ length: count }, (_, index): Change[] => {
    const tree = planTree('demo', `p${index}`);
    const payload = { content: planText(tasks), branch: `plan/p${index}`, topic: null, generation: 0, policy };
    return [
      { do: 'signal.insert', tree, type: 'plan_opened', payload, origin: 'engine', at },
      { do: 'signal.insert', tree, type: 'implement_start', payload: {}, origin: 'person', at },
    ];
  });
  await core.store.commit(changes.flat());
  await core.pump.drain();
  const looks: string[] = [];
  const effects: typeof core.store.effects = (question) => {
    looks.push(question.by);
    return core.store.effects(question);
  };
  const views = createViews({
    ...core,
    kinds: core.trees.kinds,
    env: process.env,
    store: { ...core.store, effects },
    ...starts,
  });
  return { core, views, looks };
}

it('a list of many plans that wait for a slot looks at the queue once, and says the place of each', async () => {
  const { views, looks } = await planned(plans, ['true']);
  const shown = await views.plans(null);
  const waiting = shown.map(({ waiting_for }) => waiting_for);
  const places = Array.from({ length: plans }, (_, place) =>
    place < 3
      ? 'a slot is free for it, so it starts next; 0 of 3 agents busy'
      : `position ${place + 1} of ${plans}, 0 of 3 agents busy`,
  );
  expect(new Set(waiting.map((each) => each?.detail))).toEqual(new Set(places));
  expect(new Set(waiting.map((each) => each?.kind))).toEqual(new Set(['slot']));
  expect(looks.filter((by) => by === 'running')).toHaveLength(1);
});

it('a list says of plans with several waiting agents what each says by itself, also beside pauses and taken slots', async () => {
  const { core, views } = await planned(4, ['true', 'true', 'true']);
  const { store } = core;
  const detailsOf = async () => {
    const listed = await views.plans('demo');
    for (const { project, plan, waiting_for, turn, need } of listed) {
      const alone = await views.plan(project, plan);
      expect({ waiting_for, turn, need }).toEqual({
        waiting_for: alone.waiting_for,
        turn: alone.turn,
        need: alone.need,
      });
    }
    return new Map(listed.map(({ plan, waiting_for }) => [plan, waiting_for?.detail]));
  };

  expect((await detailsOf()).get('p2')).toBe('position 7 of 12, 0 of 3 agents busy');

  const mine = { project: 'demo', plan: 'p1', title: 'p1-w1-t1' };
  await store.commit([{ do: 'queue.pause', at: 1, what: mine }]);
  const paused = await detailsOf();
  expect(paused.get('p2')).toBe('position 6 of 11, 0 of 3 agents busy');
  expect(paused.get('p1')).toMatch(/^position 4 of 11, .*the queue is paused for agent p1-w1-t1, so p1-w1-t1 waits/);

  await store.commit([{ do: 'queue.resume', what: mine }]);
  const [first] = (await store.slotWaiters({ isNamed: false })).toSorted((a, b) => a.id - b.id);
  await store.commit([
    { do: 'effect.take', id: first?.id ?? 0, owner: { host: '', epoch: 1 }, at: systemClock.nowMs() },
  ]);
  const taken = await detailsOf();
  expect(taken.get('p0')).toBe('p0-w1-t1 (<1m)');
  expect(taken.get('p3')).toBe('position 9 of 11, 1 of 3 agents busy: p0-w1-t1 (<1m)');

  const more = (await store.slotWaiters({ isNamed: false })).toSorted((a, b) => a.id - b.id).slice(0, 8);
  const owner = { host: '', epoch: 1 };
  await store.commit(more.map(({ id }) => ({ do: 'effect.take', id, owner, at: systemClock.nowMs() })));
  expect((await detailsOf()).get('p3')).toMatch(/^position 1 of 3, 9 of 3 agents busy: .*\(<1m\) and 4 more$/);
});

it('if the store does not answer, only the caller who asked for the list gets the error', async () => {
  const { views, core } = await planned(1, ['true']);
  const fails = () => Promise.reject(new StoreTrouble('store_locked', 'it is away', 'wait'));
  for (const name of ['plans', 'usageOfPlans', 'effects', 'runs', 'queue', 'slotWaiters'] as const) {
    const parts = { ...core, kinds: core.trees.kinds, env: process.env, ...starts };
    const broken = createViews({ ...parts, store: { ...core.store, [name]: fails } });
    // The answer or error of every other request is awaited: an unhandled rejection would end the process, and this test.
    await expect(broken.plans(null)).rejects.toMatchObject({ code: 'store_locked' });
  }
  expect(await views.plans(null)).toHaveLength(1);
});
