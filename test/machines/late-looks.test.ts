/** A check that began before a person changed its subject, and that is reported afterwards, no longer counts. */
import { describe, expect, it } from 'vitest';
import { plan } from '../support/chaos.ts';
import { worldOf } from '../support/plan-states.ts';

const work = [{ title: 'hello-w1-t1', run: null, commit: 'a'.repeat(40) }];

/** A plan in its first wave, with work that was missing at that time. */
function lostAt(lookedAt: number) {
  const world = worldOf({ on: [] });
  world.person('implement_start');
  world.drain();
  const report = (at: number) => {
    world.post(plan, 'work_lost', { work, detail: 'gone', looked_at: at });
    world.drain();
  };
  report(lookedAt);
  return { world, report, cause: () => world.context().blocked?.source ?? null };
}

describe('work that was missed', () => {
  it.each([
    ['is back', {}],
    ['was meant to go', { accept: true }],
  ])('and %s is not missed again by a look from before that; a later look counts', (_how, answer) => {
    const { world, report, cause } = lostAt(0);
    expect(cause()).toBe('lost_work');
    const before = world.now();
    if (!('accept' in answer)) world.post(plan, 'work_found');
    world.drain();
    world.person('resolve', answer);
    world.drain();
    expect(cause()).toBe(null);
    report(before);
    expect(cause()).toBe(null);
    report(world.now());
    expect(cause()).toBe('lost_work');
  });
});

describe('a budget', () => {
  it('that a person raised is not used up by a look from before that', () => {
    const world = worldOf({ on: [] });
    const reach = (limit: number) => {
      world.post(plan, 'budget_reached', { scope: 'plan', measure: 'usd', limit, spent: limit, title: null });
      world.drain();
      return world.context().blocked?.source ?? null;
    };
    world.person('implement_start');
    world.drain();
    expect(reach(5)).toBe('budget');
    world.person('raise_budget', { scope: 'plan', usd: 10 });
    world.drain();
    expect(reach(5)).toBe(null);
    expect(reach(10)).toBe('budget');
  });
});
