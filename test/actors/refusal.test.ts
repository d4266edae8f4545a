/** Which signals a plan and its agents take in a state, and the data of a refusal: who refuses, in which state, why, and what would be taken instead. */
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import type { Found } from '../../actors/addressee.ts';
import {
  acceptedSignals,
  answerObstacle,
  holdsOf,
  isAccepted,
  isHeld,
  isPreApplied,
  isSuppressed,
  offersOf,
  openQuestions,
  receptionOf,
  refusalOf,
  roleObstacle,
  waitsForPerson,
} from '../../actors/refusal.ts';
import type { AgentContext } from '../../machines/agent/context.ts';
import type { Draft, PlanContext, Question } from '../../machines/plan/context.ts';
import { noPull, type PullRequest } from '../../machines/vocabulary/plan-pull.ts';
import { planStatuses } from '../../machines/vocabulary/plan-status.ts';
import { type Signal, type SignalType, signalTypes } from '../../machines/vocabulary/signal.ts';
import { machines } from '../../runtime/base/charts/machines.ts';
import { atRest, planAt, valueAt } from '../support/at-rest.ts';
import { nodesOf } from '../support/cells.ts';
import { planText } from '../support/simulation.ts';

const question: Question = {
  number: 1,
  title: 'hello-w1-t1',
  childId: 'x',
  run: 'x#1',
  question: 'tabs?\nor not',
  at: 1,
};
const other: Question = { ...question, number: 2, title: 'hello-w1-t2', run: 'y#1', question: 'why?' };
const byHand: Question = { ...question, number: 3, title: null, run: null, question: 'who pays?' };
const request: PullRequest = {
  ...{ number: 7, url: 'https://forge.example/7', server: 'forge', head: 'x', pass: 0, cycles: 0, failing: {} },
};
const running = 'underway.implementing.wave.running';

const signal = (type: SignalType, more: object = {}) =>
  ({ type, payload: {}, origin: 'person', actor: '', run: null, at: 9, ...more }) as Signal;
const withQuestions = (...questions: Question[]) => ({ context: { questions } });

const lives = [...nodesOf(machines.plan.root)]
  .filter(({ path, states }) => path[0] === 'lifecycle' && Object.keys(states).length === 0)
  .map(({ path }) => path.slice(1).join('.'))
  .filter((life) => life !== '' && !life.endsWith('choosing'));

