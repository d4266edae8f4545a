/** A night's queue: what a list of plans reads does not grow with the square of those that wait. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { createViews } from '../../runtime/api/queries/queries.ts';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import { createLog } from '../../runtime/base/platform/log.ts';
import type { Change } from '../../runtime/core/store/port.ts';
import { createCore } from '../../runtime/engine/core.ts';
import { openSupervisor } from '../../runtime/engine/one-shot.ts';
import { afterwards, ground, planText } from '../support/engine.ts';

const plans = 60;

it('a list of many plans that wait for a slot looks at the queue once, and says the place of each', async () => {
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
  const changes = Array.from({ length: plans }, (_, index): Change[] => {
    const tree = planTree('demo', `p${index}`);
    const payload = { content: planText(['true']), branch: `plan/p${index}`, topic: null, generation: 0, policy };
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
    mayStart: () => true,
  });
  const shown = await views.plans(null);
  const waiting = shown.map(({ waiting_for }) => waiting_for);
  const places = Array.from({ length: plans }, (_, place) =>
    place < 3
      ? 'a slot is free for it, so it starts next; 0 of 3 agents busy'
      : `position ${place + 1} of ${plans}, 0 of 3 agents busy`,
  );
  expect(new Set(waiting.map((each) => each?.detail))).toEqual(new Set(places));
  expect(new Set(waiting.map((each) => each?.kind))).toEqual(new Set(['slot']));
  expect(looks.filter((by) => by === 'open')).toHaveLength(1);
});
