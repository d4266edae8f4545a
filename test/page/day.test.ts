/** The totals of a day's runs. */

import { expect, it } from 'vitest';
import { isFailure } from '../../machines/vocabulary/run-state.ts';
import { type Run, slotsOver, spentOver, sumsOf, tokensOf } from '../../page/day.ts';

const at = (minute: number) => new Date(minute * 60_000).toISOString();

function run(project: string, from: number, to: number | null, more: Partial<Run> = {}): Run {
  return {
    ...{
      project,
      plan: 'p',
      title: 'p-w1-t1',
      role: 'coder',
      attempt: 1,
      state: to === null ? 'running' : 'succeeded',
    },
    ...{ reason: null, why: null, started_at: at(from), ended_at: to === null ? null : at(to) },
    ...{ input_tokens: null, output_tokens: null, cost_usd: null },
    ...more,
  };
}

const runs = [
  run('a', 0, 10, { input_tokens: 100, output_tokens: 20, cost_usd: 0.5 }),
  run('a', 10, 20, { state: 'failed', reason: 'exit-code', cost_usd: 0.25 }),
  run('b', 5, null),
  run('b', 6, 7, { state: 'cancelled' }),
];

it('sums are by repo, and what is not known is not counted', () => {
  expect(sumsOf(runs)).toEqual([
    { project: 'a', runs: 2, done: 1, failed: 1, plans: ['p'], tokens: 120, cost: 0.75 },
    { project: 'b', runs: 2, done: 0, failed: 0, plans: ['p'], tokens: null, cost: null },
  ]);
  // An agent that asked a question goes on with the answer.
  const asked = run('b', 7, 8, { state: 'failed', reason: 'needs_decision' });
  expect([...runs, asked].filter(isFailure)).toEqual([runs[1]]);
});

it('a slot that is passed on is one, and a run that began before the day is there from its start', () => {
  const steps = slotsOver(runs, 2 * 60_000, 60 * 60_000).map(({ ms, value }) => [ms / 60_000, value]);
  expect(steps).toEqual([
    [2, 1],
    [5, 2],
    [6, 3],
    [7, 2],
    [10, 1],
    [10, 2],
    [20, 1],
  ]);
});

it('what a run used is known at its end', () => {
  const cost = spentOver(runs, ({ cost_usd }) => cost_usd, 0).map(({ ms, value }) => [ms / 60_000, value]);
  expect(cost).toEqual([
    [10, 0.5],
    [20, 0.75],
  ]);
  expect(spentOver(runs, tokensOf, 15 * 60_000)).toEqual([]);
});
