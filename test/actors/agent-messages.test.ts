/** What an event of an agent says about messages to agents, and what the plan's root stores because of it. */
import { describe, expect, it } from 'vitest';
import { messageEventOf, withMessages } from '../../actors/plan-messages.ts';
import type { AgentContext } from '../../machines/agent/context.ts';
import type { PlanContext, Question } from '../../machines/plan/context.ts';
import type { AgentMessage } from '../../machines/vocabulary/agent-message.ts';
import type { SignalEvent } from '../../machines/vocabulary/signal.ts';
import { atRest, planAt } from '../support/at-rest.ts';

const message = (number: number, more: Partial<AgentMessage> = {}): AgentMessage => ({
  ...{ number, kind: 'message', title: 'hello-coder', task: null, author: 'person', text: 'use tabs' },
  ...{ question: null, at: 5, run: null, ...more },
});
const typed = (number: number, more: Partial<AgentMessage> = {}) => message(number, { isTyped: true, ...more });

const by = { at: 9, origin: 'engine', run: 'coder.1#1' } as const;

/** What the plan's tree adds to the event. */
function added(event: object, context: Partial<PlanContext> = {}, children = {}) {
  const root = planAt('underway.implementing.single.working', { context, children });
  const given = { ...by, ...event } as SignalEvent;
  const all = withMessages(root, given);
  return Object.fromEntries(Object.entries(all).filter(([key]) => !(key in given)));
}

describe('a message', () => {
  it('gets the number after the last one', () => {
    expect(added({ type: 'agent_send' }, { words: [], wordCount: 4 })).toEqual({ word: 5 });
    expect(added({ type: 'agent_type' }, { words: [], wordCount: 4 })).toEqual({ word: 5 });
  });

  it('that is a line gets none while too many lines are unread', () => {
    const many = Array.from({ length: 400 }, (_, index) => typed(index, { kind: 'line', run: 'coder.1#1' }));
    const waiting = Array.from({ length: 400 }, (_, index) => message(index));
    const numbers = [many, waiting].map((words) =>
      ['agent_send', 'agent_type'].map((type) => added({ type }, { words, wordCount: 4 }).word),
    );
    expect(numbers).toEqual([
      [5, null],
      [5, 5],
    ]);
  });
});

describe('the end of a run', () => {
  const words = [
    message(1, { run: 'coder.1#1' }),
    typed(2, { run: 'coder.1#1' }),
    typed(3, { run: 'coder.1#1' }),
    message(4, { run: 'coder.2#1' }),
    message(5),
  ];
  const returned = (event: object) => added(event, { words });
  it.each<[string, object, number[]]>([
    ['what it has read is not returned', { type: 'run_exited', cause: 'exit', code: 0 }, [2, 3]],
    ['nor the lines that its program read', { type: 'run_exited', cause: 'exit', code: 1, lines_read: [2] }, [3]],
    ['nor the prompt of one that was lost', { type: 'run_lost', lines_read: [2] }, [2, 3]],
    ['all is returned that never started', { type: 'run_exited', cause: 'start-failed', code: 1 }, [1, 2, 3]],
    ['or that was withdrawn', { type: 'run_exited', cause: 'withdrawn', code: null }, [1, 2, 3]],
    ['or whose effect failed', { type: 'effect_failed', lines_read: [2] }, [1, 2, 3]],
    ['or that could not be used', { type: 'run_exited', cause: 'unusable', code: 1 }, [1, 2, 3]],
    ['unless it ended well', { type: 'run_exited', cause: 'unusable', code: 0 }, [2, 3]],
  ])('%s', (_, event, expected) => {
    expect(returned(event)).toEqual({ returned: expected });
  });

  it('returns nothing that waits for a run', () => {
    expect(returned({ type: 'effect_failed', run: null })).toEqual({ returned: [] });
  });
});

