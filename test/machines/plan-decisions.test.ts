/** The table of each region of a plan's chart: which conditions lead to which state, with which actions. */
import { expect, it } from 'vitest';
import { createActor } from 'xstate';
import { planMachine } from '../../machines/plan/machine.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import { decisionsOf } from '../support/decisions.ts';

it.each(['root', 'lifecycle', 'merge', 'pullRequest', 'attention', 'gate'])('%s', (region) => {
  expect(decisionsOf(planMachine, region)).toMatchSnapshot();
});

it('what a plan knows at its beginning', () => {
  const content = '# Plan\n\n**Topic:** shop\n\n## Wave 1\n\n### Task 1: [x] a\n\n### Task 2: b\n';
  const input = { project: 'shop', plan: 'hello', branch: 'plan/hello', policy: defaultPolicy, content, at: 5 };
  const begun = (more: { topic: string | null; session?: { folder: string } }) =>
    createActor(planMachine, { input: { ...input, generation: 3, ...more } }).getSnapshot().context;
  expect({ ...begun({ topic: null }), policy: 'as given' }).toMatchSnapshot();
  expect(begun({ topic: 'mine' }).topic).toBe('mine');
  expect(begun({ topic: null, session: { folder: '/s' } }).session).toEqual({ folder: '/s' });
});
