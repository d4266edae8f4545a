/** Messages of people to agents: which agent gets which, and what a person reads of one that reached none. */
import { describe, expect, it } from 'vitest';
import { type AgentMessage, isForTitle, messagesFor, refusedText } from '../../machines/vocabulary/agent-message.ts';

const message = (given: Partial<AgentMessage>): AgentMessage => ({
  ...{ number: 1, kind: 'message', title: 'login-coder', task: null, author: 'person', text: 'use tabs' },
  ...{ question: null, at: 1, run: null },
  ...given,
});

describe('a message', () => {
  it('is for the agent of its title, and for the next round of the same kind of work', () => {
    const isFor = (to: string, title: string) => isForTitle({ title: to }, title);
    for (const work of ['review', 'fix', 'verify'])
      expect([work, isFor(`login-${work}-1`, `login-${work}-12`)]).toEqual([work, true]);
    expect(isFor('login-review-1', 'login-fix-1')).toBe(false);
    expect(isFor('login-review-1', 'cart-review-1')).toBe(false);
    expect(isFor('login-w1-t1', 'login-w1-t2')).toBe(false);
    expect(isFor('login-review-1-w1-t1', 'login-review-2-w1-t1')).toBe(false);
  });

  it('is in the prompt of a run that continues only if it waits; a run that begins anew gets all', () => {
    const words = [
      message({ number: 1, text: 'one', run: 'x#1' }),
      message({ number: 2, text: 'two' }),
      message({ number: 3, text: 'other', title: 'login-w1-t1' }),
    ];
    const anew = messagesFor(words, { title: 'login-coder', isResumed: false });
    expect(anew).toEqual({ messages: ['one', 'two'], question: null, answer: null, numbers: [1, 2] });
    const resumed = messagesFor(words, { title: 'login-coder', isResumed: true });
    expect(resumed).toEqual({ messages: ['two'], question: null, answer: null, numbers: [2] });
  });

  it('that answers is the answer if it is the last one; earlier ones are sent with their questions', () => {
    const words = [
      message({ number: 1, kind: 'answer', question: 'tabs?', text: 'yes' }),
      message({ number: 2, text: 'be quick' }),
      message({ number: 3, kind: 'answer', question: 'colour?', text: 'blue' }),
      message({ number: 4, kind: 'line', text: 'go' }),
    ];
    expect(messagesFor(words, { title: 'login-coder', isResumed: false })).toEqual({
      messages: ['You had asked: tabs?\nA person answered: yes', 'be quick', 'go'],
      question: 'colour?',
      answer: 'blue',
      numbers: [1, 2, 3, 4],
    });
    const bare = [message({ kind: 'answer', text: 'a' }), message({ number: 2, kind: 'answer', text: 'b' })];
    expect(messagesFor(bare, { title: 'login-coder', isResumed: false }).messages).toEqual([
      'You had asked: \nA person answered: a',
    ]);
  });
});

it.each([
  ['person', 'a person'],
  ['person:alice', 'alice'],
  ['person:alice@slack', 'alice@slack'],
  ['agent:login-coder', 'agent login-coder'],
  ['file', 'file'],
])('one of %s that reached no agent is shown as one of %s, on one line', (author, name) => {
  const refused = {
    kind: 'message',
    title: 'login-w1-t1',
    author,
    text: 'keep\n  it',
    why: 'its task is done',
  } as const;
  expect(refusedText(refused)).toBe(
    `the message of ${name} to login-w1-t1 reached no agent (its task is done): keep it`,
  );
});