describe('the signals that a plan takes from a person', () => {
  /** Taken, then refused with the reason, if there is one. */
  const shown = (root: AnyActorRef) => {
    const offers = offersOf(root, 9);
    const taken = offers.flatMap(({ type, isTaken }) => (isTaken ? [type] : []));
    const why = offers.flatMap(({ type, guard }) => (guard === null ? [] : [`  ${type}: ${guard}`]));
    return [`  takes ${taken.join(', ')}`, ...why].join('\n');
  };

  it('depend on the state of its life', () => {
    expect(lives.length).toBeGreaterThan(20);
    expect(lives.map((life) => `${life}\n${shown(planAt(life))}`).join('\n')).toMatchSnapshot();
  });

  it('depend on what it waits for', () => {
    const block = (source: string) => ({ blocked: { reason: 'x', source, at: 1 } }) as Partial<PlanContext>;
    const draft: Draft = { number: 4, childId: 'x', title: 'x', state: 'finished', content: '', detail: '' };
    const plans: Record<string, AnyActorRef> = {
      paused: planAt(running, { regions: { gate: 'paused' } }),
      'asked by an agent': planAt(running, { regions: { attention: 'asked' }, ...withQuestions(question) }),
      'asked by two agents': planAt(running, { regions: { attention: 'asked' }, ...withQuestions(question, other) }),
      'asked by hand': planAt(running, { regions: { attention: 'blocked' }, ...withQuestions(byHand) }),
      blocked: planAt(running, { regions: { attention: 'blocked' }, context: block('failed') }),
      'after a status set by hand': planAt(running, { regions: { attention: 'override' }, context: block('override') }),
      'with drafts to choose from': planAt('planning.deciding', {
        regions: { attention: 'blocked' },
        context: { ...block('choice'), drafts: [{ ...draft, number: 3, state: 'failed' }, draft] },
      }),
      'without a draft to choose': planAt('planning.deciding', {
        context: { drafts: [{ ...draft, state: 'failed' }] },
      }),
      'before the first wave': planAt('ready.planned', { context: { wave: 0 } }),
      'after the last wave': planAt('underway.reviewing.working', { context: { wave: 2 } }),
      'beyond its waves': planAt('ready.planned', { context: { wave: 7 } }),
    };
    expect(
      Object.entries(plans)
        .map(([name, root]) => `${name}\n${shown(root)}`)
        .join('\n'),
    ).toMatchSnapshot();
  });

  it('are those that concern the plan itself, without documents and statuses', () => {
    const types = offersOf(planAt('ready.planned'), 9).map(({ type }) => type);
    const withName: SignalType[] = [
      'plan_updated',
      'set_status',
      'agent_kill',
      'implement_task_finished',
      'run_exited',
    ];
    for (const type of withName) expect(types).not.toContain(type);
    for (const type of withName) expect(acceptedSignals(planAt(running), 9)).not.toContain(type);
    expect(types).toContain('cancel');
  });

  it('are the same, one by one', () => {
    for (const root of [planAt(running), planAt('done'), planAt(running, withQuestions(question, other))]) {
      const all = offersOf(root, 9);
      expect(all.filter(({ isTaken }) => isTaken).map(({ type }) => type)).toEqual(acceptedSignals(root, 9));
      for (const { type, isTaken } of all) expect(isAccepted(root, type, 9)).toBe(isTaken);
    }
  });

  it('of another tree are its own', () => {
    expect(acceptedSignals(atRest('repo', 'active'), 9)).toEqual(['repo_paused']);
  });
});

describe('a plan that waits for a person', () => {
  const agentSignal = (type: SignalType) => signal(type, { origin: 'agent:hello-w1-t1', run: 'x#1' });
  const nobody: Found = { kind: 'nobody', what: 'x' };
  const root = (attention: string, context: Partial<PlanContext> = {}) =>
    planAt(running, { regions: { attention }, context });

  it.each([
    ['clear', [], false],
    ['asked', ['agent', 'file'], false],
    ['blocked', ['agent', 'file', 'agent.run'], true],
    ['override', [], false],
  ])('in %s holds %j', (attention, holds, waits) => {
    expect([...holdsOf(root(attention))]).toEqual(holds);
    expect(waitsForPerson(root(attention))).toBe(waits);
  });

  it('holds what agents and files send, and nothing of people', () => {
    const held = (origin: string, type: SignalType = 'review_approved', at = 'blocked') =>
      isHeld(root(at), signal(type, { origin }), nobody);
    expect(held('agent:hello-w1-t1')).toBe(true);
    expect(held('file')).toBe(true);
    for (const origin of ['person', 'person:ann', 'engine', 'machine:deploy:1']) expect(held(origin)).toBe(false);
    expect(held('file', 'review_approved', 'clear')).toBe(false);
  });

  it('holds no question', () => {
    expect(isHeld(root('blocked'), agentSignal('needs_decision'), nobody)).toBe(false);
  });

  it('that is being ended holds a signal to reopen it, from anyone', () => {
    const ending = planAt('cancelled.ending');
    expect(isHeld(ending, signal('reopen'), nobody)).toBe(true);
    expect(isHeld(ending, signal('start_over'), nobody)).toBe(false);
    expect(isHeld(planAt('cancelled.ended'), signal('reopen'), nobody)).toBe(false);
    const both = planAt('cancelled.ending', { regions: { attention: 'asked' } });
    expect([...holdsOf(both)].sort()).toEqual(['agent', 'file', 'reopen']);
  });

  it('because of tasks alone takes the end of another task', () => {
    const task = atRest('task', 'working', { context: { path: 'wave-1.1/task-1.1' } });
    const found: Found = { kind: 'actor', ref: task };
    const held = (run: string | null, type: SignalType = 'implement_task_finished', to: Found = found) =>
      isHeld(root('asked', { questions: [{ ...question, run }] }), agentSignal(type), to);
    expect(held('wave-1.1/task-2.1/agent#1')).toBe(false);
    expect(held('wave-1.1/task-1.10/agent#1')).toBe(false);
    expect(held('wave-1.1/task-1.1/agent#1')).toBe(true);
    expect(held('wave-1.1/task-1.1/agent#1', 'implement_task_finished', nobody)).toBe(false);
    expect(held(null)).toBe(false);
    expect(held('wave-1.1/task-2.1/agent#1', 'implement_finished')).toBe(true);
    const nameless: Found = {
      kind: 'actor',
      ref: atRest('task', 'working', { context: { path: undefined as never } }),
    };
    expect(held('undefined/agent#1', 'implement_task_finished', nameless)).toBe(false);
  });

  it('knows whose questions are open', () => {
    expect([...openQuestions(root('asked', { questions: [question, byHand, other] }))]).toEqual(['x#1', 'y#1']);
    expect([...openQuestions(atRest('repo', 'active'))]).toEqual([]);
  });
});