describe('an answer', () => {
  const question: Question = { number: 1, title: 'hello-coder', childId: 'x', run: 'x#1', question: 'tabs?', at: 1 };
  const asker = (more: Partial<AgentContext> = {}) => ({
    x: atRest('agent', { waiting: 'decision' }, { context: { path: 'x', run: 'x#1', ending: 'decision', ...more } }),
  });
  it.each(['resolve', 'answer'])('by %s names the runs that ended with a question', (type) => {
    const askers = (children: object, questions = [question, { ...question, run: null }]) =>
      added({ type }, { questions }, children).askers;
    expect(askers(asker())).toEqual(['x#1']);
    expect(askers(asker({ run: 'x#2' }))).toEqual([]);
    expect(askers(asker({ ending: 'finish' }))).toEqual([]);
    expect(askers({})).toEqual([]);
    expect(askers(asker(), [])).toEqual([]);
  });
});

it('no other event is changed', () => {
  for (const type of ['run_started', 'cancel', 'timer_due']) expect(added({ type })).toEqual({});
});

describe('the root of the plan', () => {
  const rootWith = (words: AgentMessage[]) => planAt('underway.implementing.single.working', { context: { words } });
  const stored = (
    event: object,
    { words = [], own = {} }: { words?: AgentMessage[]; own?: Partial<AgentContext> } = {},
  ) => {
    const agent = atRest('agent', 'running', {
      context: { path: 'coder.1', title: 'hello-coder', run: 'coder.1#1', ...own },
    });
    return messageEventOf(rootWith(words), agent, { ...by, ...event });
  };
  const said = { title: 'hello-coder', author: 'person', text: 'use tabs', at: 9 };

  it('stores a message', () => {
    expect(stored({ type: 'agent_send', origin: 'person', body: 'use tabs' })).toEqual({
      ...{ type: 'word_said', at: 9, said: { ...said, kind: 'message' } },
    });
  });

  it('stores a line that is typed to a program which reads messages', () => {
    const line = { type: 'agent_type', origin: 'person', text: 'use tabs' };
    const own = { takesInput: 'messages' } as const;
    const heard = { type: 'word_said', at: 9, said: { ...said, kind: 'line', run: 'coder.1#1' } };
    expect(stored(line, { own })).toEqual(heard);
    expect(stored({ ...line, text: undefined }, { own })).toEqual({ ...heard, said: { ...heard.said, text: '' } });
    expect(stored(line, { own: { takesInput: true } })).toBeNull();
    expect(stored(line, { own: { ...own, run: null } })).toBeNull();
  });

  it('notes which messages a run was given, if there are any', () => {
    const words = [message(1)];
    const given = { type: 'words_given', at: 9, run: 'coder.1#1', title: 'hello-coder' };
    expect(stored({ type: 'run_started', words: [1] }, { words })).toEqual({ ...given, numbers: [1] });
    expect(stored({ type: 'run_started' }, { words })).toEqual({ ...given, numbers: null });
    expect(stored({ type: 'run_started', words: [1] })).toBeNull();
    expect(stored({ type: 'run_started' }, { words, own: { run: null } })).toBeNull();
  });

  it.each(['run_exited', 'run_lost', 'effect_failed'])('notes at %s which come back, if the run had any', (type) => {
    const words = [message(1), message(2, { run: 'coder.1#1' })];
    const back = { type: 'words_returned', at: 9, run: 'coder.1#1' };
    expect(stored({ type, returned: [2] }, { words })).toEqual({ ...back, numbers: [2] });
    expect(stored({ type }, { words })).toEqual({ ...back, numbers: [] });
    expect(stored({ type, returned: [2] }, { words: [message(1)] })).toBeNull();
    expect(stored({ type, returned: [1] }, { words: [message(1)], own: { run: null } })).toBeNull();
  });

  it('stores nothing of another event, or of another actor', () => {
    expect(stored({ type: 'run_idle' }, { words: [message(1, { run: 'coder.1#1' })] })).toBeNull();
    const task = atRest('task', 'working');
    expect(messageEventOf(rootWith([]), task, { ...by, type: 'agent_send', body: 'x' })).toBeNull();
  });
});
