/** How people see a plan: read from its tree as it is between two steps. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import {
  blockOf,
  failuresOf,
  isFailedStart,
  planDetail,
  planSummary,
  statusOfPlan,
  summarySources,
  type TaskView,
} from '../../actors/plan-view.ts';
import type { AgentContext } from '../../machines/agent/context.ts';
import type { PlanContext, Question } from '../../machines/plan/context.ts';
import type { TaskResult } from '../../machines/vocabulary/family.ts';
import { noMerge } from '../../machines/vocabulary/plan-merge.ts';
import { noPull, type PullRequest } from '../../machines/vocabulary/plan-pull.ts';
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';
import type { WaveContext } from '../../machines/wave/machine.ts';
import { atRest, planAt, treeOf, valueAt } from '../support/at-rest.ts';

const outline = (number: number, more: object = {}) => ({
  ...{ number, title: `task ${number}`, hasCheck: false, after: [], files: [], digest: '', ...more },
});
/** Three tasks and one. */
const waves = [
  { number: 1, tasks: [outline(1), outline(2, { after: [1] }), outline(3, { files: ['b.txt'] })] },
  { number: 2, tasks: [outline(1)] },
];
const done: TaskResult = { status: 'done', runs: 2, reason: null, detail: 'fine', run: 'x#1' };
const failed: TaskResult = { status: 'failed', runs: 3, reason: 'timeout', detail: 'slow', run: 'x#2' };
const policy = (more: Partial<Policy>): Partial<PlanContext> => ({ policy: { ...defaultPolicy, ...more } });

interface Given {
  readonly regions?: Readonly<Record<string, string>>;
  readonly context?: Partial<PlanContext>;
  readonly children?: Readonly<Record<string, AnyActorRef>>;
}
const treeAt = (lifecycle: string, { context = {}, ...more }: Given = {}) =>
  treeOf(planAt(lifecycle, { ...more, context: { waves, ...context } }));
const running = 'underway.implementing.wave.running';

function agentIn(state: string, more: Partial<AgentContext> = {}): AnyActorRef {
  return atRest('agent', valueAt(state), { context: { path: 'wave-1.1/task-1.1/agent', ...more } });
}

/** Wave 1, with those of its tasks alive that are given by their numbers. */
function waveWith(tasks: Readonly<Record<number, AnyActorRef>>, context: Partial<WaveContext> = {}, state = 'running') {
  const live = Object.entries(tasks).map(([number, ref]) => [`task-${number}.1`, Number(number), ref] as const);
  return atRest('wave', state, {
    context: {
      ...{ path: 'wave-1.1', number: 1, tasks: waves[0]?.tasks ?? [], isolation: 'task' as const },
      liveChildren: Object.fromEntries(live.map(([id, number]) => [id, number])),
      started: live.map(([, number]) => number),
      ...context,
    },
    children: Object.fromEntries(live.map(([id, , ref]) => [id, ref])),
  });
}

