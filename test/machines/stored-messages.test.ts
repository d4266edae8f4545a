/** Messages to agents, as a plan's root stores them: which are stored, which no agent can get any more, and which question an answer is for. */
import { describe, expect, it } from 'vitest';
import { answersOf } from '../../machines/plan/answers.ts';
import type { PlanContext, Question } from '../../machines/plan/context.ts';
import {
  bounded,
  hasStranded,
  isGiven,
  nextNumber,
  settled,
  withMessage,
  withoutWaiting,
} from '../../machines/plan/stored-messages.ts';
import type { AgentMessage } from '../../machines/vocabulary/agent-message.ts';
import type { TaskOutline } from '../../machines/vocabulary/family.ts';

const outline = (number: number, title: string): TaskOutline => ({
  ...{ number, title, hasCheck: false, after: [], files: [], digest: '' },
});

/** As far as these functions read it: a plan of two waves. */
function plan(more: Partial<PlanContext> = {}): PlanContext {
  const waves = [
    { number: 1, tasks: [outline(1, 'one'), outline(2, 'two')] },
    { number: 2, tasks: [outline(1, 'three')] },
  ];
  const begun = {
    plan: 'hello',
    waves,
    isParsed: true,
    results: {},
    passed: 0,
    wantedWave: null,
    words: [],
    wordCount: 0,
  };
  return { ...begun, ...more } as unknown as PlanContext; // all that the functions read
}

function message(number: number, more: Partial<AgentMessage> = {}): AgentMessage {
  return {
    ...{ number, kind: 'message', title: 'hello-w1-t1', task: 'one', author: 'person', text: 'use tabs' },
    ...{ question: null, at: 5, run: null },
    ...more,
  };
}

const done = { status: 'done', runs: 1, reason: null, detail: '', run: 'x#1' } as const;
const refusedOf = (context: PlanContext) => settled(context).refused.map(({ number, why }) => [number, why]);

describe('a message', () => {
  const said = { kind: 'message', title: 'hello-w1-t2', author: 'person', text: 'use tabs', at: 7 } as const;

  it('is stored with its number and the title of its task', () => {
    const before = message(3);
    expect(withMessage(plan({ words: [before], wordCount: 3 }), said)).toEqual([
      before,
      message(4, { title: 'hello-w1-t2', task: 'two', at: 7 }),
    ]);
    const forReviewer = { ...said, title: 'hello-review-1' };
    expect(withMessage(plan(), forReviewer)).toEqual([message(1, { title: 'hello-review-1', task: null, at: 7 })]);
    const [answer] = withMessage(plan(), { ...said, kind: 'answer', question: 'tabs?' });
    expect(answer).toMatchObject({ kind: 'answer', question: 'tabs?' });
    expect(answer).not.toHaveProperty('isTyped');
  });

  it('that is typed to a run is known as typed until that run confirms it', () => {
    const [line] = withMessage(plan(), { ...said, kind: 'line', run: 'x#1' });
    expect(line).toMatchObject({ run: 'x#1', isTyped: true });
    expect(isGiven(message(1, { run: 'x#1', isTyped: true }))).toBe(false);
    expect([isGiven(message(1, { run: 'x#1' })), isGiven(message(1))]).toEqual([true, false]);
  });

  it('gets the next number; a line only while fewer than fifty wait to be confirmed', () => {
    const typed = (count: number) =>
      Array.from({ length: count }, (_, index) => message(index + 1, { kind: 'line', run: 'x#1', isTyped: true }));
    expect(nextNumber(plan({ words: typed(49), wordCount: 49 }), 'line')).toBe(50);
    const full = plan({ words: typed(50), wordCount: 60 });
    expect([nextNumber(full, 'line'), nextNumber(full, 'message')]).toEqual([null, 61]);
    expect(nextNumber(plan({ words: [...typed(49), message(50)], wordCount: 50 }), 'line')).toBe(51);
  });

  it('that a run has is stored for later attempts: the last thirty of them', () => {
    const given = Array.from({ length: 30 }, (_, index) => message(index + 1, { run: 'x#1' }));
    expect(bounded(given)).toEqual(given);
    const waiting = message(0);
    expect(bounded([waiting, ...given, message(31, { run: 'x#1' })])).toEqual([
      waiting,
      ...given.slice(1),
      message(31, { run: 'x#1' }),
    ]);
  });
});

