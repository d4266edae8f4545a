import { expect, it } from 'vitest';
import { newsOf, stateComment, stateOf } from '../../runtime/work/intake/threads.ts';
import type { TrackedIssue } from '../../runtime/work/intake/tracker.ts';

const need = { reason: 'secret', source: 'agent', at: 1 } as never;

it('the state that goes back is that of the plan', () => {
  const of = (status: string, more: object = {}) => stateOf({ status, blocked: null, paused: false, ...more } as never);
  expect(stateOf(null)).toBe('cancelled');
  expect(['ready', 'planning', 'implementing', 'reviewing', 'done', 'cancelled'].map((status) => of(status))).toEqual([
    'taken',
    'running',
    'running',
    'running',
    'done',
    'cancelled',
  ]);
  expect([of('implementing', { blocked: need }), of('ready', { paused: true }), of('done', { paused: true })]).toEqual([
    'waiting',
    'waiting',
    'done',
  ]);
});

it('a comment has the key of its transition, and does not say why a plan waits', () => {
  const text = stateComment({ state: 'waiting', plan: 'login', key: 'msg_01' });
  expect(text).toBe('The work waits for a person (plan `login`).\n\n<!-- stator:msg_01 -->');
});

it('news are what the agents do not have: a fence in them does not end their own', () => {
  const row = { intake: 'issues', item: 'github-1', commentsAt: 1000, comment: 'a' };
  const issue = { ref: '7', title: 'T', body: 'new', url: 'http://x/7', updatedMs: 3000 } as TrackedIssue;
  const say = (id: string, atMs: number, body: string) => ({ id, atMs, body, author: { name: 'ada', id: '1' } });
  const comments = [
    say('z', 999, 'old'),
    say('a', 1000, 'had'),
    say('b', 1000, 'same second'),
    say('c', 2000, '```\nend'),
  ];
  const news = newsOf(row, { issue, isEdited: true, comments });
  expect(news.map(({ dedupeKey }) => dedupeKey)).toEqual([
    'intake:issues:github-1:edit:3000',
    'intake:issues:github-1:comment:b:1000',
    'intake:issues:github-1:comment:c:2000',
  ]);
  expect(news[2]?.body).toBe('ada wrote on the issue 7:\n\n````\n```\nend\n````');
  expect(newsOf(row, { issue, isEdited: false, comments: [] })).toEqual([]);
});