describe('the summary of a plan', () => {
  it.each([
    ['ready.draft', 'ready', null],
    ['ready.planned', 'ready', 'planned'],
    ['planning.working', 'planning', null],
    [running, 'implementing', 'wave_running'],
    ['underway.reviewing.stuck', 'reviewing', 'reviewing'],
    ['cancelled.ended', 'cancelled', null],
  ])('in %s has the status %s and the phase %s', (lifecycle, status, phase) => {
    const tree = treeAt(lifecycle);
    expect(planSummary(tree)).toMatchObject({ status, phase, landing: null, accepts: [] });
    expect(statusOfPlan(tree)).toBe(status);
  });

  it('repeats the facts of the plan', () => {
    const context = {
      ...{ wave: 1, reviewCycle: 2, count: 3, branch: 'plan/x', topic: 'shop', title: 'A shop', host: 'big' },
      ...{ budget: { usd: 5 }, raised: null },
    };
    expect(planSummary(treeAt(running, { context }))).toEqual({
      ...{ status: 'implementing', phase: 'wave_running', landing: null, accepts: [], blocked: null },
      ...{ holds: false, paused: false, wave: 1, waves: 2, tasksDone: 0, tasks: 4, reviewCycle: 2, generation: 3 },
      ...{ branch: 'plan/x', topic: 'shop', title: 'A shop', host: 'big' },
      budget: { document: { usd: 5 }, raised: { plan: {}, attempt: {}, day: {}, on: null } },
    });
    expect(planSummary(treeAt(running)).host).toBeNull();
  });

  it('says whether it is paused, and whether its agents may start', () => {
    expect(planSummary(treeAt(running, { regions: { gate: 'paused' } }))).toMatchObject({ paused: true, holds: false });
    const holds = (attention: string) => planSummary(treeAt(running, { regions: { attention } })).holds;
    expect(['clear', 'asked', 'blocked', 'override'].filter(holds)).toEqual(['blocked']);
  });

  it('counts the tasks that are done, those of the wave at work included', () => {
    const results = { 1: { 1: done, 2: failed } };
    const count = (given: Given) => planSummary(treeAt(running, given)).tasksDone;
    expect(count({ context: { results } })).toBe(1);
    const wave = waveWith({}, { results: { 2: done, 3: failed } });
    expect(count({ context: { results }, children: { 'wave-1.1': wave } })).toBe(2);
    const coder = atRest('task', 'working', { context: { number: 1, results: { 1: done } } as object });
    expect(count({ context: { results }, children: { 'coder.1': coder } })).toBe(1);
    expect(count({ context: { results: { 2: { 1: done } } } })).toBe(1);
  });

  it('of a done plan says where its work is, and how it can land', () => {
    const of = (given: Given) => {
      const { landing, accepts } = planSummary(treeAt('done', given));
      return [landing, ...accepts];
    };
    expect(of({})).toEqual(['not_merged', 'merge', 'land', 'create_pr']);
    expect(of({ regions: { merge: 'working.inLine' } })[0]).toBe('in_line');
    expect(of({ regions: { merge: 'working.asked' } })).not.toContain('merge');
    expect(of({ regions: { pullRequest: 'open.manual' } })[0]).toBe('pull_request_open');
  });

  it('is the same while the plan and its waves have not moved', () => {
    const wave = waveWith({});
    const reviewer = agentIn('running');
    const { root } = treeAt(running, { children: { 'wave-1.1': wave, 'reviewer.1': reviewer } });
    expect(summarySources(treeOf(root))).toEqual([root.getSnapshot(), wave.getSnapshot()]);
  });
});

const question: Question = {
  ...{
    number: 1,
    title: 'hello-w1-t1',
    childId: 'wave-1.1',
    run: 'wave-1.1/task-1.1/agent#1',
    question: 'tabs?',
    at: 4,
  },
};

describe('what a plan needs of a person', () => {
  it('is its block and its questions', () => {
    expect(blockOf(treeAt(running))).toBeNull();
    const blocked = { reason: 'no tests', source: 'review', at: 7 } as const;
    expect(blockOf(treeAt(running, { context: { blocked } }))).toEqual({ ...blocked, questions: [], scope: 'plan' });
    expect(blockOf(treeAt(running, { context: { blocked, questions: [question] } }))).toEqual({
      ...{ reason: 'no tests\n\nquestion 1 of hello-w1-t1: tabs?', source: 'review', at: 4 },
      ...{ questions: [question], scope: 'plan' },
    });
  });

  it('is needed by some tasks alone while others of their wave are at work', () => {
    const both = { 1: atRest('task', 'asking'), 2: atRest('task', 'working') };
    const scope = (wave: AnyActorRef, attention = 'asked') =>
      blockOf(
        treeAt(running, { regions: { attention }, context: { questions: [question] }, children: { 'wave-1.1': wave } }),
      )?.scope;
    expect(scope(waveWith(both))).toBe('tasks');
    expect(scope(waveWith(both), 'blocked')).toBe('plan');
    const ending = { 'wave-1.1': waveWith(both), 'wave-2.1': waveWith({}, { path: 'wave-2.1', number: 2 }) };
    const given = { regions: { attention: 'asked' }, context: { questions: [question] }, children: ending };
    expect(blockOf(treeAt(running, given))?.scope).toBe('tasks');
    expect(scope(waveWith({ 1: atRest('task', 'asking') }))).toBe('plan');
    expect(scope(waveWith(both, { started: [1] }))).toBe('plan');
    const beside = { 'wave-1.1': waveWith({}), 'coder.2': atRest('task', 'working') };
    expect(
      blockOf(
        treeAt(running, { regions: { attention: 'asked' }, context: { questions: [question] }, children: beside }),
      )?.scope,
    ).toBe('plan');
  });
});

const taskOf = (tree: ReturnType<typeof treeAt>, number = 1): TaskView | undefined =>
  planDetail(tree).waves[0]?.tasks.find((task) => task.number === number);

