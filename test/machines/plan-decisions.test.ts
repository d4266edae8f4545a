/** Each region of a plan's chart by itself: its whole table, of which the conditions lead where, with which actions. */
import { expect, it } from 'vitest';
import { planMachine } from '../../machines/plan/machine.ts';
import { decisionsOf } from '../support/decisions.ts';

it.each(['lifecycle', 'merge', 'pullRequest', 'attention', 'gate'])('%s', (region) => {
  expect(decisionsOf(planMachine, region)).toMatchSnapshot();
});
