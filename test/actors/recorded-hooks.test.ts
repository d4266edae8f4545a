/** Which events hooks receive, by the public states that a step left and entered: moves that few plans make, and the details of each event. */
import { describe, expect, it } from 'vitest';
import { hookEventsOf, resolvedNow } from '../../actors/hook-events.ts';
import type { PlanContext } from '../../machines/plan/context.ts';
import { lifecycleEvents } from '../../machines/vocabulary/hook-event.ts';
import { planAt, treeOf } from '../support/at-rest.ts';
import { agentAt, stepWith } from '../support/recorded-step.ts';

const lifeOf: Record<string, string> = {
  ready: 'ready.planned',
  planning: 'planning.working',
  implementing: 'underway.implementing.wave.running',
  reviewing: 'underway.reviewing.working',
  verifying: 'underway.verifying.working',
  done: 'done',
  cancelled: 'cancelled.ended',
};
const statuses = Object.keys(lifeOf);

interface Given {
  readonly signal?: Parameters<typeof stepWith>[0][number]['signal'];
  /** The state of the plan's life after the step. */
  readonly now?: string;
  readonly context?: Partial<PlanContext>;
  readonly agents?: Parameters<typeof stepWith>[1];
}

function eventsOf(lines: readonly string[], { signal, now = 'ready.planned', ...given }: Given = {}) {
  const { context = {}, agents = [] } = given;
  const tree = treeOf(planAt(now, { context }));
  return hookEventsOf(tree, stepWith([{ ...(signal === undefined ? {} : { signal }), lines }], agents));
}
const texts = (...given: Parameters<typeof eventsOf>) =>
  eventsOf(...given).map(({ event, from, to }) => `${event} ${from}>${to}`);
/** A change of the status by that event. */
const moved = (event: string, from: string, to: string) =>
  `${event}: lifecycle.${lifeOf[from]} > lifecycle.${lifeOf[to]}`;

describe('a change of the status', () => {
  it('is reported under the event that caused it, if that is an event of the lifecycle', () => {
    for (const event of lifecycleEvents)
      expect(texts([moved(event, 'reviewing', 'done')])).toEqual([`${event} reviewing>done`]);
  });

  it.each([
    ['implement_wave', 'implement_start'],
    ['planner_draft_finished', 'planner_finished'],
    ['choose', 'planner_finished'],
    ['pr_changes_requested', 'review_changes_requested'],
  ])('by %s is reported as %s', (event, reported) => {
    expect(texts([moved(event, 'reviewing', 'implementing')])).toEqual([`${reported} reviewing>implementing`]);
    expect(texts([moved(event, 'reviewing', 'reviewing')])).toEqual([]);
  });

  it('by the engine itself is reported as the event of the lifecycle that leads there', () => {
    const all = statuses.flatMap((from) => statuses.flatMap((to) => texts([moved('timer_due', from, to)])));
    expect(all).toEqual([
      'planner_finished planning>ready',
      'implement_finished implementing>reviewing',
      'verification_stale verifying>reviewing',
      'verification_stale done>reviewing',
      'verification_stale done>verifying',
    ]);
  });

  it('by an answer is reported as the answer alone', () => {
    const all = statuses.flatMap((from) => statuses.flatMap((to) => texts([moved('resolve', from, to)])));
    expect(all).toEqual([]);
    const asked = 'resolve: attention.blocked > attention.clear';
    expect(texts([moved('resolve', 'planning', 'ready'), asked])).toEqual(['resolved planning>ready']);
    expect(texts([asked, moved('resolve', 'planning', 'ready')])).toEqual(['resolved planning>ready']);
  });

  it('by one event over several statuses is one event, from the first to the last', () => {
    const lines = [
      moved('review_approved', 'reviewing', 'verifying'),
      'review_approved: attention.clear > attention.clear',
      moved('review_approved', 'verifying', 'done'),
    ];
    expect(texts(lines)).toEqual(['review_approved reviewing>done']);
    const before = moved('review_approved', 'implementing', 'reviewing');
    expect(texts([before, ...lines])).toEqual(['review_approved implementing>done']);
  });

  it('by two events is two events', () => {
    const lines = [
      moved('planner_finished', 'planning', 'ready'),
      moved('implement_start', 'ready', 'implementing'),
      moved('implement_finished', 'implementing', 'reviewing'),
    ];
    expect(texts(lines)).toEqual([
      'planner_finished planning>ready',
      'implement_start ready>implementing',
      'implement_finished implementing>reviewing',
    ]);
    const again = [moved('plan_start', 'ready', 'planning'), moved('plan_start', 'ready', 'planning')];
    expect(texts(again)).toEqual(['plan_start ready>planning', 'plan_start ready>planning']);
  });

  it('is not sent for the opening of a plan in it', () => {
    expect(texts(['begun: > lifecycle.ready.planned'])).toEqual([]);
    expect(texts(['cancel: > lifecycle.ready.planned'])).toEqual([]);
  });

  it('is not sent while one of several planners finishes', () => {
    expect(texts([moved('planner_finished', 'planning', 'planning')])).toEqual([]);
    expect(texts([moved('planner_finished', 'planning', 'ready')])).toEqual(['planner_finished planning>ready']);
    expect(texts([moved('planner_finished', 'ready', 'ready')])).toEqual(['planner_finished ready>ready']);
    expect(texts([moved('plan_start', 'planning', 'planning')])).toEqual(['plan_start planning>planning']);
  });

  it('is not sent for a step by hand', () => {
    const lines = [moved('set_status', 'ready', 'done'), 'set_status: attention.blocked > attention.clear'];
    expect(texts(lines, { signal: 'set_status' })).toEqual([]);
    const tree = treeOf(planAt('done'));
    const step = stepWith([
      { signal: 'set_status', lines },
      { lines: ['pr_opened: pullRequest.none.idle > pullRequest.open.manual'] },
    ]);
    expect(hookEventsOf(tree, step)).toMatchObject([{ event: 'pr_created', from: 'done', to: 'done' }]);
  });

  it('is not sent if no state with a status was entered', () => {
    expect(texts(['x: lifecycle.done > lifecycle'])).toEqual([]);
  });
});