describe('a task', () => {
  it('that nobody began is pending', () => {
    const tree = treeAt('ready.planned', { context: { wave: 0, branch: 'plan/hello' } });
    expect(taskOf(tree, 2)).toEqual({
      ...{ number: 2, title: 'task 2', status: 'pending', reason: null, detail: '', branch: 'plan/hello' },
      ...{ after: [1], filesOf: null, agent: null },
    });
    const { after: _, ...old } = outline(1);
    const [first] = planDetail(treeAt('done', { context: { waves: [{ number: 1, tasks: [old as never] }] } })).waves;
    expect(first?.tasks[0]?.after).toEqual([]);
  });

  it('that has ended shows its result', () => {
    const tree = treeAt('underway.reviewing.stuck', { context: { wave: 2, results: { 1: { 1: failed, 2: done } } } });
    expect(taskOf(tree)).toMatchObject({ status: 'failed', reason: 'timeout', detail: 'slow' });
    expect(taskOf(tree, 2)).toMatchObject({ status: 'done', reason: null, detail: 'fine' });
    expect(taskOf(tree, 3)).toMatchObject({ status: 'pending' });
  });

  const alive = (task: AnyActorRef, context: Partial<PlanContext> = { wave: 1 }, number = 1) =>
    taskOf(treeAt(running, { context, children: { 'wave-1.1': waveWith({ [number]: task }) } }), number);
  const taskWith = (agent: AnyActorRef | null, context = {}, state = 'working') =>
    atRest('task', state, { context, children: agent === null ? {} : { agent } });

  it('that is at work shows what its agent does, and until then what an earlier one did', () => {
    const agent = agentIn('running', { runs: 2, reason: 'lost', detail: 'gone' });
    const shown = { status: 'working', reason: 'lost', detail: 'gone' };
    expect(alive(taskWith(agent))).toMatchObject(shown);
    const earlier = { wave: 1, results: { 1: { 1: failed } } };
    expect(alive(taskWith(agent), earlier)).toMatchObject(shown);
    const fresh = agentIn('queued', { runs: 0, reason: null, detail: '' });
    expect(alive(taskWith(fresh), earlier)).toMatchObject({ reason: 'timeout', detail: '' });
  });

  it('that is judged shows what its last agent did', () => {
    const last = { at: 1, outcome: 'succeeded', run: 'x#1', runs: 4, reason: 'conflict', detail: 'a.txt' };
    for (const status of ['committing', 'checking', 'merging'])
      expect(alive(taskWith(null, { last }, status))).toMatchObject({ status, reason: 'conflict', detail: 'a.txt' });
    expect(alive(taskWith(null, { last: null }))).toMatchObject({ reason: null, detail: '' });
    const agent = agentIn('queued', { runs: 1, reason: null, detail: 'mine' });
    expect(alive(taskWith(agent, { last }))).toMatchObject({ reason: 'conflict', detail: 'mine' });
  });

  it.each([
    ['waiting.rateLimit', 'rate-limited'],
    ['waiting.decision', 'needs_decision'],
    ['waiting.permission', 'lost'],
    ['backingOff', 'lost'],
  ])('whose agent is in %s shows the reason %s', (state, reason) => {
    expect(alive(taskWith(agentIn(state, { reason: 'lost' })))).toMatchObject({ reason });
  });

  it('has a branch of its own, unless the tasks share that of the plan', () => {
    const branch = (context: Partial<PlanContext>, isolation?: 'plan' | 'task') => {
      const own = isolation === undefined ? {} : { 'wave-1.1': waveWith({}, { isolation }) };
      return taskOf(treeAt(running, { context: { branch: 'plan/hello', ...context }, children: own }))?.branch;
    };
    expect(branch({ wave: 1, ...policy({ isolation: 'task' }) })).toBe('plan/hello-w1-t1');
    expect(branch({ wave: 0, ...policy({ isolation: 'task' }) })).toBe('plan/hello');
    expect(branch({ wave: 1, ...policy({ isolation: 'plan' }) })).toBe('plan/hello');
    expect(branch({ wave: 1, ...policy({ isolation: 'task' }) }, 'plan')).toBe('plan/hello');
    expect(branch({ wave: 1, ...policy({ isolation: 'plan' }) }, 'task')).toBe('plan/hello-w1-t1');
  });

  it('says which running task has its files, and which agent does it', () => {
    const tasks = [outline(1, { files: ['a.txt'] }), outline(2, { files: ['a.txt'], agent: 'cheap' })];
    const wave = waveWith({ 1: taskWith(null), 2: atRest('task', 'pending') }, { tasks, started: [1] });
    const tree = treeAt(running, {
      context: { wave: 1, waves: [{ number: 1, tasks }] },
      children: { 'wave-1.1': wave },
    });
    expect(taskOf(tree)).toMatchObject({ filesOf: null, agent: null });
    expect(taskOf(tree, 2)).toMatchObject({
      ...{ status: 'pending', filesOf: { task: 1, path: 'a.txt' }, agent: { agent: 'cheap', by: 'plan' } },
    });
  });

  it('of a small plan stays on the branch of the plan', () => {
    const results = { 1: { 1: { ...done, run: 'coder.2/agent#1' }, 2: { ...done, run: 'wave-1.3/task-2.1/agent#1' } } };
    const over = treeAt('done', { context: { wave: 1, results } });
    expect(taskOf(over)).toMatchObject({ branch: 'plan/hello' });
    expect(taskOf(over, 2)).toMatchObject({ branch: 'plan/hello-w1-t2' });
  });

  it('of a small plan is at work while the one coder is', () => {
    const coder = taskWith(agentIn('running', { runs: 2 }));
    const tree = treeAt('underway.implementing.single.working', {
      children: { 'planner.1': taskWith(null), 'coder.2': coder },
    });
    expect(taskOf(tree)).toMatchObject({ status: 'working' });
    expect(taskOf(tree, 3)).toMatchObject({ status: 'working' });
    const merging = treeAt(running, { children: { 'coder.2': taskWith(null, {}, 'merging') } });
    expect(taskOf(merging)).toMatchObject({ status: 'merging' });
  });
});

