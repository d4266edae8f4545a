/** The keys of every source of issues: which issues, from whom, their handling, and the reports to the tracker. */
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { duration, flag, isWebAddress, listOf, oneOf, text } from '../schema-words.ts';
import { type KeyWords, messageWords } from './source.ts';

const label = text({ min: 1, max: 100, is: 'a label without a comma', where: (value) => !value.includes(',') });
const login = text({ min: 1, max: 200, is: 'the name of an account there' });

/** Never the secret itself. */
export const secretName = z
  .string({ error: 'a text "env:NAME"' })
  .regex(/^env:[A-Za-z_][A-Za-z0-9_]{0,200}$/, { error: '"env:NAME": the secret itself is not kept here' });

const defaultMessage =
  'Resolve the issue that is quoted below: make the change that it asks for, with a test of it, and nothing else.';

export const trackerKeys = {
  labels: listOf(label, { max: 20, is: 'a list of labels' }).default([]),
  state: oneOf(['open', 'closed', 'all']).default('open'),
  assignee: login.optional(),
  authors: listOf(login, { max: 1000, is: 'a list of accounts there' }).default([]),
  work: oneOf(['session', 'plan']).default('session'),
  message: text({ min: 1, max: 16_384, is: 'what an agent is to do' }).default(defaultMessage),
  template: text({ min: 1, max: 4096, is: 'an absolute path', where: isAbsolute })
    .transform((path) => resolve(path))
    .optional(),
  every: duration({ minMs: 10_000, maxMs: 86_400_000, limits: 'from 10s to 1d' }).default(60_000),
  tell: listOf(oneOf(['comment', 'label']), { max: 2, is: 'a list of "comment" and "label"' }).default(['comment']),
  webhook: secretName.optional(),
  env_file: text({ min: 1, max: 4096, is: 'an absolute path', where: isAbsolute }).optional(),
};

export const trackerWords = {
  labels: ['[]', 'issues: those that have all of these labels'],
  state: ['"open"', 'issues: those in that state'],
  assignee: [null, 'issues: those that are assigned to that account'],
  authors: [
    '[]',
    'issues: who may start work beside the people who may write to the repository; linear, jira: who may start work',
  ],
  work: ['"session"', 'issues: one agent works on it; "plan": its text is a plan of any family that stator reads'],
  message: messageWords,
  template: [
    null,
    'issues, webhook: the file of a plan with placeholders for the texts of an item, outside of every registered repo; it is read each time',
  ],
  every: ['"1m"', 'issues: how often they are asked for'],
  tell: [
    '["comment"]',
    'issues: how the state of the plan goes back: a comment, a label such as "stator:running", or both',
  ],
  webhook: [
    null,
    'issues: the variable with the secret of a webhook there: each of its deliveries makes the issues be asked for at once',
  ],
  env_file: [
    null,
    'issues, webhook: a file of NAME=VALUE lines outside of every registered repo, where the variables are looked for first',
  ],
} satisfies Record<keyof typeof trackerKeys, KeyWords>;

/** The work is described in one place: the table's template, its message, or the item. */
export function templateProblem(table: {
  readonly template?: string | undefined;
  readonly work: 'session' | 'plan';
  readonly message: string;
}): { readonly key: 'template'; readonly accepted: string } | null {
  if (table.template === undefined || (table.work === 'session' && table.message === defaultMessage)) return null;
  return { key: 'template', accepted: `a template without ${table.work === 'plan' ? 'work = "plan"' : 'message'}` };
}

const status = text({ min: 1, max: 100, is: 'the name of a status there' });

/** The further keys of a source whose service is no forge: where it is, its token, and the statuses of its workflow. */
export const serviceKeys = {
  statuses: listOf(status, { max: 20, is: 'a list of statuses there' }).default([]),
  move: z
    .partialRecord(oneOf(['taken', 'running', 'waiting', 'done', 'cancelled']), status, {
      error: 'a table such as { running = "In Progress", done = "In Review" }',
    })
    .default({}),
  url: text({ min: 8, max: 2048, is: 'an address such as https://acme.atlassian.net', where: isServiceUrl }).transform(
    (url) => url.replace(/\/+$/, ''),
  ),
  token: secretName,
  allow_private: flag.default(false),
};

export const serviceWords = {
  statuses: ['[]', 'linear, jira: those that have one of these statuses'],
  move: [
    '{}',
    'linear, jira: the status that the issue gets when its plan is in a state: taken, running, waiting, done, cancelled',
  ],
  url: ['"https://api.linear.app"', 'linear, jira: its address; required for jira'],
  token: ['"env:LINEAR_API_KEY"', 'linear, jira: the variable with the token; "env:JIRA_TOKEN" for jira'],
  allow_private: ['false', 'linear, jira: the address may be private, loopback or link-local'],
} satisfies Record<keyof typeof serviceKeys, KeyWords>;

function isServiceUrl(url: string): boolean {
  if (!isWebAddress(url)) return false;
  const { search, hash } = new URL(url);
  return search + hash === '';
}

interface Query {
  readonly labels: readonly string[];
  readonly state: string;
  readonly assignee?: string | undefined;
  readonly statuses?: readonly string[] | undefined;
}

/** The query, for people. */
export function queryText({ labels, state, assignee, statuses = [] }: Query): string {
  const parts = [
    state,
    ...(statuses.length === 0 ? [] : [statuses.join(' or ')]),
    ...labels.map((each) => `label ${each}`),
    ...(assignee === undefined ? [] : [`of ${assignee}`]),
  ];
  return `issues: ${parts.join(', ')}`;
}

/** The table of an intake of a forge. */
export const forgeTable = { keys: trackerKeys, words: trackerWords, from: queryText, problem: templateProblem };
