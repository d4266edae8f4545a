/** The children of a plan's root: what each of them is started with, what it is sent, and what its end leaves. One action alone. */
import { describe, expect, it } from 'vitest';
import { agentInput, noVerdictText } from '../../machines/plan/children.ts';
import { documentFacts, type PlanContext, type PlanRole, type Question } from '../../machines/plan/context.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import { afterAction, ofPolicy, planWith, type Step } from '../support/one-action.ts';

const children = (kinds: Record<string, string>, more: Partial<PlanContext> = {}): Partial<PlanContext> => ({
  liveChildren: kinds as never,
  ...more,
});
const active = (kind: string, more: Partial<PlanContext> = {}) =>
  children({ x: kind, y: 'fixer' }, { activeChildId: 'x', ...more });
const sent = (name: string, step: Step) => afterAction(name, step).sent;
const done = { status: 'done', runs: 1, reason: null, detail: '', run: 'x#1' } as const;
const session = { session: { folder: '/s' } };

describe('an agent of the whole plan', () => {
  const { reviewer, coder, session: ofSession } = defaultPolicy.roles;
  const failed = { role: 'reviewer', run: 'r#1', reason: 'exit-code', detail: 'no' } as const;
  const before = {
    branch: 'plan/hello',
    ...ofPolicy({ roles: { ...defaultPolicy.roles, reviewer: { ...reviewer, speaksByExit: true } } }),
  };
  const input = (role: Parameters<typeof agentInput>[1], more: Partial<PlanContext> = {}) =>
    agentInput(planWith({ ...before, ...more }), role, 3);

  it('has its role’s limits, the plan’s branch and its feedback', () => {
    const { attempts, timeoutMs, idleMs } = reviewer;
    expect(input('reviewer')).toEqual({
      ...{
        title: 'hello-review-3',
        role: 'reviewer',
        wave: null,
        task: null,
        branch: 'plan/hello',
        from: 'plan/hello',
      },
      ...{ attempts, timeoutMs, idleMs, speaksByExit: true, feedback: 'earlier' },
    });
  });

  it('that works speaks by no exit', () => {
    const speaking = ofPolicy({ roles: { ...defaultPolicy.roles, coder: { ...coder, speaksByExit: true } } });
    expect(input('coder', speaking).speaksByExit).toBe(false);
  });

  it('has the last run of the agent that it replaces, in the same role', () => {
    expect(input('reviewer', { failed }).previous).toEqual({ run: 'r#1', reason: 'exit-code', detail: 'no' });
    expect(input('verifier', { failed })).not.toHaveProperty('previous');
    expect(input('reviewer', { failed: null })).not.toHaveProperty('previous');
    expect(input('reviewer')).not.toHaveProperty('previous');
  });

  it('of a session works in its folder, in one conversation', () => {
    const { attempts, timeoutMs } = ofSession;
    expect(input('coder', session)).toMatchObject({
      title: 'hello-session',
      role: 'session',
      folder: '/s',
      attempts,
      timeoutMs,
    });
    expect(input('reviewer', session)).toMatchObject({ title: 'hello-review-3', role: 'reviewer', folder: '/s' });
    expect(input('reviewer', { session: null })).not.toHaveProperty('folder');
    expect(input('reviewer', { session: undefined as never })).not.toHaveProperty('folder');
  });
});

describe('a coordinator is started', () => {
  const coordinators = [
    ['startPlanner', 'planner', 1, { reviewer: 3, fixer: 4, verifier: 5 }],
    ['startArchitect', 'architect', 1, { reviewer: 3, fixer: 4, verifier: 5 }],
    ['startJudge', 'architect', 1, { reviewer: 3, fixer: 4, verifier: 5 }],
    ['startReviewer', 'reviewer', 4, { reviewer: 4, fixer: 4, verifier: 5 }],
    ['startVerifier', 'verifier', 6, { reviewer: 3, fixer: 4, verifier: 6 }],
  ] as const;
  it.each(coordinators)('%s', (name, role, round, rounds) => {
    const before = children(
      { y: 'wave' },
      { stopCause: { source: 'failed', reason: '' }, failed: { role, run: 'r', reason: 'lost', detail: '' } as never },
    );
    const { started, context } = afterAction(name, { before });
    const id = `${role}.7`;
    const input = { ...agentInput(planWith(before), role, round), path: id, at: 9 };
    expect(started).toEqual([{ id, input: name === 'startJudge' ? { ...input, chooses: true } : input }]);
    expect(context).toMatchObject({ count: 7, rounds, activeChildId: id, stopCause: null, failed: null, at: 9 });
    expect(context.liveChildren).toEqual({ y: 'wave', [id]: role });
    expect(context.selfFix).toEqual(role === 'verifier' ? {} : { old: 1 });
  });

  it('with nothing fixed by a verifier, where that was never noted', () => {
    expect(afterAction('startReviewer', { before: { selfFix: undefined as never } }).context.selfFix).toEqual({});
  });
});

