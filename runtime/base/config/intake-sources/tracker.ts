/** The keys of every source of issues: which issues, from whom, their handling, and the reports to the tracker. */
import { duration, listOf, oneOf, text } from '../schema-words.ts';
import { type KeyWords, messageWords } from './source.ts';

const label = text({ min: 1, max: 100, is: 'a label without a comma', where: (value) => !value.includes(',') });
const login = text({ min: 1, max: 200, is: 'the name of an account there' });

export const trackerKeys = {
  labels: listOf(label, { max: 20, is: 'a list of labels' }).default([]),
  state: oneOf(['open', 'closed', 'all']).default('open'),
  assignee: login.optional(),
  authors: listOf(login, { max: 1000, is: 'a list of accounts there' }).default([]),
  work: oneOf(['session', 'plan']).default('session'),
  message: text({ min: 1, max: 16_384, is: 'what an agent is to do' }).default(
    'Resolve the issue that is quoted below: make the change that it asks for, with a test of it, and nothing else.',
  ),
  every: duration({ minMs: 10_000, maxMs: 86_400_000, limits: 'from 10s to 1d' }).default(60_000),
  tell: listOf(oneOf(['comment', 'label']), { max: 2, is: 'a list of "comment" and "label"' }).default(['comment']),
};

export const trackerWords = {
  labels: ['[]', 'issues: those that have all of these labels'],
  state: ['"open"', 'issues: those in that state'],
  assignee: [null, 'issues: those that are assigned to that account'],
  authors: ['[]', 'issues: who may start work beside the people who may write to the repository'],
  work: ['"session"', 'issues: one agent works on it; "plan": its text is a plan of any family that stator reads'],
  message: messageWords,
  every: ['"1m"', 'issues: how often they are asked for'],
  tell: [
    '["comment"]',
    'issues: how the state of the plan goes back: a comment, a label such as "stator:running", or both',
  ],
} satisfies Record<keyof typeof trackerKeys, KeyWords>;

interface Query {
  readonly labels: readonly string[];
  readonly state: string;
  readonly assignee?: string | undefined;
}

/** The query, for people. */
export function queryText({ labels, state, assignee }: Query): string {
  const parts = [
    state,
    ...labels.map((each) => `label ${each}`),
    ...(assignee === undefined ? [] : [`of ${assignee}`]),
  ];
  return `issues: ${parts.join(', ')}`;
}