describe('the start of a plan', () => {
  it('is reported without a move, before what follows from it', () => {
    const lines = ['plan_start: attention.clear > attention.blocked'];
    expect(texts(lines, { signal: 'plan_start' })).toEqual(['plan_start ready>ready', 'blocked ready>ready']);
    expect(texts(lines)).toEqual(['blocked ready>ready']);
    expect(eventsOf([], { signal: 'plan_start' })).toEqual([
      { event: 'plan_start', from: 'ready', to: 'ready', details: {} },
    ]);
  });

  it('is reported once with a move', () => {
    const lines = [moved('plan_start', 'ready', 'planning')];
    expect(texts(lines, { signal: 'plan_start' })).toEqual(['plan_start ready>planning']);
  });
});

describe('an event beside the status', () => {
  it('has the status at that point of the step', () => {
    const first = 'x: pullRequest.none.idle > pullRequest.open.manual';
    const then = moved('mark_done', 'ready', 'done');
    expect(texts([first, then])).toEqual(['pr_created ready>ready', 'mark_done ready>done']);
    expect(texts([then, first])).toEqual(['mark_done ready>done', 'pr_created done>done']);
    expect(texts([first], { now: 'underway.reviewing.working' })).toEqual(['pr_created reviewing>reviewing']);
  });

  it('follows over the signals of one step', () => {
    const tree = treeOf(planAt('done'));
    const step = stepWith([
      { lines: [moved('mark_done', 'ready', 'done')] },
      { lines: ['x: pullRequest.none.idle > pullRequest.open.manual'] },
    ]);
    expect(hookEventsOf(tree, step).map(({ event, from }) => `${event} ${from}`)).toEqual([
      'mark_done ready',
      'pr_created done',
    ]);
  });

  it('is the pull request, once it is open', () => {
    const url = 'https://forge.example/7';
    const pull = (from: string, to: string) =>
      eventsOf([`x: pullRequest.${from} > pullRequest.${to}`], { context: { pullRequestUrl: url } });
    expect(pull('creating', 'open.manual')).toEqual([
      { event: 'pr_created', from: 'ready', to: 'ready', details: { pull_request_url: url } },
    ]);
    expect(pull('open.manual', 'open.pushing')).toEqual([]);
    expect(pull('creating', 'failed.idle')).toEqual([]);
    expect(pull('open.manual', 'merged')).toEqual([]);
  });

  it('is that of the plan itself only if the plan’s root moved', () => {
    expect(texts(['hello-x x: attention.clear > attention.blocked'])).toEqual([]);
  });
});