describe('a worker is started', () => {
  const checked = documentFacts('# Plan\n\n## Wave 1\n\n### Task 1: a\n\n**Check:** true\n**Agent:** strong\n');
  it('as the coder of the whole plan', () => {
    const before = children({ y: 'wave' }, { ...ofPolicy({ require_change: true }), title: 'Hello' });
    const { started, sent: orders, context } = afterAction('startCoder', { before });
    const input = {
      path: 'coder.7',
      wave: null,
      number: null,
      message: 'Hello (hello)',
      hasCheck: false,
      requireChange: true,
      at: 9,
    };
    expect(started).toMatchObject([
      { id: 'coder.7', input: { ...input, agent: { title: 'hello-coder', role: 'coder' } } },
    ]);
    expect(orders).toEqual([['coder.7', { type: 'start', at: 9 }]]);
    expect(context).toMatchObject({ count: 7, activeChildId: 'coder.7', stopCause: null, failed: null, at: 9 });
    expect(context.rounds).toEqual({ reviewer: 3, fixer: 4, verifier: 5 });
    expect(context.liveChildren).toEqual({ y: 'wave', 'coder.7': 'coder' });
  });

  it('as a coder with what the document asks for', () => {
    const of = (before: Partial<PlanContext>) => afterAction('startCoder', { before }).started[0]?.input;
    expect(of({ ...checked, title: null })).toMatchObject({
      message: 'hello (hello)',
      hasCheck: true,
      agent: { agent: 'strong' },
    });
    expect(of(ofPolicy({ require_change: false }))).toMatchObject({ requireChange: false });
    expect(of({})).not.toHaveProperty('agent.agent');
    const second =
      '# Plan\n\n## Wave 1\n\n### Task 1: a\n\n### Task 2: b\n\n**Check:** true\n\n## Wave 2\n\n### Task 1: c\n';
    expect(of(documentFacts(second))).toMatchObject({ hasCheck: true });
    // A check of a task that was left behind is not among those that the work must pass.
    expect(of({ ...documentFacts(second), results: { 1: { 1: done } } })).toMatchObject({ hasCheck: false });
    const small = { ...defaultPolicy.roles, coder: { ...defaultPolicy.roles.coder, small: 'light' } };
    expect(JSON.stringify(of({ ...checked, ...ofPolicy({ roles: small }) }))).toContain('"agent":"strong"');
  });

  it('as a fixer in a round of its own, without change if it finds none', () => {
    const before = { ...checked, ...ofPolicy({ require_change: true }) };
    const { started, context } = afterAction('startFixer', { before });
    expect(started).toMatchObject([
      {
        id: 'fixer.7',
        input: {
          message: 'fix round 5 (hello)',
          hasCheck: true,
          requireChange: false,
          agent: { title: 'hello-fix-5', role: 'fixer' },
        },
      },
    ]);
    expect(started[0]?.input).not.toHaveProperty('agent.agent');
    expect(context.rounds).toEqual({ reviewer: 3, fixer: 5, verifier: 5 });
    expect(context.liveChildren).toEqual({ 'fixer.7': 'fixer' });
  });

  it('as one that brings the plan to its base, before its checks can pass', () => {
    expect(afterAction('startMender', { before: checked }).started).toMatchObject([
      { id: 'fixer.7', input: { hasCheck: false } },
    ]);
  });
});

