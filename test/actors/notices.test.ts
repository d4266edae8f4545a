/** Which notifications people get of a step, by the public states that it left and entered. */
import { describe, expect, it } from 'vitest';
import { blockMessage, noticeEventsOf, noticeLimit, noticesOf } from '../../actors/notices.ts';
import type { AgentContext } from '../../machines/agent/context.ts';
import type { PlanContext, Question } from '../../machines/plan/context.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import { planAt, treeOf } from '../support/at-rest.ts';
import { agentAt, stepWith } from '../support/recorded-step.ts';

interface Given {
  readonly lines?: readonly string[];
  readonly signal?: SignalType;
  readonly payload?: object;
  readonly context?: Partial<PlanContext>;
  readonly agents?: Parameters<typeof stepWith>[1];
}

function noticesAt({ context = {}, agents = [], ...input }: Given) {
  return noticesOf(treeOf(planAt('underway.reviewing.working', { context })), stepWith([input], agents));
}
const texts = (given: Given) =>
  noticesAt(given).map(({ type, instance, message }) => `${type} ${instance ?? '-'}: ${message}`);

const path = 'wave-1.1/task-1.1/agent';
/** An agent's move, with its context after that. */
const told = (move: string, more: Partial<AgentContext> = {}) =>
  texts({ lines: [`${path} x: ${move}`], agents: [agentAt(path, more)] });

describe('an agent on its way through the queue', () => {
  it('is queued, has a slot, works and is done', () => {
    expect(told('> queued')).toEqual(['task_queued hello-w1-t1: hello-w1-t1 waits for a slot']);
    expect(told('queued > starting')).toEqual(['task_dequeued hello-w1-t1: hello-w1-t1 has a slot (attempt 1)']);
    expect(told('starting > running', { failures: 1 })).toEqual([
      'task_started hello-w1-t1: hello-w1-t1 works (attempt 2)',
    ]);
    expect(told('delivered > succeeded')).toEqual(['task_completed hello-w1-t1: hello-w1-t1 is done']);
    expect(told('running > cancelled')).toEqual([
      'task_completed hello-w1-t1: hello-w1-t1 was withdrawn: its work is no longer needed',
    ]);
  });

  it('is the same item while a later attempt waits, and while it goes on after a pause', () => {
    for (const move of ['backingOff > queued', 'paused > running', 'running > stopping', '> backingOff'])
      expect(told(move)).toEqual([]);
  });

  it('has failed for a reason, with the line that says why', () => {
    const failed = (more: Partial<AgentContext>, move = 'delivered > failed') => told(move, more);
    const begin = 'task_error hello-w1-t1: hello-w1-t1 failed: ';
    expect(failed({ reason: null })).toEqual([`${begin}no attempt is left`]);
    expect(failed({ reason: 'timeout' })).toEqual([`${begin}took too long`]);
    expect(failed({ reason: 'exit-code', detail: '\nfirst\nnext\nlast\n ' })).toEqual([
      `${begin}ended with an error: last`,
    ]);
    expect(failed({ reason: 'exit-code', detail: ' \n ' })).toEqual([`${begin}ended with an error`]);
    expect(failed({ reason: 'start-failed', detail: '\nfirst\nlast\n', runs: 1 })).toEqual([
      `${begin}could not start: first`,
    ]);
    expect(failed({ reason: 'check-failed', detail: 'first\nlast' })).toEqual([`${begin}its check failed: first`]);
    expect(failed({ reason: 'merge-failed', detail: 'first\nlast' })).toEqual([`${begin}could not be merged: first`]);
  });

  it('that never started has failed, and was not withdrawn', () => {
    const never = { reason: 'start-failed', detail: 'no program', runs: 0 } as const;
    expect(told('starting > cancelled', never)).toEqual([
      'task_error hello-w1-t1: hello-w1-t1 failed: could not start: no program',
    ]);
    expect(told('starting > cancelled', { ...never, runs: 1 })[0]).toMatch(/^task_completed /);
  });

  it('says which work was set aside, and nothing of another attempt that follows', () => {
    const aside = { reason: 'set-aside', failures: 2, detail: 'x is there' } as const;
    expect(told('delivered > backingOff', aside)).toEqual([
      'work_set_aside hello-w1-t1: hello-w1-t1: attempt 2 does not count: x is there',
    ]);
    expect(told('delivered > backingOff', { ...aside, reason: 'timeout' })).toEqual([]);
    expect(told('delivered > failed', aside)[0]).toMatch(/^task_error /);
  });

  it('is not reported where the step has no account of it, or another actor moved', () => {
    expect(texts({ lines: [`${path} x: > queued`] })).toEqual([]);
    expect(texts({ lines: ['wave-1.1/task-1.1 x: working > failed'], agents: [agentAt(path)] })).toEqual([]);
  });
});