describe('a need of a person', () => {
  const at = (from: string, to: string, context: Partial<PlanContext> = {}) =>
    eventsOf([`x: attention.${from} > attention.${to}`], { context });
  const names = (...given: Parameters<typeof at>) => at(...given).map(({ event }) => event);

  it.each([
    ['clear', 'asked', ['blocked']],
    ['clear', 'blocked', ['blocked']],
    ['asked', 'blocked', ['blocked']],
    ['blocked', 'asked', []],
    ['clear', 'override', []],
    ['blocked', 'override', []],
    ['asked', 'clear', ['resolved']],
    ['blocked', 'clear', ['resolved']],
    ['override', 'clear', []],
    ['override', 'blocked', ['blocked']],
  ])('from %s to %s is %j', (from, to, expected) => {
    expect(names(from, to)).toEqual(expected);
  });

  it('says why, who asks, and what is used of a budget', () => {
    const none = { blocked_reason: null, blocked_source: null };
    expect(at('clear', 'blocked')[0]?.details).toEqual(none);
    const block = { reason: 'used up', source: 'budget', at: 1 } as const;
    const blocked = { blocked_reason: 'used up', blocked_source: 'budget' };
    expect(at('clear', 'blocked', { blocked: block })[0]?.details).toEqual(blocked);
    const budget = { scope: 'plan', measure: 'usd', limit: 5, spent: 6, title: null } as const;
    expect(at('clear', 'blocked', { blocked: { ...block, budget } })[0]?.details).toEqual({
      ...blocked,
      ...{ budget_scope: 'plan', budget_measure: 'usd', budget_limit: 5, budget_spent: 6 },
    });
    const question = { number: 1, title: 'hello-w1-t1', childId: null, run: 'x#1', question: 'tabs?', at: 1 };
    const questions = [question, question, { ...question, number: 2, title: null, question: 'why?' }];
    expect(at('clear', 'asked', { questions })[0]?.details).toEqual({
      blocked_reason: 'question 1 of hello-w1-t1: tabs?\n\nquestion 1 of hello-w1-t1: tabs?\n\nquestion 2: why?',
      ...{ blocked_source: 'agent', question: 2, instance: null },
    });
  });

  it('ends at once where a fault is over', () => {
    expect(resolvedNow(treeOf(planAt('underway.reviewing.working')))).toEqual({
      ...{ event: 'resolved', from: 'reviewing', to: 'reviewing', details: {} },
    });
  });
});

describe('a wave', () => {
  const wave = (line: string) => eventsOf([line]).map(({ event, details }) => [event, details]);
  it('begins, fails and ends under its number', () => {
    expect(wave('wave-12.34 begun: > running')).toEqual([['wave_started', { wave: 12 }]]);
    expect(wave('wave-12.34 retry: settled > running')).toEqual([['wave_started', { wave: 12 }]]);
    expect(wave('wave-1.2 ended: running > settled')).toEqual([['wave_failed', { wave: 1 }]]);
    expect(wave('wave-1.2 ended: running > succeeded')).toEqual([['wave_finished', { wave: 1 }]]);
    expect(wave('wave-1.2 end: running > ending')).toEqual([]);
  });
});

describe('a run and a task', () => {
  const path = 'wave-12.34/task-56.78/agent';
  const failed = agentAt(path, { title: 'hello-w1-t1', run: `${path}#2`, runs: 2, reason: 'timeout' });
  const told = (lines: string[], agents = [failed]) =>
    eventsOf(lines, { agents }).map(({ event, details }) => [event, details]);
  const details = { instance: 'hello-w1-t1', run: `${path}#2`, role: 'coder', attempt: 2, reason: 'timeout' };

  it.each(['backingOff', 'failed'])('a run that ends in %s has failed', (to) => {
    expect(told([`${path} run_exited: running > ${to}`])).toEqual([['run_failed', details]]);
  });

  it('a run that waits for another attempt already is not reported again', () => {
    expect(told([`${path} agent_kill: backingOff > failed`])).toEqual([]);
    expect(told([`${path} agent_kill: waiting.rateLimit > failed`])).toEqual([]);
    expect(told([`${path} run_exited: running > succeeded`])).toEqual([]);
    expect(told([`${path} end: running > cancelled`])).toEqual([]);
    expect(told([`${path} run_exited: running > waiting.rateLimit`])).toEqual([]);
  });

  it('a task fails for the reason of its last agent', () => {
    const task = 'wave-12.34/task-56.78 ended: working > failed';
    const other = agentAt('wave-12.34/task-5.78/agent', { reason: 'killed' });
    const long = agentAt('wave-12.34/task-56.789/agent', { reason: 'killed' });
    expect(told([task], [agentAt(path, { reason: 'lost' }), failed, other, long])).toEqual([
      ['task_failed', { wave: 12, task: 56, reason: 'timeout' }],
    ]);
    expect(told([task], [])).toEqual([['task_failed', { wave: 12, task: 56, reason: null }]]);
    expect(told(['wave-12.34/task-56.78 ended: working > done'])).toEqual([]);
    expect(told(['coder.3 ended: working > failed'])).toEqual([]);
  });

  it('an actor that the step has no account of is not reported', () => {
    expect(told([`${path} run_exited: running > failed`], [])).toEqual([]);
    expect(told(['x/wave-1.2 begun: > running', 'wave-1.2/x begun: > queued'], [])).toEqual([]);
    expect(told(['x/wave-1.2/task-1.1 ended: working > failed'], [])).toEqual([]);
  });
});
