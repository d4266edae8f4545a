/** Plans that wait for their budget continue when there is room; the watch reads only these plans. */

import { expect, it } from 'vitest';
import { kindsWith } from '../../actors/kinds.ts';
import type { Need } from '../../actors/plan-view.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { createBus, type Fact, followFacts } from '../../runtime/core/inbox/facts.ts';
import { type BudgetWatchParts, createBudgetWatch } from '../../runtime/core/outbox/budget-watch.ts';
import type { Projects } from '../../runtime/work/repos/registry.ts';
import { until } from '../support/ground.ts';
import { openStoreInMemory } from '../support/memory-store.ts';
import { noTroubles } from '../support/no-troubles.ts';
import { workingSummary } from '../support/plan-row.ts';

const blocked: Need = {
  reason: 'its budget is used up',
  source: 'budget',
  at: 1,
  budget: { scope: 'plan', measure: 'usd', limit: 1, spent: 2, title: null },
};
const keyOf = (plan: string) => ({ project: 'demo', plan });

function fact(seq: number, plan: string, event: string, to: string): Fact {
  const line = { seq, at: 1, tree: planTree('demo', plan), signal: 1, type: event, origin: 'engine' as const };
  return { ...line, actor: '', event, from: 'attention.clear', to, effects: [], refused: null };
}

it('a plan that waits for its budget goes on when there is room, and no other plan is read for that', async () => {
  const store = openStoreInMemory();
  const plans = Array.from({ length: 20 }, (_, index) => `p${index}`);
  for (const plan of plans)
    await store.commit([
      {
        do: 'plan.insert',
        author: null,
        key: keyOf(plan),
        text: { content: '# P', goal: null, taken: null },
        summary: workingSummary,
        at: 1,
      },
    ]);
  const read = { all: 0, plans: new Set<string>() };
  const bus = createBus();
  const projects = {
    budgetOf: () => ({ plan: { usd: 5 }, day: {}, attempt: {}, hardShare: 1 }),
    isElsewhere: () => false,
  };
  const watch = createBudgetWatch({
    store: {
      ...store,
      plans: (project) => {
        read.all += 1;
        return store.plans(project);
      },
      plan: (project, plan) => {
        read.plans.add(plan);
        return store.plan(project, plan);
      },
    },
    projects: projects as unknown as Projects & BudgetWatchParts['projects'], // all that is asked of it
    nowMs: () => 10,
    troubles: noTroubles,
    isOwner: () => true,
    onSignals: () => {},
    everyMs: 10,
  });
  void followFacts(bus.subscribe(), kindsWith([]), [watch.follows]);
  watch.start();
  await until(() => Promise.resolve(read.all === 1));
  bus.publish(plans.map((plan, index) => fact(index + 1, plan, 'run_exited', 'working')));
  await store.commit([{ do: 'plan.show', key: keyOf('p7'), summary: { ...workingSummary, blocked }, at: 2 }]);
  bus.publish([fact(21, 'p7', 'budget_reached', 'attention.blocked')]);
  await until(async () => (await store.signals({ project: 'demo', plan: 'p7' })).length > 0);
  watch.stop();
  bus.close();
  expect((await store.signals({ project: 'demo', plan: 'p7' })).map(({ type }) => type)).toEqual(['budget_restored']);
  expect([read.all, [...read.plans]]).toEqual([1, ['p7']]);
});