describe('a wave', () => {
  const statusOf = (context: Partial<PlanContext>, children = {}) =>
    planDetail(treeAt(running, { context, children })).waves.map(({ number, status }) => `${number} ${status}`);
  it('is at work, or has failures that a person decides on', () => {
    expect(statusOf({}, { 'wave-1.1': waveWith({}) })).toEqual(['1 running', '2 pending']);
    expect(statusOf({}, { 'wave-1.1': waveWith({}, {}, 'settled') })).toEqual(['1 failed', '2 pending']);
  });

  it('has ended as its tasks have', () => {
    expect(statusOf({ results: { 1: { 1: done, 2: done, 3: done } } })).toEqual(['1 done', '2 pending']);
    expect(statusOf({ results: { 1: { 1: done, 2: done } } })).toEqual(['1 pending', '2 pending']);
    expect(statusOf({ results: { 1: { 1: done, 2: failed } } })).toEqual(['1 failed', '2 pending']);
    expect(statusOf({ results: { 2: { 1: done } } })).toEqual(['1 pending', '2 done']);
  });
});

describe('the failures of a plan', () => {
  const of = (context: Partial<PlanContext>, children = {}) => failuresOf(treeAt(running, { context, children }));
  const results = { 1: { 1: done, 2: failed }, 2: { 1: failed } };
  const shown = { attempts: 3, reason: 'timeout', detail: 'slow' };
  it('are the tasks of its wave that are not done: those that failed, then those that were not begun', () => {
    expect(of({ wave: 1, results })).toEqual([
      { ...shown, number: 2, title: 'task 2' },
      { number: 3, title: 'task 3', attempts: 0, reason: null, detail: '' },
    ]);
    expect(of({ wave: 2, results })).toEqual([{ ...shown, number: 1, title: 'task 1' }]);
    const cancelled = { ...failed, status: 'cancelled' } as const;
    const wave = waveWith({}, { results: { 3: cancelled } });
    expect(of({ wave: 1, results }, { 'wave-1.1': wave }).map(({ number }) => number)).toEqual([2, 3]);
  });

  it('are not shown before the first wave, and if nothing has ended', () => {
    expect(of({ wave: 0, results })).toEqual([]);
    expect(of({ wave: 1, results: {} })).toEqual([]);
    expect(of({ wave: 7, results: { 7: { 1: failed } } })).toEqual([]);
  });
});

it('an agent never started if no run of it began and the last one could not start', () => {
  expect(isFailedStart({ runs: 0, reason: 'start-failed' })).toBe(true);
  expect(isFailedStart({ runs: 1, reason: 'start-failed' })).toBe(false);
  expect(isFailedStart({ runs: 0, reason: 'lost' })).toBe(false);
});

const request: PullRequest = {
  ...{ number: 7, url: 'https://forge.example/7', server: 'forge', head: 'x', pass: 0, cycles: 0, failing: {} },
};

