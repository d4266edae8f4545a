/** What keeps a plan from implementing: a table of what its repo has granted, and what it asks for. */
import { expect, it } from 'vitest';
import { obstacleOf } from '../../machines/repo/machine.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';

type Context = Parameters<typeof obstacleOf>[0];
type Applicant = Parameters<typeof obstacleOf>[1];

function obstacle(context: Partial<Context>, applicant: Partial<Applicant>, limit = 0): string | null {
  const policy = { ...defaultPolicy, max_active_plans: limit };
  const repo = { granted: {}, done: [], ...context, policy } as unknown as Context; // all that is asked of it here
  const asks = { plan: 'p', topic: null, after: [], ...applicant } as unknown as Applicant;
  return obstacleOf(repo, asks)?.detail ?? null;
}

it('plans that it comes after are waited for until each is done', () => {
  expect(obstacle({}, { after: ['a', 'b'] })).toBe('waits for a, b to be done');
  expect(obstacle({ done: ['a'] }, { after: ['a', 'b'] })).toBe('waits for b to be done');
  expect(obstacle({ done: ['a', 'b'] }, { after: ['a', 'b'] })).toBeNull();
});

it('a topic is one plan’s at a time, and plans without one share nothing', () => {
  expect(obstacle({ granted: { a: 'ui' } }, { topic: 'ui' })).toBe('topic "ui" is taken by a');
  expect(obstacle({ granted: { a: 'ui' } }, { topic: 'api' })).toBeNull();
  expect(obstacle({ granted: { a: null } }, { topic: null })).toBeNull();
});

it('as many plans implement as max_active_plans says, and 0 is no limit', () => {
  expect(obstacle({ granted: { a: null, b: null } }, {}, 2)).toBe('2 of 2 plans implement');
  expect(obstacle({ granted: { a: null } }, {}, 2)).toBeNull();
  expect(obstacle({ granted: { a: null, b: null } }, {})).toBeNull();
});

it('what it comes after is told first, then the topic, then the limit', () => {
  const busy = { granted: { a: 'ui' } };
  expect(obstacle(busy, { after: ['x'], topic: 'ui' }, 1)).toContain('waits for x');
  expect(obstacle(busy, { topic: 'ui' }, 1)).toContain('topic');
});