describe('a wave is started', () => {
  it('with its tasks and what is done of them', () => {
    const before = children(
      { y: 'fixer' },
      { wantedWave: 2, results: { 2: { 1: done } }, stopCause: { source: 'failed', reason: '' } },
    );
    const { started, context } = afterAction('startWave', { before: { ...before, branch: 'plan/hello' } });
    const { require_change: requireChange, isolation, roles } = defaultPolicy;
    const plan = planWith(before);
    expect(started).toEqual([
      {
        id: 'wave-2.7',
        input: {
          ...{ path: 'wave-2.7', plan: 'hello', number: 2, branch: 'plan/hello', tasks: plan.waves[1]?.tasks },
          ...{ results: { 1: done }, requireChange, isolation, coder: roles.coder, feedback: 'earlier', at: 9 },
        },
      },
    ]);
    expect(context).toMatchObject({
      count: 7,
      activeChildId: 'wave-2.7',
      wave: 2,
      wantedWave: null,
      stopCause: null,
      at: 9,
    });
    expect(context.liveChildren).toEqual({ y: 'fixer', 'wave-2.7': 'wave' });
    expect(afterAction('startWave', { before: { wantedWave: null } }).started).toMatchObject([
      { id: 'wave-1.7', input: { results: {} } },
    ]);
  });

  it('only if it exists', () => {
    expect(() => afterAction('startWave', { before: { wantedWave: 7 } })).toThrow('plan hello has no wave 7 to start');
    expect(() => afterAction('startWave', { before: { wantedWave: null, waves: [] } })).toThrow(
      'plan hello has no wave null to start',
    );
  });
});

describe('a child that is no longer active', () => {
  const release = (type: string, before: Partial<PlanContext>, more: object = {}) => {
    const after = afterAction('releaseChild', { before, event: { type, ...more } });
    return { active: after.context.activeChildId, sent: after.sent };
  };
  it.each([
    'planner_finished',
    'planner_draft_finished',
    'choose',
    'elaborator_finished',
    'implement_finished',
    'review_approved',
    'review_changes_requested',
    'verify_approved',
    'verify_failed',
  ])('ends by itself after %s', (type) => {
    expect(release(type, active('coder'))).toEqual({ active: null, sent: [['x', { type: 'finish', at: 9 }]] });
  });

  it('is stopped otherwise; a wave always is', () => {
    const end = { active: null, sent: [['x', { type: 'end', at: 9 }]] };
    expect(release('resolve', active('coder'))).toEqual(end);
    expect(release('implement_finished', active('wave'))).toEqual(end);
  });

  it('is sent nothing if it has ended, or if all are sent the same', () => {
    const nothing = { active: null, sent: [] };
    for (const type of ['set_status', 'cancel', 'pr_merged']) expect(release(type, active('coder'))).toEqual(nothing);
    expect(release('xstate.done.actor.x', active('coder'), { actorId: 'x' })).toEqual(nothing);
    expect(release('xstate.done.actor.y', active('coder'), { actorId: 'y' }).sent).toHaveLength(1);
    expect(release('resolve', children({ x: 'coder' }))).toEqual(nothing);
  });
});