describe('the details of a plan', () => {
  it('are its merge', () => {
    const merge = (region: string, more: object = {}) =>
      planDetail(treeAt('done', { regions: { merge: region }, context: { merge: { ...noMerge, ...more } } })).merge;
    const none = { isWorking: false, merged: null, refused: null };
    expect(merge('none')).toEqual(none);
    expect(planDetail(treeAt('done')).merge).toEqual(none);
    expect(merge('working.asked')).toEqual({ ...none, isWorking: true });
    const merged = { at: 1, head: 'x', into: 'main', tip: 'y' };
    const refused = { at: 1, why: 'busy', into: 'main', files: [], detail: '' };
    expect(merge('merged', { merged, refused })).toEqual({ isWorking: false, merged, refused });
  });

  const detail = (region: string, context: Partial<PlanContext> = {}) =>
    planDetail(treeAt('done', { regions: { pullRequest: region }, context }));
  const refused = { at: 1, detail: 'no token' };

  it('are its pull request', () => {
    expect(detail('none.idle').pullRequest).toBeNull();
    const url = request.url;
    const context = { pullRequestUrl: url, pull: { ...noPull, request } };
    expect(detail('open.manual', context).pullRequest).toEqual({ state: 'open', url, merge: null });
    expect(detail('open.manual').pullRequest).toEqual({ state: 'open', url: null, merge: null });
    const stack = [{ name: 'w1' }] as unknown as NonNullable<PullRequest['stack']>;
    const stacked = detail('merged', { pull: { ...noPull, request: { ...request, stack } } }).pullRequest;
    expect(stacked).toEqual({ state: 'merged', url: null, merge: null, stack });
    expect(stacked?.stack).not.toBe(stack);
  });

  it('are the merge by its forge', () => {
    const of = (region: string) => {
      const { pullRequest, pull } = detail(region, { pull: { ...noPull, request, refused } });
      return [pullRequest?.merge, pull.refused];
    };
    expect(of('open.unmerged')).toEqual([{ state: 'refused', detail: 'no token' }, null]);
    expect(of('open.scheduled')).toEqual([{ state: 'scheduled', detail: 'no token' }, null]);
    expect(of('open.manual')).toEqual([null, refused]);
    expect(detail('open.watched', { pull: noPull }).pullRequest?.merge).toEqual({ state: 'watched', detail: '' });
  });

  it('are what is done for its pull request', () => {
    const remarks = [{ id: '1', author: 'ann', text: 'why?', url: 'https://forge.example/7#1' }];
    const none = { isWorking: false, isWanted: false, refused: null, remarks: [] };
    expect(detail('none.idle').pull).toEqual(none);
    expect(detail('none.wanted').pull).toEqual({ ...none, isWanted: true });
    expect(detail('creating.asked').pull).toEqual({ ...none, isWorking: true });
    expect(detail('failed.idle', { pull: { ...noPull, refused, remarks } }).pull).toEqual({
      ...none,
      refused,
      remarks,
    });
  });

  it('are how it goes on', () => {
    const of = (context: Partial<PlanContext>, children = {}) => {
      const { isolation, stopsAfterWaves, advances } = planDetail(treeAt(running, { context, children }));
      return { isolation, stopsAfterWaves, advances };
    };
    const on = policy({ auto_advance_waves: true, auto_advance: true, isolation: 'plan' });
    expect(of(on)).toEqual({ isolation: 'plan', stopsAfterWaves: false, advances: true });
    const off = policy({ auto_advance_waves: false, auto_advance: false, isolation: 'task' });
    expect(of(off)).toEqual({ isolation: 'task', stopsAfterWaves: true, advances: false });
    const live = { 'wave-1.1': waveWith({}, { isolation: 'task' }) };
    expect(of({ ...on, wave: 1 }, live).isolation).toBe('task');
    expect(of({ ...on, wave: 2 }, live).isolation).toBe('plan');
    const { isolation: _, ...old } = defaultPolicy;
    expect(of({ policy: old as Policy }).isolation).toBe('task');
  });

  it('are its times', () => {
    const timestamps = { planning_at: 3 };
    expect(planDetail(treeAt('done', { context: { timestamps } })).timestamps).toEqual(timestamps);
  });

  it('are its drafts, with the number of their waves and tasks', () => {
    const content = '# Plan\n\n## Wave 1\n\n### Task 1: a\n\n### Task 2: b\n\n## Wave 2\n\n### Task 1: c\n';
    const draft = { number: 1, childId: 'planner-1.1', title: 'x', state: 'finished', content, detail: '' } as const;
    expect(planDetail(treeAt('ready.planned')).drafts).toEqual([]);
    expect(
      planDetail(treeAt('ready.planned', { context: { drafts: [draft, { ...draft, content: null }] } })).drafts,
    ).toEqual([
      { ...draft, waves: 2, tasks: 3 },
      { ...draft, content: null, waves: 0, tasks: 0 },
    ]);
  });
});
