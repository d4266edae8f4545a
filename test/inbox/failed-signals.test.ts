import { expect, it } from 'vitest';
import { EngineEnded, failureOf, faultChanges } from '../../runtime/core/inbox/failed-signals.ts';
import type { PlanRow } from '../../runtime/core/store/rows.ts';

it.each([
  { attempts: 0, thrown: new Error('x'), what: 'threw, try 1 of 3', isCounted: true, error: undefined },
  { attempts: 1, thrown: new Error('x'), what: 'threw, try 2 of 3', isCounted: true, error: undefined },
  { attempts: 2, thrown: new Error('x'), what: 'threw, try 3 of 3', isCounted: true, error: 'x' },
  { attempts: 0, thrown: new EngineEnded(10), what: 'is set aside', isCounted: false, error: /10/ },
])('a signal that threw after $attempts tries: $what', ({ attempts, thrown, what, isCounted, error }) => {
  const failure = failureOf({ id: 7, attempts }, thrown);
  expect(failure.what).toBe(what);
  expect(failure.counts).toEqual(isCounted ? [{ do: 'signal.count-attempt', id: 7 }] : []);
  if (error === undefined) expect(failure.result).toBeNull();
  else expect(failure.result?.error).toMatch(error);
});

it.each([
  { name: 'a plan that goes on', plan: { status: 'ready', faultSignal: null }, called: ['hook.enqueue'] },
  { name: 'a plan that an earlier signal stopped', plan: { status: 'ready', faultSignal: 3 }, called: [] },
  { name: 'no plan', plan: null, called: [] },
])('hooks are called for the first fault only: $name', ({ plan, called }) => {
  const changes = faultChanges(
    { project: 'demo', plan: 'login' },
    {
      ...{ signal: 7, why: 'signal 7 (merge) was set aside', at: 1 },
      plan: plan as PlanRow | null, // all that is read of it
      hooks: [{ name: 'chat', type: 'webhook', events: ['blocked'], enabled: true }],
    },
  );
  expect(changes.map((change) => change.do)).toEqual(['plan.set-fault', 'notification.insert', ...called]);
});