describe('an answer without a number', () => {
  const obstacle = (context: Partial<PlanContext>, payload: object = { body: 'yes' }, type = 'resolve') =>
    answerObstacle(planAt(running, { context: { questions: [], blocked: null, ...context } }), { type, payload });
  const blocked = { reason: 'x', source: 'failed', at: 1 } as const;

  it('is clear where nothing or one thing waits', () => {
    expect(obstacle({})).toBeNull();
    expect(obstacle({ blocked })).toBeNull();
    expect(obstacle({ questions: [question] })).toBeNull();
    expect(obstacle({ questions: [question], blocked: { ...blocked, source: 'override' } })).toBeNull();
  });

  it('is clear where it names the agents, or is another signal', () => {
    const questions = [question, other];
    expect(obstacle({ questions }, { answers: { 'hello-w1-t1': 'yes' } })).toBeNull();
    expect(obstacle({ questions }, {}, 'answer')).toBeNull();
  });

  it('needs a text for the agent that asks, and none for a question by hand', () => {
    const text = 'question 1 of hello-w1-t1 waits for an answer: stator plan answer hello#1 "<your answer>"';
    for (const payload of [{}, { body: ' \n' }]) expect(obstacle({ questions: [question] }, payload)).toBe(text);
    expect(obstacle({ questions: [byHand] }, {})).toBeNull();
  });

  it('is unclear where several things wait, and lists them', () => {
    expect(obstacle({ questions: [question, other] })).toMatchInlineSnapshot(`
      "it does not say which question it answers, and 2 are open
      question 1 of hello-w1-t1: tabs?; or not: stator plan answer hello#1 "<your answer>"
      question 2 of hello-w1-t2: why?: stator plan answer hello#2 "<your answer>""
    `);
    expect(obstacle({ questions: [question, other, byHand], blocked })).toMatchInlineSnapshot(`
      "it does not say which question it answers, and 3 are open
      question 1 of hello-w1-t1: tabs?; or not: stator plan answer hello#1 "<your answer>"
      question 2 of hello-w1-t2: why?: stator plan answer hello#2 "<your answer>"
      question 3: who pays?: stator plan answer hello#3 "<your answer>"
      it is blocked as well (a step failed): answer first, then resolve"
    `);
    expect(obstacle({ questions: [byHand], blocked })).toMatchInlineSnapshot(`
      "it does not say which question it answers, and one is open
      question 3: who pays?: stator plan answer hello#3 "<your answer>"
      it is blocked as well (a step failed): answer first, then resolve"
    `);
  });
});

