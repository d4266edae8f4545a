/** Which parts of a plan have pull requests of their own, read from what the plan remembers: without the chart. */
import { describe, expect, it } from 'vitest';
import { documentFacts, type PlanContext } from '../../machines/plan/context.ts';
import { askedStack, hasMoreParts, isStacked, isUnpushed, stackParts } from '../../machines/plan/stack.ts';
import type { TaskResult } from '../../machines/vocabulary/family.ts';
import type { PlanPull, PullRequest, RequestMode, StackLayer, StackMode } from '../../machines/vocabulary/plan-pull.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import { planWith } from '../support/one-action.ts';

const done = (commit?: string): TaskResult => ({
  ...{ status: 'done', runs: 1, reason: null, detail: '', run: 'x#1' },
  ...(commit === undefined ? {} : { commit }),
});
const failed: TaskResult = { ...done('never'), status: 'failed', runs: 3, reason: 'exit-code' };

const document = `# Plan

## Wave 1

### Task 1: a

### Task 2: b

## Wave 2

### Task 1: c

## Wave 3

### Task 1: d
`;

interface Situation extends Partial<Omit<PlanContext, 'pull'>> {
  readonly mode?: StackMode;
  readonly pull?: Partial<PlanPull>;
}

/** A plan whose first wave is done, and whose second works. */
function plan({ mode = 'wave', pull, ...more }: Situation = {}): PlanContext {
  const underWay = { wave: 2, wantedWave: null, passed: 1, results: { 1: { 1: done('c1'), 2: done('c2') }, 2: {} } };
  const policy = { ...defaultPolicy, pull_stack: mode };
  return planWith({
    ...documentFacts(document),
    ...underWay,
    policy,
    ...(pull === undefined ? {} : { pull: pull as PlanPull }),
    ...more,
  });
}

const layer: StackLayer = {
  ...{ name: 'w1', title: 'a; b', branch: 'stack/hello/w1', number: 4, url: 'https://forge.test/4' },
  ...{ state: 'open', head: 'pushed', base: 'main' },
};
const request = (more: Partial<PullRequest> = {}): PullRequest => ({
  ...{ number: 4, url: 'https://forge.test/4', server: 'forge.test', head: 'pushed', pass: 0, cycles: 0, failing: {} },
  ...{ stack: [layer] },
  ...more,
});
const { stack: _, ...whole } = request();
const asked = (more: object = {}) => ({ asked: { parts: 1, head: null, ...more } }) as unknown as Partial<PlanPull>;
const names = (context: PlanContext, mode?: RequestMode) => stackParts(context, mode).map(({ name }) => name);

describe('the parts of a plan', () => {
  it('are its waves that are done, each with its tasks’ titles and commits', () => {
    expect(stackParts(plan())).toEqual([
      { name: 'w1', title: 'a; b', branch: 'stack/hello/w1', commits: ['c1', 'c2'] },
    ]);
  });

  it('are its tasks that are done, in waves that are done', () => {
    expect(stackParts(plan({ mode: 'task', results: { 1: { 1: done('c1'), 2: done('c2') }, 2: {} } }))).toEqual([
      { name: 'w1-t1', title: 'a', branch: 'stack/hello/w1-t1', commits: ['c1'] },
      { name: 'w1-t2', title: 'b', branch: 'stack/hello/w1-t2', commits: ['c2'] },
    ]);
  });

  it.each<[string, Situation, string[]]>([
    ['a wave that is passed', { passed: 1 }, ['w1']],
    ['a wave whose tasks are done, before the plan has passed it', { passed: 0 }, ['w1']],
    ['no wave that only began', { passed: 0, results: { 1: { 1: done('c1') } } }, []],
    ['a wave that was passed without its second task', { results: { 1: { 1: done('c1') } } }, ['w1']],
    ['no wave that changed nothing', { results: { 1: { 1: done(), 2: done() } } }, []],
    ['no wave without results', { passed: 2, results: { 1: { 1: done('c1') } } }, ['w1']],
    [
      'waves in the order of the document',
      { passed: 2, results: { 2: { 1: done('c3') }, 1: { 1: done('c1') } } },
      ['w1', 'w2'],
    ],
    ['no task that failed', { mode: 'task', results: { 1: { 1: failed, 2: done('c2') } } }, ['w1-t2']],
    ['no task that changed nothing', { mode: 'task', results: { 1: { 1: done(), 2: done('c2') } } }, ['w1-t2']],
    ['no task without a result', { mode: 'task', results: { 1: { 2: done('c2') } } }, ['w1-t2']],
    ['none of a wave without results', { mode: 'task', results: {} }, []],
    ['none where one request is made for all', { mode: 'none' }, []],
  ])('have %s', (_, situation, expected) => {
    expect(names(plan(situation))).toEqual(expected);
  });

  it('are none of those where each member of a repo has a request', () => {
    expect(names(plan(), 'member')).toEqual([]);
    expect(names(plan(), 'none')).toEqual([]);
    expect(names(plan(), 'wave')).toEqual(['w1']);
  });

  it('have a commit once that two tasks ended at', () => {
    expect(stackParts(plan({ results: { 1: { 1: done('c1'), 2: done('c1') } } }))[0]?.commits).toEqual(['c1']);
  });

  it('have other branches in each pass', () => {
    expect(stackParts(plan({ pass: 2 }))[0]?.branch).toBe('stack/hello-3/w1');
    expect(stackParts(plan({ pass: 1 }))[0]?.branch).toBe('stack/hello-2/w1');
  });
});

