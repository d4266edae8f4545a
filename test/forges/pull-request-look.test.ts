import { describe, expect, it } from 'vitest';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { pauseMs, troubleMs } from '../../runtime/work/forges/pull-request-look.ts';
import { watchedOf } from '../../runtime/work/forges/pull-request-plans.ts';

const everyMs = 60_000;

it.each([
  { name: 'the usual time', open: 1, quiet: 0, ms: everyMs },
  { name: 'five times that after a long time without news', open: 1, quiet: 31, ms: 5 * everyMs },
  { name: 'longer where many are open', open: 30, quiet: 0, ms: 2 * everyMs },
])('an open request is looked at again after $name', ({ open, quiet, ms }) => {
  expect(pauseMs({ everyMs, open, quiet })).toBe(ms);
});

it.each([
  { name: 'the usual time', open: 1, troubles: 0, retryInMs: null, ms: everyMs },
  { name: 'twice as long after each further failure', open: 1, troubles: 2, retryInMs: null, ms: 4 * everyMs },
  { name: 'fifteen minutes at most', open: 1, troubles: 20, retryInMs: null, ms: 15 * everyMs },
  { name: 'when the forge said', open: 1, troubles: 3, retryInMs: 2 * everyMs, ms: 2 * everyMs },
  { name: 'not before a look is due anyway', open: 30, troubles: 0, retryInMs: 10, ms: 2 * everyMs },
])('a look that failed is tried again after: $name', ({ open, troubles, retryInMs, ms }) => {
  expect(troubleMs({ everyMs, open, troubles, retryInMs })).toBe(ms);
});

describe('a plan', () => {
  const context = { timestamps: { done_at: 7 }, count: 2, pull: undefined, policy: { pull_stack: 'none' }, pass: 1 };
  const found = (...tags: readonly string[]) =>
    watchedOf(planTree('shop', 'login'), {
      context: context as never, // all that is read of it
      has: (tag) => tags.includes(tag),
    });

  it.each([
    { tags: ['status:done', 'pull:open'], is: { isOpen: true, isDone: true, isMaking: false } },
    { tags: ['status:reviewing', 'pull:open'], is: { isOpen: true, isDone: false } },
    { tags: ['status:done', 'pull_working'], is: { isMaking: true, isOpen: false } },
    { tags: ['status:done', 'pull_wanted'], is: { isDone: true, isOpen: false, isMaking: false } },
    { tags: ['status:done', 'pull:open', 'pull_merge:scheduled'], is: { merge: 'scheduled' } },
    { tags: ['status:reviewing', 'pull_wanted'], is: null },
    { tags: ['status:done'], is: null },
  ])('with $tags is watched as $is', ({ tags, is }) => {
    if (is === null) expect(found(...tags)).toBeNull();
    else expect(found(...tags)).toMatchObject({ project: 'shop', plan: 'login', doneAt: 7, ...is });
  });

  it('that is gone or cannot be read is not watched', () => {
    expect(watchedOf(planTree('shop', 'login'), null)).toBeNull();
  });
});
