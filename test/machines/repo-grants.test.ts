/** Why a plan may not implement yet: a table of the grants and requests of its repo. */
import { expect, it } from 'vitest';
import { circleOf } from '../../machines/repo/circle.ts';
import { obstacleOf, turnsOf } from '../../machines/repo/machine.ts';
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

it('the plan that it comes after is named first, then the topic, then the limit', () => {
  const busy = { granted: { a: 'ui' } };
  expect(obstacle(busy, { after: ['x'], topic: 'ui' }, 1)).toContain('waits for x');
  expect(obstacle(busy, { topic: 'ui' }, 1)).toContain('topic');
});

it('says of an obstacle which kind it is, and which plans are waited for', () => {
  const busy = { granted: { a: 'ui' }, claims: { a: ['x.ts'] }, done: [] };
  const found = (applicant: object, policy: object) => {
    const context = { ...busy, policy: { ...defaultPolicy, ...policy } } as unknown as Context; // all that is asked of it here
    const { kind, plans } = obstacleOf(context, { plan: 'p', topic: null, after: [], ...applicant } as never) ?? {};
    return [kind, plans];
  };
  expect(found({ after: ['c', 'd'] }, {})).toEqual(['after', ['c', 'd']]);
  expect(found({ topic: 'ui' }, {})).toEqual(['topic', ['a']]);
  expect(found({ files: ['x.ts'] }, { overlap: 'serial' })).toEqual(['files', ['a']]);
  expect(found({}, { max_active_plans: 1 })).toEqual(['plan_limit', undefined]);
});

/** Why each waiting plan may not implement yet, in the order of their turns; null: it may. */
function turns(
  waiting: Record<string, Partial<Applicant>>,
  { overlap = 'serial', ...context }: Partial<Context> & { overlap?: 'wave' | 'serial' } = {},
): [string, string | null][] {
  const policy = { ...defaultPolicy, overlap };
  const applicants = Object.entries(waiting).map(([plan, asked], since) => ({
    ...{ plan, topic: null, after: [], priority: 0, request: 1, since },
    ...asked,
  }));
  const repo = { granted: {}, claims: {}, done: [], ...context, waiting: applicants, policy } as unknown as Context; // all that is asked of it here
  return turnsOf(repo).map(({ applicant, obstacle }) => [applicant.plan, obstacle?.detail ?? null]);
}

it('with overlap = "serial" plans whose files overlap implement one after the other', () => {
  const busy = { granted: { a: null }, claims: { a: ['src/ui/**'] } };
  const file = 'src/ui/login.ts';
  expect(turns({ b: { files: [file] } }, busy)).toEqual([['b', `its file ${file} is also one of a, which goes first`]]);
  expect(turns({ b: { files: ['src/api'] } }, busy)).toEqual([['b', null]]);
  expect(turns({ b: { files: [] } }, busy)).toEqual([['b', null]]);
  expect(turns({ b: { files: [file] } }, { ...busy, overlap: 'wave' })).toEqual([['b', null]]);
});

it('of plans that ask together the first gets the right, and those with other files too', () => {
  expect(turns({ a: { files: ['x'] }, b: { files: ['x'] }, c: { files: ['y'] } })).toEqual([
    ['a', null],
    ['b', 'its file x is also one of a, which goes first'],
    ['c', null],
  ]);
  expect(turns({ a: { files: ['x'] }, b: { files: ['x'], priority: 5 } })[0]).toEqual(['b', null]);
});

it('a plan that waits for files is not passed by later ones that would take them', () => {
  const busy = { granted: { a: null }, claims: { a: ['x'] } };
  expect(turns({ b: { files: ['x', 'y'] }, c: { files: ['y'] } }, busy)).toEqual([
    ['b', 'its file x is also one of a, which goes first'],
    ['c', 'its file y is also one of b, which goes first'],
  ]);
});

it('a plan that waits for others to be done holds nobody up, so no circle comes of files and **After:**', () => {
  expect(turns({ a: { files: ['x'], after: ['b'] }, b: { files: ['x'] } })).toEqual([
    ['a', 'waits for b to be done'],
    ['b', null],
  ]);
});

it('a plan that asks again does not wait for its own files', () => {
  expect(turns({ a: { files: ['x'] } }, { claims: { a: ['x'] } })).toEqual([['a', null]]);
});

it('plans that declare no files hold nobody up, and wait for no files', () => {
  expect(turns({ a: {}, b: { files: ['x'] }, c: {} }, { claims: { d: ['**'] }, granted: { d: null } })).toEqual([
    ['a', null],
    ['b', 'its file x is also one of d, which goes first'],
    ['c', null],
  ]);
  expect(turns({ a: {}, b: { files: ['x'] } })).toEqual([
    ['a', null],
    ['b', null],
  ]);
});

it('of plans of one topic that ask together the first gets the right; one that waits itself takes no topic', () => {
  expect(turns({ a: { topic: 'ui' }, b: { topic: 'ui' } })).toEqual([
    ['a', null],
    ['b', 'topic "ui" is taken by a'],
  ]);
  expect(turns({ a: { topic: 'ui', after: ['z'] }, b: { topic: 'ui' } })).toEqual([
    ['a', 'waits for z to be done'],
    ['b', null],
  ]);
});

it('a plan that waits for itself is found with the shortest way round', () => {
  const plans = (after: Record<string, string[]>) =>
    Object.entries(after).map(([plan, names]) => ({ plan, after: names }));
  expect(circleOf('a', plans({ a: ['b'], b: ['c'], c: [] }))).toBeNull();
  expect(circleOf('a', plans({ a: ['a'] }))).toEqual(['a', 'a']);
  expect(circleOf('a', plans({ a: ['b', 'c'], b: ['d'], c: ['a'], d: ['a'] }))).toEqual(['a', 'c', 'a']);
  expect(circleOf('a', plans({ a: ['x', 'b'], b: ['c'], c: ['a'] }))).toEqual(['a', 'b', 'c', 'a']);
  // Others wait in a circle, and it waits for them.
  expect(circleOf('a', plans({ a: ['b'], b: ['c'], c: ['b'] }))).toBeNull();
});