const question: Question = { number: 3, title: 'hello-w1-t1', childId: null, run: 'x#1', question: 'tabs?', at: 1 };
const anyMove = ['wave-1.1 x: running > running'];

describe('a plan that needs a person says so', () => {
  const asks = [
    {
      ...{ type: 'agent_asks', instance: 'hello-w1-t1', message: 'question 3 of hello-w1-t1: tabs?' },
      details: { question: 3 },
    },
  ];
  const blocking = 'x: attention.clear > attention.blocked';

  it('with the newest question, under the agent that asks', () => {
    const context = { questions: [{ ...question, number: 1 }, { ...question, number: 2 }, question] };
    expect(noticesAt({ signal: 'needs_decision', lines: [blocking], context })).toEqual(asks);
    for (const asked of ['deletions', 'additions'])
      expect(noticesAt({ signal: 'work_committed', payload: { [asked]: {} }, lines: [blocking], context })).toEqual(
        asks,
      );
  });

  it('unless it is being ended, or no question is open', () => {
    const context = { questions: [question] };
    expect(texts({ signal: 'needs_decision', lines: [], context })).toEqual([]);
    expect(texts({ signal: 'needs_decision', lines: anyMove })).toEqual([]);
    const block = { reason: 'x', source: 'agent', at: 1 } as const;
    expect(texts({ signal: 'needs_decision', lines: [blocking], context: { blocked: block } })).toEqual([]);
  });

  it('with the source and the reason of its block', () => {
    const block = { reason: 'no tests', source: 'review', at: 1 } as const;
    const blocked = noticesAt({ lines: [blocking], context: { blocked: block } });
    expect(blocked).toMatchInlineSnapshot(`
      [
        {
          "instance": null,
          "message": "the review asks for changes: no tests",
          "type": "plan_blocked",
        },
      ]
    `);
    expect(texts({ lines: [blocking] })).toEqual(['plan_blocked -: it needs a person']);
    expect(texts({ signal: 'work_committed', lines: [blocking] })).toEqual(['plan_blocked -: it needs a person']);
    expect(texts({ signal: 'run_exited', payload: { deletions: {} }, lines: [blocking] })).toHaveLength(1);
    for (const quiet of ['x: attention.blocked > attention.clear', 'x: attention.clear > attention.asked', ...anyMove])
      expect(texts({ lines: [quiet] })).toEqual([]);
    expect(texts({ lines: [`hello ${blocking}`] })).toEqual([]);
  });

  it('with a wave that has failures', () => {
    const waiting =
      'wave_failed: lifecycle.underway.implementing.wave.running > lifecycle.underway.implementing.wave.waiting';
    expect(noticesAt({ lines: [...anyMove, waiting], context: { wave: 2 } })).toEqual([
      {
        ...{ type: 'wave_waiting', instance: null, details: { wave: 2 } },
        message: 'a wave has failures: retry it, go on without them, or cancel the plan',
      },
    ]);
    expect(texts({ lines: [waiting, blocking] })).toEqual(['plan_blocked -: it needs a person']);
  });
});