describe('the end of the implementation', () => {
  it('changes nothing while the plan has waves to go', () => {
    const suppressed = (life: string, type: SignalType) => isSuppressed(planAt(life), signal(type));
    expect(suppressed(running, 'implement_finished')).toBe(true);
    expect(suppressed('underway.implementing.wave.waiting', 'implement_finished')).toBe(true);
    expect(suppressed(running, 'cancel')).toBe(false);
    expect(suppressed('underway.implementing.single.working', 'implement_finished')).toBe(false);
  });
});

describe('an actor', () => {
  const agent = (state: string, type: string, context: Partial<AgentContext> = {}) =>
    receptionOf(atRest('agent', valueAt(state), { context }), { type, at: 9, origin: 'engine', run: null });

  it('takes, ignores or refuses an event', () => {
    expect(agent('queued', 'run_starting')).toBe('taken');
    expect(agent('running', 'end')).toBe('taken');
    expect(agent('starting', 'agent_send')).toBe('taken');
    expect(agent('stopping', 'run_starting')).toBe('ignored');
    expect(agent('queued', 'timer_due')).toBe('refused');
  });

  it('that has ended refuses everything', () => {
    for (const state of ['succeeded', 'failed', 'cancelled']) expect(agent(state, 'agent_send')).toBe('refused');
    const broken = atRest('agent', 'running');
    Object.assign(broken.getSnapshot(), { status: 'error' });
    expect(receptionOf(broken, { type: 'end', at: 9 })).toBe('refused');
  });
});

describe('an agent', () => {
  const of = (type: SignalType, context: Partial<AgentContext>, more: object = {}, plan: Partial<PlanContext> = {}) => {
    const coder = atRest('agent', 'running', { context: { path: 'x', ...context } });
    const root = planAt(running, { context: plan, children: { x: coder } });
    return roleObstacle(root, signal(type, { origin: 'agent:hello', run: 'x#1', ...more }));
  };

  it('may send what belongs to its role', () => {
    expect(of('review_approved', { role: 'reviewer' })).toBeNull();
    expect(of('review_approved', { role: 'coder' })).toBe('not from a coder');
    expect(of('review_approved', { role: 'architect' })).toBe('not from an architect');
    expect(of('needs_decision', { role: 'coder' })).toBeNull();
  });

  it('is not judged where the sender does not exist, or has ended', () => {
    expect(of('review_approved', { role: 'coder' }, { origin: 'person' })).toBeNull();
    expect(of('review_approved', { role: 'coder' }, { run: null })).toBeNull();
    expect(of('review_approved', { role: 'coder' }, { run: 'y#1' })).toBeNull();
    expect(of('review_approved', { role: undefined as never })).toBeNull();
  });

  it('reports its own task and no other', () => {
    const finished = (wave_number: number, task_number: number, own: Partial<AgentContext> = { wave: 1, task: 2 }) =>
      of('implement_task_finished', own, { payload: { wave_number, task_number } });
    const not = 'not from the agent of another task: it works on task 2 of wave 1';
    expect(finished(1, 2)).toBeNull();
    expect(finished(2, 2)).toBe(not);
    expect(finished(1, 1)).toBe(not);
    expect(finished(1, 1, { wave: null, task: 2 })).toBeNull();
    expect(finished(1, 1, { wave: 1, task: null })).toBeNull();
    expect(of('implement_finished', { wave: 1, task: 2, role: 'coder' }, { payload: { wave_number: 9 } })).toBeNull();
  });

  it('that writes one of several drafts may only hand it in', () => {
    const drafts: Draft[] = [];
    const planner = atRest('agent', 'running', { context: { path: 'draft-1.1', role: 'planner' } });
    const root = planAt('planning.drafting', { context: { drafts }, children: { 'draft-1.1': planner } });
    const may = (type: SignalType) => roleObstacle(root, signal(type, { origin: 'agent:x', run: 'draft-1.1#1' }));
    expect(may('plan_start')).toBe('not from one of several planners');
    expect(may('planner_finished')).toBe('not from a planner whose draft is handed in: another one may be chosen');
    expect(may('needs_decision')).toBeNull();
  });
});

