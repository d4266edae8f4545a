/** What a person can do about a plan that is blocked: which ways, and the command of each. */
import { expect, it } from 'vitest';
import { answerCommand, type BlockedPlan, waysOn } from '../../machines/plan/advice.ts';

const blocked = (more: Partial<BlockedPlan>): BlockedPlan => ({
  ...{ plan: 'hello', status: 'implementing', phase: null, branch: 'plan/hello', source: 'agent', questions: [] },
  ...more,
});
const ways = (more: Partial<BlockedPlan>) =>
  waysOn(blocked(more)).map(({ command }) => command.replace(/^stator plan /, ''));

const cancel = 'cancel hello';
const again = 'answer hello "<what it should know>"';
const accept = 'answer hello --accept';
const advance = (event: string) => `advance hello ${event}`;

it.each<[string, Partial<BlockedPlan>, string[]]>([
  ['an agent that asked, in a version without numbers', {}, ['answer hello "<your answer>"', cancel]],
  ['a coder that failed', { source: 'failed' }, [again, advance('implement_finished'), cancel]],
  [
    'an architect that failed',
    { source: 'failed', phase: 'architecting' },
    [again, advance('elaborator_finished'), cancel],
  ],
  ['a planner that failed', { source: 'failed', status: 'planning' }, [again, advance('planner_finished'), cancel]],
  [
    'a planner that failed before there were waves',
    { source: 'no_verdict', status: 'planning', waves: 0 },
    [again, 'update-content hello --file <file>', cancel],
  ],
  [
    'a fixer that failed',
    { source: 'failed', phase: 'fixing' },
    [again, advance('implement_finished'), accept, cancel],
  ],
  [
    'a reviewer without a verdict',
    { source: 'no_verdict', status: 'reviewing' },
    [again, advance('review_approved'), accept, cancel],
  ],
  [
    'a verifier without a verdict',
    { source: 'no_verdict', status: 'verifying' },
    [again, advance('verify_approved'), accept, cancel],
  ],
  ['a merge that failed', { source: 'failed', status: 'done' }, ['answer hello']],
  ['a conflict with its base', { source: 'conflict' }, ['answer hello', cancel]],
  [
    'too many rounds of fixes',
    { source: 'cycle_limit', status: 'reviewing' },
    ['answer hello', advance('review_approved'), accept, cancel],
  ],
  ['a budget that is used up', { source: 'budget' }, ['raise-budget hello "+5 USD"', cancel]],
  ...(
    [
      ['tokens', '+500k tokens'],
      ['agent_minutes', '+60 minutes'],
      ['usd', '+5 USD'],
    ] as const
  ).map(([measure, more]): [string, Partial<BlockedPlan>, string[]] => [
    `a budget of ${measure}`,
    { source: 'budget', blocked: { budget: { measure } } },
    [`raise-budget hello "${more}"`, cancel],
  ]),
  ['a review', { source: 'review', status: 'reviewing' }, ['answer hello', advance('review_approved'), accept, cancel]],
  ['a review on the forge', { source: 'review', status: 'done' }, ['answer hello']],
  ['drafts', { source: 'choice', status: 'planning' }, ['show hello --draft 1', 'choose hello <number>', cancel]],
  ['work that is missing', { source: 'lost_work' }, ['answer hello --restore', accept, cancel]],
  ['a status that was set', { source: 'override', status: 'ready' }, ['answer hello', cancel]],
  ['a fault of the engine', { source: 'fault' }, ['answer hello', cancel]],
])('about %s', (_what, more, expected) => {
  expect(ways(more)).toEqual(expected);
});

it('about questions is to answer each; while one is open, nothing goes on without its answer', () => {
  const questions = [
    { number: 2, title: 'hello-w1-t1' },
    { number: 3, title: null },
  ];
  const answers = [answerCommand('hello', 2), answerCommand('hello', 3)].map((command) => command.slice(12));
  expect(answers[0]).toBe('answer hello#2 "<your answer>"');
  expect(ways({ questions })).toEqual([...answers, cancel]);
  expect(ways({ questions, source: 'failed', phase: 'fixing' })).toEqual([
    ...answers,
    advance('implement_finished'),
    cancel,
  ]);
  expect(waysOn(blocked({ questions }))[0]?.does).toMatch(/^answer .*2/);
});

it('names a plan as a word of the shell', () => {
  expect(ways({ plan: "it's", source: 'conflict' })[0]).toMatch(/^answer .*'/);
  expect(ways({ plan: 'a b', source: 'failed' })).toContain("advance 'a b' implement_finished");
  expect(waysOn(blocked({ source: 'failed' }))[1]?.does).toContain('plan/hello');
});
