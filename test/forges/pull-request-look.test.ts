import { describe, expect, it } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { noPull } from '../../machines/vocabulary/plan-pull.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import { createLog } from '../../runtime/base/platform/log.ts';
import { createForge } from '../../runtime/work/forges/create-forge.ts';
import { createRequestLooks, pauseMs, troubleMs } from '../../runtime/work/forges/pull-request-look.ts';
import { type Watched, watchedOf } from '../../runtime/work/forges/pull-request-plans.ts';
import { addPull, type FakePull, startForge } from '../support/forge-server.ts';

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

/** The looks at requests of a forge on this machine, and what they report; `fails`: the store takes no report now. */
async function looking() {
  const server = await startForge('github');
  const forge = createForge({ server: server.server, repo: { owner: 'ada', name: 'demo' }, token: 'secret-token' });
  const reported: string[] = [];
  const store = { fails: false };
  const looks = createRequestLooks({
    ...{ everyMs: 1, isOver: () => false, log: createLog(() => {}, 'error') },
    ...{ forgeStates: { answered: async () => {}, failed: async () => {} }, policyOf: () => defaultPolicy },
    readiness: { of: async () => ({ kind: 'ready', site: null, mark: '' }) },
    forgeFor: async () => ({ forge, remote: 'origin' }),
    async report(_plan, signal) {
      if (signal === null) return false;
      if (store.fails) throw new EngineError('store_full', 'no room', 'make room');
      reported.push(signal.type);
      return true;
    },
  });
  async function planOf({ number }: FakePull): Promise<Watched> {
    const found = await forge.pullRequest(number);
    if (found === 'unchanged') throw new Error('it was asked for without an etag');
    const { url, headCommit: head } = found;
    const request = { number, url, server: 'here', head, pass: 0, cycles: 0, failing: {} };
    return {
      ...{
        tree: planTree('shop', `p${number}`),
        project: 'shop',
        plan: `p${number}`,
        branch: found.head,
        doneAt: 7,
        merge: null,
        count: 1,
      },
      ...{ isDone: true, isOpen: true, isMaking: false, isStacked: false, pull: { ...noPull, request } },
    };
  }
  return { server, looks, reported, store, planOf };
}

it.each(['merged', 'closed'] as const)(
  'that a request was %s is reported again if the store did not take it',
  async (state) => {
    const { server, looks, reported, store, planOf } = await looking();
    try {
      const pull = addPull(server.state, { head: 'plan/login', base: 'main' });
      const plan = await planOf(pull);
      pull.state = state;
      store.fails = true;
      await looks.look(plan, 1);
      expect(reported).toEqual([]);
      store.fails = false;
      looks.again();
      await looks.look(plan, 1);
      expect(reported).toEqual([`pr_${state}`]);
    } finally {
      await server.stop();
    }
  },
);

it('a request is known again after its repository was renamed, and is not taken for one of the same number elsewhere', async () => {
  const { server, looks, reported, planOf } = await looking();
  try {
    const pull = addPull(server.state, { head: 'plan/login', base: 'main' });
    const plan = await planOf(pull);
    const { request } = plan.pull;
    if (request === null) throw new Error('it was just made');
    const before = { ...request, url: request.url.replace('demo', 'shop'), head: '2'.repeat(40) };
    const moved = { ...plan, pull: { ...plan.pull, request: before } };
    Object.assign(pull, { state: 'merged', head: 'fix/other' });
    await looks.look(moved, 1);
    expect(reported).toEqual([]);
    pull.head = 'plan/login';
    looks.again();
    await looks.look(moved, 1);
    expect(reported).toEqual(['pr_merged']);
  } finally {
    await server.stop();
  }
});

it('a forge that wants a pause is asked for no other request meanwhile', async () => {
  const { server, looks, planOf } = await looking();
  try {
    const [one, two] = ['plan/one', 'plan/two'].map((head) => addPull(server.state, { head, base: 'main' }));
    const plans = [await planOf(one as FakePull), await planOf(two as FakePull)]; // both were added
    server.trouble = () => ({ status: 429, headers: { 'retry-after': '60' } });
    const before = server.asked.length;
    for (const plan of plans) await looks.look(plan, 2);
    expect(server.asked.length - before).toBe(1);
  } finally {
    await server.stop();
  }
});