describe('a refusal', () => {
  const refused = (root: AnyActorRef, event: object, ref = root) =>
    refusalOf(root, ref, { type: '', at: 9, origin: 'person', run: null, ...event });

  it('names the plan, its state, and what it would take', () => {
    const root = planAt('ready.planned');
    expect(refused(root, { type: 'review_approved' })).toEqual({
      ...{ by: 'plan', state: 'ready.planned', guard: null, accepts: acceptedSignals(root, 9) },
    });
  });

  it('names an agent by its path, and what the agent would take', () => {
    const agent = (state: string) => atRest('agent', valueAt(state), { context: { path: 'x/agent' } });
    const root = planAt(running);
    expect(refused(root, { type: 'agent_resume' }, agent('running'))).toEqual({
      ...{ by: 'x/agent', state: 'running', guard: null },
      accepts: ['agent_kill', 'agent_restart', 'agent_pause', 'agent_send'],
    });
    expect(refused(root, { type: 'agent_pause' }, agent('waiting.rateLimit'))).toMatchObject({
      ...{ state: 'waiting.rateLimit', accepts: ['agent_kill', 'agent_restart', 'agent_send'] },
    });
    expect(refused(root, { type: 'cancel' }, agent('running')).accepts).toEqual(acceptedSignals(root, 9));
    expect(refused(root, { type: 'unknown' }, agent('running')).accepts).toEqual(acceptedSignals(root, 9));
  });

  it('names an actor without a path by its chart', () => {
    const repo = atRest('repo', 'active', { context: { path: 7 } });
    expect(refused(repo, { type: 'repo_resumed' })).toMatchObject({ by: 'repo', state: 'active', guard: null });
  });

  const why = (life: string, event: object, context: Partial<PlanContext> = {}, regions = {}) =>
    refused(planAt(life, { context, regions }), event).guard;

  it('says in names and numbers which condition does not hold', () => {
    const verifying = 'underway.verifying.working';
    const agent = { origin: 'agent:hello-verify', run: 'x#1' };
    const deciding = 'planning.deciding';
    const drafts: Draft[] = [{ number: 1, childId: 'draft-1.1', title: 'x', state: 'failed', content: '', detail: '' }];
    const writing: Draft[] = [
      { number: 1, childId: 'draft-1.1', title: 'x', state: 'writing', content: null, detail: '' },
    ];
    const seen = { head: 'f'.repeat(40), branch: 'plan/hello' };
    const reasons = {
      'a stale approval': why(
        'underway.reviewing.working',
        { type: 'review_approved', ...agent, reviewed_sha: '0'.repeat(40) },
        seen,
      ),
      'a stale verification': why(verifying, { type: 'verify_approved', ...agent, reviewed_sha: '0'.repeat(40) }, seen),
      'a large fix by a verifier': why(
        verifying,
        { type: 'verify_approved', ...agent, reviewed_sha: seen.head },
        { ...seen, selfFix: { abc: 999 } },
      ),
      'a draft that is not there': why(deciding, { type: 'choose', draft: 7 }, { drafts }),
      'a draft that failed': why(deciding, { type: 'choose', draft: 1 }, { drafts }),
      'a draft that is not written': why(
        'planning.drafting',
        { type: 'planner_draft_finished', planner_id: '1' },
        { drafts: writing },
      ),
      'a draft of nobody': why(
        'planning.drafting',
        { type: 'planner_draft_finished', planner_id: '7' },
        { drafts: writing },
      ),
      'a document of nobody': why(
        'planning.drafting',
        { type: 'plan_updated', content: planText([1]) },
        { drafts: writing },
      ),
      'an answer to a question that is not open': why(
        running,
        { type: 'answer', questions: [1, 2], body: 'x' },
        { questions: [{ ...question, number: 2 }], questionCount: 2 },
      ),
      'a document that does not parse': why(
        'planning.working',
        { type: 'planner_finished' },
        { isParsed: false, problem: 'line 3: x' },
      ),
      'a plan without waves': why(
        'ready.draft',
        { type: 'implement_start' },
        { isParsed: false, problem: 'line 3: x' },
      ),
      'a status that needs a document': why(
        running,
        { type: 'set_status', status: 'planned' },
        { isParsed: false, problem: 'line 3: x' },
      ),
      'an edit of work that has begun': why(
        running,
        { type: 'plan_updated', content: planText([1]), notBegun: [] },
        { wave: 1 },
      ),
      'an acceptance before there is work': why(
        'underway.reviewing.working',
        { type: 'resolve', accept: true },
        { blocked: { reason: 'x', source: 'failed', at: 1 } },
        { attention: 'blocked' },
      ),
      'a pull request that shows the work already': why(
        'done',
        { type: 'create_pr' },
        { head: 'x', pull: { ...noPull, request: { ...request, head: 'x' } } },
        { pullRequest: 'open.unpushed.idle' },
      ),
      'a wave that is not there': why('ready.planned', { type: 'implement_wave', wave_number: 9 }),
      'nobody who plans': why('ready.planned', { type: 'plan_start' }, noPlanner()),
      'no more questions': why(
        running,
        { type: 'needs_decision', reason: 'x' },
        { questions: Array.from({ length: 40 }, () => byHand) },
      ),
    };
    expect(
      Object.entries(reasons)
        .map(([name, text]) => `${name}: ${text}`)
        .join('\n'),
    ).toMatchSnapshot();
  });

  it('never says the name of a condition', () => {
    const names = Object.keys(machines.plan.implementations.guards);
    const said = lives.flatMap((life) => offersOf(planAt(life), 9).flatMap(({ guard }) => guard ?? []));
    expect(said.filter((text) => names.includes(text))).toEqual([]);
  });

  it('leaves out the conditions of other states than its own', () => {
    expect(why('ready.planned', { type: 'merge' })).toBeNull();
    expect(why('ready.planned', { type: 'pr_merged' })).toBeNull();
    expect(why('done', { type: 'pr_merged' }, {}, { pullRequest: 'open.manual' })).not.toBe('pullIsOpen');
  });

  function noPlanner(): Partial<PlanContext> {
    const { policy } = planAt('ready.planned').getSnapshot().context as PlanContext;
    const roles = { ...policy.roles, planner: { ...policy.roles.planner, on: false } };
    return { policy: { ...policy, roles } };
  }
});

