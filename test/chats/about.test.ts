/** What a message in a chat asks, and what an answer to it means. */
import { describe, expect, it } from 'vitest';
import type { PlanRow } from '../../runtime/core/store/rows.ts';
import { type About, aboutOf, answerWords, meaningOf, whyOver } from '../../runtime/work/chats/about.ts';

type Plan = Pick<PlanRow, 'plan' | 'status' | 'phase' | 'branch' | 'blocked' | 'wave' | 'waves'>;

const plan: Plan = {
  plan: 'login',
  status: 'implementing',
  phase: 'wave_running',
  branch: 'b',
  blocked: null,
  wave: 1,
  waves: 1,
};
const blocked: Plan = {
  ...plan,
  status: 'reviewing',
  blocked: { source: 'cycle_limit', reason: 'three rounds', at: 1 },
};
const permission: About = { kind: 'permission', title: 'login-coder', id: '0123abcd', isWhole: true };
const block: About = { kind: 'block', reason: 'its rounds of fixing are used up: three rounds' };
const wave: About = { kind: 'wave', wave: 1 };

describe('an event asks', () => {
  const asks = (event: string, details: Record<string, string | number>) =>
    aboutOf({ event, details } as Parameters<typeof aboutOf>[0]);
  const permitted = (message: string) =>
    asks('agent_asks', { message, permission: '0123abcd', instance: 'login-coder' });

  it.each([
    ['agent_asks', { question: 2, message: 'x' }, { kind: 'question', number: 2 }],
    ['blocked', { question: 2, blocked_source: 'agent', blocked_reason: 'x' }, { kind: 'question', number: 2 }],
    ['plan_blocked', { message: 'its rounds of fixing are used up: three rounds' }, block],
    ['blocked', { blocked_source: 'cycle_limit', blocked_reason: 'three rounds' }, block],
    ['wave_waiting', { message: 'x', wave: 1 }, wave],
    ['wave_waiting', { message: 'x' }, null],
    ['agent_asks', { test: 1 }, null],
    ['budget_near', { message: 'x' }, null],
    ['run_failed', { question: 2 }, null],
  ] as const)('%s with %j: %j', (event, details, about) => {
    expect(asks(event, { ...details })).toEqual(about);
  });

  it('a permission that the message does not show to its end cannot be given there', () => {
    expect(permitted('x'.repeat(999))).toEqual(permission);
    expect(permitted('x'.repeat(1_000))).toEqual({ ...permission, isWhole: false });
    // A character that a chat would not show.
    expect(permitted('rm \u001b[8m-rf /')).toEqual({ ...permission, isWhole: false });
    const cut: About = { ...permission, isWhole: false };
    expect(meaningOf('allow', cut, plan)).toMatchObject({ kind: 'unclear' });
    expect(answerWords(cut, plan).join('\n')).toContain('stator agent allow login-coder');
  });
});

it.each([
  [{ kind: 'question', number: 2 }, plan, ' Port 80\n', 'answer', { questions: [2], body: 'Port 80' }],
  [{ kind: 'question', number: 2 }, plan, 'allow', 'answer', { questions: [2], body: 'allow' }],
  [permission, plan, 'ALLOW', 'agent_allow', { title: 'login-coder', permission: '0123abcd' }],
  [permission, plan, 'Allow.', 'agent_allow', { title: 'login-coder', permission: '0123abcd' }],
  [permission, plan, 'deny', 'agent_deny', { title: 'login-coder', permission: '0123abcd' }],
  [
    ...[permission, plan, 'deny: use the test base', 'agent_deny'],
    { title: 'login-coder', permission: '0123abcd', message: 'use the test base' },
  ],
  [permission, plan, 'allowed', null, null],
  [permission, plan, 'allow it, but only once', null, null],
  [wave, plan, 'retry', 'retry_wave', {}],
  [wave, plan, 'next wave', 'advance_wave', {}],
  [wave, plan, 'hm', null, null],
  [block, blocked, 'go on', 'resolve', {}],
  [block, blocked, 'go on: with care', 'resolve', { body: 'with care' }],
  [block, blocked, 'accept', 'resolve', { accept: true }],
  [block, blocked, 'accept it later', 'resolve', { body: 'accept it later' }],
  [block, blocked, 'approve', 'review_approved', {}],
  [block, blocked, 'The tests are wrong', 'resolve', { body: 'The tests are wrong' }],
  [block, blocked, '  ', null, null],
] as [About, Plan, string, string | null, object | null][])(
  'an answer to %j of %j: %j',
  (about, of, text, type, payload) => {
    const meaning = meaningOf(text, about, of);
    if (type === null) expect(meaning.kind).toBe('unclear');
    else expect(meaning).toMatchObject({ kind: 'act', act: { type }, payload });
  },
);

it.each([
  [permission, plan, null],
  [{ kind: 'question', number: 2 }, plan, 'question 2 of login is not open any more'],
  [block, blocked, null],
  [
    block,
    { ...blocked, blocked: { source: 'cycle_limit', reason: 'four rounds', at: 1 } },
    'login does not wait for that any more',
  ],
  [block, plan, 'login does not wait for that any more'],
  [wave, { ...plan, phase: 'wave_waiting' }, null],
  [wave, { ...plan, phase: 'wave_waiting', wave: 2 }, 'wave 1 of login does not wait any more'],
  [wave, null, 'the plan is not there any more'],
] as [About, Plan | null, string | null][])('%j of %j is over: %j', (about, of, why) => {
  expect(whyOver(about, of)).toBe(why);
});