describe('orders', () => {
  const order = (id: string, type: string, more: object = {}) => [id, { type, at: 9, ...more }];
  it('go to all', () => {
    const before = active('wave');
    expect(sent('endAll', { before })).toEqual([order('x', 'end'), order('y', 'end')]);
    expect(sent('sendRequeue', { before })).toEqual([order('x', 'requeue'), order('y', 'requeue')]);
    expect(sent('concludeAll', { before })).toEqual([order('x', 'end'), order('y', 'conclude')]);
    expect(sent('concludeAll', { before: active('coder') })[0]).toEqual(order('x', 'conclude'));
    expect(afterAction('endAll', { before }).context.activeChildId).toBe(null);
    expect(afterAction('concludeAll', { before }).context.activeChildId).toBe(null);
    expect(afterAction('sendRequeue', { before }).context.activeChildId).toBe('x');
  });

  it('go to the active one', () => {
    expect(sent('sendFinish', { before: active('coder') })).toEqual([order('x', 'finish')]);
    expect(sent('sendRetry', { before: active('wave') })).toEqual([order('x', 'retry')]);
    for (const name of ['sendFinish', 'sendRetry', 'sendNoVerdict', 'sendStale'])
      expect(sent(name, { before: children({ x: 'coder' }) })).toEqual([]);
  });

  it('send an end without a verdict back, with why it does not count', () => {
    const judged = { type: 'agent_delivered', base: 'b'.repeat(40) };
    const before = active('reviewer', { head: 'a'.repeat(40) });
    const reason = (name: string, step: Step) => {
      const [[to, what] = []] = sent(name, step) as [
        string,
        { type: string; at: number; reason: string; detail: string },
      ][];
      expect(to).toBe('x');
      expect(what).toMatchObject({ type: 'reject', at: 9, reason: 'no-verdict' });
      return what?.detail;
    };
    expect(reason('sendNoVerdict', { before, event: judged })).toBe(
      'it ended without a verdict that counts: its run judged bbbbbbbbbbbb, but the branch is at aaaaaaaaaaaa now',
    );
    expect(reason('sendStale', { before, event: judged })).toBe(
      "exit code 0 approves the commit that the run began from, bbbbbbbbbbbb, and that is not the branch's head any more: aaaaaaaaaaaa",
    );
    const others: Step[] = [
      { before, event: { ...judged, base: 'a'.repeat(40) } },
      { before, event: { ...judged, base: null } },
      { before, event: { type: 'resolve', base: 'b'.repeat(40) } },
      { before: { ...before, head: null }, event: judged },
    ];
    for (const step of others) {
      expect(reason('sendNoVerdict', step)).toBe(noVerdictText);
      expect(reason('sendStale', step)).not.toContain('approves the commit');
    }
    const silent = (role: PlanRole) => reason('sendNoVerdict', { before: active(role), event: judged });
    expect(silent('planner')).toMatch(
      /^it ended without handing in the plan, .*: stator signal emit planner_finished$/,
    );
    expect(silent('architect')).toMatch(/stator signal emit elaborator_finished/);
    expect(noVerdictText).toMatchInlineSnapshot(
      `"it ended without saying what it found: neither by the line of its verdict in its last message nor, as a \`command\`, by a signal or exit code 0 or 1"`,
    );
  });

  it('accept the report of one that reported before its end', () => {
    expect(sent('thank', { before: active('coder'), event: { type: 'agent_delivered', id: 'y' } })).toEqual([
      order('y', 'accept'),
    ]);
  });

  it('give the running wave the tasks of the edited document', () => {
    const content = '# Plan\n\n## Wave 1\n\n### Task 1: a\n\n### Task 2: b\n\n### Task 3: c\n';
    const extend = (before: Partial<PlanContext>, text = content) =>
      sent('extendWave', { before, event: { type: 'plan_updated', content: text } });
    expect(extend(active('wave'))).toEqual([order('x', 'extend', { tasks: documentFacts(content).waves[0]?.tasks })]);
    expect(extend(active('wave', { wave: 2 }))).toEqual([order('x', 'extend', { tasks: [] })]);
    expect(extend(active('coder'))).toEqual([]);
    expect(extend(children({ x: 'wave' }))).toEqual([]);
  });

  it('bring an answer to the agent that asked, and to no other', () => {
    const question: Question = { number: 1, title: 't', childId: 'x', run: 'x#1', question: 'q', at: 1 };
    const answer = (questions: Question[], before: Partial<PlanContext> = active('coder')) =>
      sent('sendAnswers', {
        before: { ...before, questions },
        event: { type: 'answer', questions: [1], body: 'tabs' },
      });
    expect(answer([question])).toEqual([order('x', 'answered', { run: 'x#1', answer: 'tabs' })]);
    expect(answer([{ ...question, number: 2 }])).toEqual([]);
    expect(answer([{ ...question, childId: null }])).toEqual([]);
    expect(answer([{ ...question, run: null }])).toEqual([]);
    expect(answer([question], children({ y: 'coder' }))).toEqual([]);
  });
});

describe('the end of a child', () => {
  const end = (actorId: string) => ({
    type: `xstate.done.actor.${actorId}`,
    actorId,
    output: { at: 9, outcome: 'succeeded', run: null, runs: 1 },
  });
  it('is remembered, and the child forgotten', () => {
    const { context, asked } = afterAction('forget', { before: active('coder'), event: end('x') });
    expect(context).toMatchObject({ activeChildId: null, liveChildren: { y: 'fixer' }, count: 6 });
    expect(asked).toEqual([]);
  });

  it('of one of several planners leaves a worktree to remove', () => {
    const id = 'draft-2.3';
    const before = children({ [id]: 'planner' });
    expect(afterAction('forget', { before, event: end(id) })).toMatchObject({
      asked: [['askDraftRemoval', 2]],
      context: { count: 7 },
    });
  });
});