describe('a transition that a person made before the signal', () => {
  const lifeOf = {
    ...{ ready: 'ready.planned', planning: 'planning.working', implementing: running, done: 'done' },
    ...{
      reviewing: 'underway.reviewing.working',
      verifying: 'underway.verifying.working',
      cancelled: 'cancelled.ended',
    },
  };
  const applied = { fsm_applied: true };

  it('is recognized by the status that the signal leads to', () => {
    const known = signalTypes.flatMap((type) => {
      const at = planStatuses.filter((status) =>
        isPreApplied(planAt(lifeOf[status]), signal(type, { payload: applied })),
      );
      return at.length === 0 ? [] : [`${type} ${at.join(', ')}`];
    });
    expect(known.join('\n')).toMatchInlineSnapshot(`
      "plan_start planning
      planner_finished ready
      implement_start implementing
      implement_finished reviewing
      review_approved verifying, done
      review_changes_requested implementing
      verify_approved done
      verify_failed implementing
      start_over planning
      reimplement implementing
      request_review reviewing
      cancel cancelled
      reopen ready, planning
      mark_done done"
    `);
  });

  it('does not exist where the signal does not say so', () => {
    for (const payload of [{}, { fsm_applied: false }, { body: 'x' }])
      expect(isPreApplied(planAt('done'), signal('mark_done', { payload }))).toBe(false);
  });
});