describe('a message that no agent can get any more', () => {
  it.each([
    ['its task is done', { results: { 1: { 1: done } } }, 'its task is done'],
    [
      'its task was removed',
      { waves: [{ number: 1, tasks: [outline(2, 'two')] }] },
      'its task is no longer in the plan',
    ],
    [
      'another task has its number',
      { waves: [{ number: 1, tasks: [outline(1, 'other')] }] },
      'its task is no longer in the plan',
    ],
    ['its wave was removed', { waves: [] }, 'its task is no longer in the plan'],
    ['a person went past its wave', { passed: 1 }, 'the plan went on without its task'],
  ])('is refused with the reason: %s', (_what, more, why) => {
    const context = plan({ words: [message(1), message(2, { title: 'hello-review-1', task: null })], ...more });
    expect(refusedOf(context)).toEqual([[1, why]]);
    expect(settled(context).kept.map(({ number }) => number)).toEqual([2]);
    expect(hasStranded(context)).toBe(true);
  });

  it.each([
    ['its task is open', {}],
    ['its task has failed', { results: { 1: { 1: { ...done, status: 'failed' as const } } } }],
    ['the document does not parse', { isParsed: false, waves: [] }],
    ['a person went past an earlier wave', { passed: 0 }],
    ['a person asked for a wave again', { passed: 1, wantedWave: 1 }],
  ])('is not one whose agent may still start: %s', (_what, more) => {
    const context = plan({ words: [message(1)], ...more });
    expect(settled(context)).toEqual({ kept: [message(1)], refused: [] });
    expect(hasStranded(context)).toBe(false);
  });

  it('has an unknown task where an earlier version did not store it', () => {
    const waves = [{ number: 1, tasks: [outline(1, 'other')] }];
    expect(refusedOf(plan({ waves, words: [message(1, { task: null })] }))).toEqual([]);
  });

  it('is dropped without a refusal if a run had it; a typed line stays until its run ends', () => {
    const words = [message(1, { run: 'x#1' }), message(2, { run: 'x#1', isTyped: true })];
    const context = plan({ words, results: { 1: { 1: done } } });
    expect(settled(context)).toEqual({ kept: [words[1]], refused: [] });
  });

  it('is repeated in its refusal, the beginning of a long one', () => {
    const [refused] = settled(plan({ words: [message(1, { text: 'x'.repeat(40_000) })], waves: [] })).refused;
    expect(refused).toEqual({
      ...{ number: 1, kind: 'message', title: 'hello-w1-t1', author: 'person', text: 'x'.repeat(32_768) },
      why: 'its task is no longer in the plan',
    });
  });

  it('is one that waits and is meant, where the plan ends', () => {
    const words = [message(1), message(2, { title: 'hello-review-1' }), message(3, { run: 'x#1' })];
    const meant = ({ title }: AgentMessage) => title === 'hello-w1-t1';
    const { kept, refused } = withoutWaiting({ words }, meant, 'the plan is done');
    expect(kept.map(({ number }) => number)).toEqual([2, 3]);
    expect(refused.map(({ number, why }) => [number, why])).toEqual([[1, 'the plan is done']]);
  });
});

describe('an answer', () => {
  const question = (number: number, title: string | null): Question => ({
    ...{ number, title, childId: null, run: null, question: 'tabs?', at: 1 },
  });
  const questions = [question(1, 'hello-w1-t1'), question(2, 'hello-w1-t2'), question(3, null)];
  const answered = (event: object) =>
    answersOf({ questions }, event as Parameters<typeof answersOf>[1]).map((each) => [
      each.question.number,
      each.answer,
    ]);

  it('is for the questions whose numbers it names', () => {
    expect(answered({ type: 'answer', questions: [1, 3, 9], body: 'spaces' })).toEqual([
      [1, 'spaces'],
      [3, 'spaces'],
    ]);
  });

  it('that resolves is for every question, or for those of the agents that it names', () => {
    expect(answered({ type: 'resolve', body: 'spaces' })).toEqual([1, 2, 3].map((number) => [number, 'spaces']));
    expect(answered({ type: 'resolve' })).toEqual([1, 2, 3].map((number) => [number, '']));
    expect(answered({ type: 'resolve', body: 'no', answers: { 'hello-w1-t2': 'spaces', other: 'x' } })).toEqual([
      [2, 'spaces'],
    ]);
  });

  it('is no other event', () => {
    expect(answered({ type: 'cancel', body: 'spaces', questions: [1] })).toEqual([]);
  });
});