describe('a plan has a stack', () => {
  const one = documentFacts('# Plan\n\n## Wave 1\n\n### Task 1: a\n\n### Task 2: b\n');
  it.each<[string, Situation, boolean]>([
    ['if a part of several is done', {}, true],
    ['not before a part is done', { passed: 0, results: {} }, false],
    ['not where that is off', { mode: 'none' }, false],
    ['not for its only wave', one, false],
    ['for two tasks of its only wave', { ...one, mode: 'task' }, true],
    [
      'where it has one, even if no part is done any more',
      { results: {}, passed: 0, pull: { request: request() } },
      true,
    ],
    ['not with a request for all of it', { pull: { request: whole } }, false],
    ['with one for all of it from an earlier pass', { pass: 1, pull: { request: whole } }, true],
    [
      'not before a part is done in a new pass',
      { pass: 1, passed: 0, results: {}, pull: { request: request() } },
      false,
    ],
    [
      'where it is off since, and it has one',
      { mode: 'none', pull: { request: request({ stackMode: 'task' }) } },
      true,
    ],
    ['not where it is off since, and what it has tells no kind', { mode: 'none', pull: { request: request() } }, false],
    ['of its repo’s members', { mode: 'none', pull: { request: request({ stackMode: 'member' }) } }, true],
    ['not where nothing was asked of a forge', { mode: 'none', pull: { request: null } }, false],
    ['not in a session', { session: {} as never }, false],
  ])('%s', (_, situation, expected) => {
    expect(isStacked(plan(situation))).toBe(expected);
  });

  it('keeps the kind of parts that it has', () => {
    expect(names(plan({ pull: { request: request({ stackMode: 'task' }) } }))).toEqual(['w1-t1', 'w1-t2']);
    expect(names(plan({ mode: 'task', pull: { request: request({ stackMode: 'wave' }) } }))).toEqual(['w1']);
    expect(names(plan({ mode: 'task', pull: { request: request() } }))).toEqual(['w1-t1', 'w1-t2']);
    expect(names(plan({ mode: 'task', pass: 1, pull: { request: request({ stackMode: 'wave' }) } }))).toEqual([
      'w1-t1',
      'w1-t2',
    ]);
  });
});

describe('requests are asked for', () => {
  it.each<[string, Situation, boolean]>([
    ['for a first part', {}, true],
    ['for a part that is done since', { pull: asked({ parts: 0 }) }, true],
    ['not for the same parts', { pull: asked() }, false],
    ['for a first part, when the request is only under way', { pull: { work: 'w' } }, true],
    ['not without a stack', { mode: 'none' }, false],
  ])('%s', (_, situation, expected) => {
    expect(hasMoreParts(plan(situation))).toBe(expected);
  });

  const member = {
    mode: 'none',
    pull: { ...asked({ head: 'head' }), request: request({ stackMode: 'member' }) },
  } as const;
  it.each<[string, Situation, boolean]>([
    ['with a head for which none were asked', {}, true],
    ['with a head after the one that they were asked for', { pull: asked({ head: 'before' }) }, true],
    ['not with the same head', { pull: asked({ head: 'head' }) }, false],
    ['when a request is only under way', { pull: { work: 'w' } }, true],
    ['not without a head', { head: null, pull: asked({ head: 'before' }) }, false],
    ['not while it is blocked', { blocked: { reason: 'x' } as never }, false],
    ['not without a stack', { mode: 'none' }, false],
    ['with a head that the members’ requests do not show', member, true],
    ['not with the one that they show', { ...member, head: 'pushed' }, false],
  ])('at the end of its work %s', (_, situation, expected) => {
    expect(isUnpushed(plan(situation))).toBe(expected);
  });
});

describe('what an effect gets of a stack', () => {
  const first = {
    ...{ mode: 'wave', parts: stackParts(plan()), planned: 3, known: [], from: null, isWhole: false, isLast: false },
    ...{ fixes: null, byHand: false },
  };
  const later = { ...first, known: [layer], from: 'pushed' };
  it.each<[string, Situation, unknown]>([
    ['nothing without one', { mode: 'none' }, null],
    ['at its first request', {}, first],
    ['before anything was asked', { pull: { work: null } }, first],
    ['with what the forge has', { pull: { request: request() } }, later],
    [
      'with nothing of an earlier pass',
      { pass: 1, pull: { request: request() } },
      { ...first, parts: stackParts(plan({ pass: 1 })) },
    ],
    ['when the plan is done', { pull: asked({ head: 'head' }) }, { ...first, isWhole: true }],
    ['with the part that a fix is for', { pull: { fixes: 'w1' } }, { ...first, fixes: 'w1' }],
    ['that a person asked for', { pull: asked({ byHand: true }) }, { ...first, byHand: true }],
    ['that no person asked for', { pull: asked({ byHand: false }) }, first],
    ['when no wave is left', { passed: 3 }, { ...first, isLast: true }],
    [
      'with as many as it has tasks',
      { mode: 'task' },
      { ...first, mode: 'task', planned: 4, parts: stackParts(plan({ mode: 'task' })) },
    ],
  ])('%s', (_, situation, expected) => {
    expect(askedStack(plan(situation))).toEqual(expected);
  });
});