describe('people are notified of', () => {
  it('a budget that is nearly used up', () => {
    const use = { scope: 'attempt', measure: 'usd', limit: 5, spent: 4, title: 'hello-coder' };
    expect(noticesAt({ signal: 'budget_near', payload: use })).toEqual([
      {
        ...{
          type: 'budget_near',
          instance: 'hello-coder',
          message: '4 USD of 5 USD are used, the budget of hello-coder',
        },
        details: { budget_scope: 'attempt', budget_measure: 'usd', budget_limit: 5, budget_spent: 4 },
      },
    ]);
  });

  it('what was found at the end of a run, on one line', () => {
    const payload = { about: 'nested_kept', title: 'hello-coder', detail: 'kept:\na\nb:\nc' };
    expect(noticesAt({ signal: 'run_noted', payload })).toEqual([
      { type: 'nested_kept', instance: 'hello-coder', message: 'kept: a; b:; c' },
    ]);
  });

  it('a permission that a program asks for, one for each question', () => {
    const asked = (id: string, tool = 'Bash') => ({ id, tool, detail: 'rm \n\t x', askedAt: 1, dueAt: 2 });
    const agents = [agentAt(path, { permissions: [asked('p1', 'Read'), asked('p2')] }), agentAt('coder.2/agent')];
    expect(noticesAt({ signal: 'run_waiting', payload: { permission: 'p2' }, agents })).toEqual([
      {
        ...{ type: 'agent_asks', instance: 'hello-w1-t1', details: { permission: 'p2' } },
        message: 'hello-w1-t1 asks (p2) whether it may use Bash: rm x',
      },
    ]);
  });

  it('remarks on the pull request', () => {
    const remark = { id: '1', author: 'ann', text: 'why \n so?', url: 'https://forge.example/7#1' };
    expect(texts({ signal: 'pr_remarked', payload: { remarks: [remark, { ...remark, author: 'bob' }] } })).toEqual([
      'pr_remarked -: ann wrote on the pull request: why so? (https://forge.example/7#1)',
      'pr_remarked -: bob wrote on the pull request: why so? (https://forge.example/7#1)',
    ]);
  });

  it('a message that no agent gets', () => {
    const word = { number: 1, kind: 'message', title: 'hello-coder', author: 'person', text: 'hi', why: 'it is over' };
    expect(noticesAt({ signal: 'word_refused', payload: word })).toMatchInlineSnapshot(`
      [
        {
          "instance": "hello-coder",
          "message": "the message of a person to hello-coder reached no agent (it is over): hi",
          "type": "word_refused",
        },
      ]
    `);
  });

  it('nothing of such data under another signal', () => {
    const payload = {
      ...{ scope: 'plan', measure: 'usd', limit: 5, spent: 4, title: 'x', about: 'nested_kept', detail: 'x' },
      ...{ permission: 'p1', remarks: [{ author: 'x', text: 'x', url: 'x' }], why: 'x', kind: 'message', text: 'x' },
    };
    const permissions = [{ id: 'p1', tool: 'Bash', detail: 'x', askedAt: 1, dueAt: 2 }];
    expect(noticesAt({ signal: 'run_idle', payload, agents: [agentAt(path, { permissions })] })).toEqual([]);
  });

  it('everything of a step, signal after signal', () => {
    const agents = [agentAt(path)];
    const lines = [`${path} x: > queued`, `${path} y: queued > starting`];
    const budget = { scope: 'plan', measure: 'tokens', limit: 10, spent: 9, title: null };
    const step = stepWith(
      [{ lines }, { signal: 'budget_near', payload: budget, lines: [`${path} z: starting > running`] }],
      agents,
    );
    expect(noticesOf(treeOf(planAt('done')), step).map(({ type, instance }) => [type, instance])).toEqual([
      ['task_queued', 'hello-w1-t1'],
      ['task_dequeued', 'hello-w1-t1'],
      ['task_started', 'hello-w1-t1'],
      ['budget_near', null],
    ]);
  });
});

describe('hooks', () => {
  it('receive a notification with the status of the plan, its agent, its data, and a message of limited length', () => {
    const tree = treeOf(planAt('underway.verifying.working'));
    const long = 'x'.repeat(noticeLimit + 1);
    const events = noticeEventsOf(tree, [
      { type: 'task_queued', instance: 'hello-coder', message: 'waits', details: { wave: 1 } },
      { type: 'pr_remarked', instance: null, message: long },
    ]);
    const own = { from: 'verifying', to: 'verifying' };
    const halved = noticeEventsOf(tree, [{ type: 'agent_asks', instance: null, message: `${'x'.repeat(999)}😀?` }]);
    expect(halved[0]?.details).toEqual({ message: `${'x'.repeat(999)}…` });
    expect(events).toEqual([
      { ...own, event: 'task_queued', details: { instance: 'hello-coder', message: 'waits', wave: 1 } },
      { ...own, event: 'pr_remarked', details: { message: 'x'.repeat(1_000) } },
    ]);
    expect(noticeEventsOf(tree, [])).toEqual([]);
  });
});

it('the message of a block says its source and its reason', () => {
  expect(blockMessage({ source: 'budget', reason: 'used up' })).toMatchInlineSnapshot(
    `"its budget is used up: used up"`,
  );
});
