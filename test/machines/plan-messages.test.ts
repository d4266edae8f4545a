/** What a plan's root does with messages to its agents, at each event that is about them: one action alone. */
import { describe, expect, it } from 'vitest';
import type { PlanContext, Question } from '../../machines/plan/context.ts';
import type { AgentMessage } from '../../machines/vocabulary/agent-message.ts';
import { afterAction, changedBy, type Step } from '../support/one-action.ts';

function message(number: number, more: Partial<AgentMessage> = {}): AgentMessage {
  return {
    ...{ number, kind: 'message', title: 'hello-coder', task: null, author: 'person', text: 'use tabs' },
    ...{ question: null, at: 5, run: null },
    ...more,
  };
}
const words = (...all: AgentMessage[]): Partial<PlanContext> => ({ words: all });
const refusalOf = ({ number, kind, title, author, text }: AgentMessage, why: string) => [
  'reportRefused',
  { number, kind, title, author, text, why },
];
const asked = (name: string, step: Step) => {
  const { asked: requests, context } = afterAction(name, step);
  return { kept: context.words.map(({ number }) => number), refused: requests };
};

describe('a message', () => {
  it('is stored with the next number', () => {
    const said = { kind: 'message', title: 'hello-coder', author: 'person', text: 'use tabs', at: 5 };
    expect(changedBy('noteWord', { before: words(message(1)), event: { type: 'word_said', said } })).toEqual({
      ...{ words: [message(1), message(3)], wordCount: 3 },
    });
  });

  it('is an answer for an agent that waits', () => {
    const question: Question = { number: 1, title: 'hello-coder', childId: 'x', run: 'x#1', question: 'tabs?', at: 1 };
    const answer = (questions: Question[], more: object = { askers: ['x#1', 'y#1'] }) =>
      changedBy('noteAnswerWords', {
        before: { questions },
        event: {
          type: 'answer',
          questions: questions.map(({ number }) => number),
          body: 'yes',
          origin: 'person',
          ...more,
        },
      });
    const said = message(3, { kind: 'answer', text: 'yes', question: 'tabs?', at: 9 });
    expect(answer([question])).toEqual({ words: [said], wordCount: 3 });
    const second = { ...question, number: 2, title: 'hello-fix-4', run: 'y#1', question: 'why?' };
    expect(answer([question, second])).toEqual({
      ...{ words: [said, { ...said, number: 4, title: 'hello-fix-4', question: 'why?' }], wordCount: 4 },
    });
    expect(answer([question], { askers: ['y#1'] })).toEqual({});
    expect(answer([question], {})).toEqual({});
    expect(answer([{ ...question, run: null }])).toEqual({});
    expect(answer([{ ...question, title: null }])).toEqual({});
  });
});

describe('the messages of a run', () => {
  const waiting = message(1);
  const typed = message(2, { run: 'x#1', isTyped: true });
  const other = message(3, { title: 'hello-review-1' });
  const before = words(waiting, typed, other);
  const given = (numbers: number[] | null) =>
    changedBy('noteGiven', { before, event: { type: 'words_given', run: 'x#2', title: 'hello-coder', numbers } }).words;

  it('are those of its prompt', () => {
    expect(given([1, 2])).toEqual([{ ...waiting, run: 'x#2' }, message(2, { run: 'x#2' }), other]);
    expect(given([3])).toEqual([waiting, typed, { ...other, run: 'x#2' }]);
  });

  it('are all that waited for its agent', () => {
    expect(given(null)).toEqual([{ ...waiting, run: 'x#2' }, typed, other]);
  });

  it('come back if it has not read them; the others it has', () => {
    const returned = changedBy('noteReturned', {
      before: words(typed, message(4, { run: 'x#1', isTyped: true }), message(5, { run: 'y#1', isTyped: true })),
      event: { type: 'words_returned', run: 'x#1', numbers: [2] },
    });
    expect(returned.words).toEqual([message(2), message(4, { run: 'x#1' }), message(5, { run: 'y#1', isTyped: true })]);
  });

  it('are stored up to a limit once they are given', () => {
    const all = Array.from({ length: 31 }, (_, index) => message(index, { run: 'x#1' }));
    const step = (type: string) => ({ before: words(...all), event: { type, run: 'x#9', title: 'none', numbers: [] } });
    expect(changedBy('noteGiven', step('words_given')).words).toEqual(all.slice(1));
    expect(changedBy('noteReturned', step('words_returned')).words).toEqual(all.slice(1));
  });

  it('are forgotten at a new start, and those that wait stay', () => {
    expect(changedBy('dropGiven', { before: words(waiting, message(2, { run: 'x#1' }), typed) }).words).toEqual([
      waiting,
      typed,
    ]);
  });
});

describe('a message that no agent gets any more', () => {
  const done = { status: 'done', runs: 1, reason: null, detail: '', run: 'x#1' } as const;
  const ofTask = message(1, { title: 'hello-w1-t1', task: 'a' });
  it('is refused once its task is done', () => {
    const before = { ...words(ofTask, message(2)), results: { 1: { 1: done } } };
    expect(asked('refuseStranded', { before })).toEqual({
      kept: [2],
      refused: [refusalOf(ofTask, 'its task is done')],
    });
  });

  it('is refused without a notice if it says nothing', () => {
    const empty = message(1, { text: ' \n' });
    expect(asked('refuseAtEnd', { before: words(empty) })).toEqual({ kept: [], refused: [] });
  });

  it('is refused at the end of the plan; what was given stays', () => {
    const before = words(message(1), message(2, { run: 'x#1' }));
    expect(asked('refuseAtEnd', { before })).toEqual({
      kept: [2],
      refused: [refusalOf(message(1), 'the plan is done')],
    });
    const why = 'the plan was cancelled, and nobody took it up again';
    expect(asked('refuseAtCleanup', { before })).toEqual({ kept: [2], refused: [refusalOf(message(1), why)] });
  });

  const end = (outcome: string) => ({ type: 'xstate.done.actor.x', actorId: 'x', output: { at: 9, outcome } });
  const live = (kind: string): Partial<PlanContext> => ({ liveChildren: { x: kind } as never });
  const all = words(
    message(1),
    message(2, { run: 'x#1' }),
    message(3, { title: 'hello-review-3' }),
    message(4, { title: 'hello-review-3', run: 'y#1' }),
  );
  it('is refused when its agent has done its work, with what that had', () => {
    const refused = [refusalOf(message(1), 'its agent had done its work')];
    expect(asked('refuseUnheard', { before: { ...all, ...live('coder') }, event: end('succeeded') })).toEqual({
      kept: [3, 4],
      refused,
    });
  });

  it('stays when its agent failed, or a wave ended', () => {
    const kept = { kept: [1, 2, 3, 4], refused: [] };
    expect(asked('refuseUnheard', { before: { ...all, ...live('coder') }, event: end('failed') })).toEqual(kept);
    const ofWave = words(message(1, { title: 'x' }));
    expect(asked('refuseUnheard', { before: { ...ofWave, ...live('wave') }, event: end('succeeded') })).toEqual({
      kept: [1],
      refused: [],
    });
  });
});
