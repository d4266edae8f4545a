/** Sessions of issues. A reference has slashes and a #, so it is in the body or in the query. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { notificationTypes } from '../../../machines/vocabulary/notification.ts';
import type { OperationParts } from '../commands/commands.ts';
import type {
  IssueCommented,
  IssueContext,
  IssueDestroyed,
  IssueEntry,
  IssueImported,
  IssueStarted,
  IssuesPruned,
} from '../contract/issues.ts';
import { answerOf, listOf, operationWith, type Schemas } from './operation.ts';

const operation = operationWith<OperationParts>();

const text = ({ z }: Schemas, max: number) => z.string().min(1).max(max);
const ofProject = (schemas: Schemas) => ({ project: text(schemas, 255).optional() });
const which = (schemas: Schemas) => ({ reference: text(schemas, 2_048), ...ofProject(schemas) });
/** The most characters of a person's message that fit in a session's prompt, with the text of others. */
const message = (schemas: Schemas) => text(schemas, 24_576);
const address = (schemas: Schemas) => text(schemas, 2_048);
const started = answerOf<IssueStarted>(({ shapes }) => shapes.issueStarted);

export const issueOperations = {
  issues: operation({
    http: 'GET /v1/issues',
    does: 'the sessions of issues, the oldest first',
    who: 'anyone',
    input: ofProject,
    answer: listOf<IssueEntry>(({ shapes }) => shapes.issueEntry),
    run: ({ commands }, { project = null }) => commands.issues(project),
    verb: {
      name: 'list',
      listed: 'list the sessions; show the messages of one',
      summary: 'List the sessions of issues in all repos.',
      takesProject: true,
      examples: ['stator issue list', 'stator issue list --json'],
    },
  }),
  issueContext: operation({
    http: 'GET /v1/issues/context',
    does: 'the last 20 messages of people and agents in an issue’s session',
    who: 'anyone',
    input: which,
    answer: answerOf<IssueContext>(({ shapes }) => shapes.issueContext),
    errors: ['usage', 'not_found', 'conflict'],
    run: ({ commands }, { project = null, ...asked }) => commands.issueContext({ ...asked, project }),
    verb: {
      name: 'context',
      listed: { with: 'list' },
      summary: 'Print the last 20 messages about an issue; the next session gets them too.',
      of: 'issue',
      examples: ['stator issue context acme/shop#12'],
    },
  }),
  startIssue: operation({
    http: 'POST /v1/issues/start',
    does: 'begins a session; with `queue` it waits for its slot, otherwise 429 `limit_reached` and nothing is made',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({
      ...which(schemas),
      message: message(schemas),
      pull_request: address(schemas).optional(),
      queue: schemas.z.boolean().optional(),
    }),
    answer: started,
    errors: ['usage', 'not_found', 'conflict', 'limit_reached', 'untrusted', 'agent_unusable', 'unavailable'],
    run: ({ commands }, { project = null, pull_request: pullRequest = null, queue: waits = false, ...asked }) =>
      commands.startIssue({ ...asked, project, pullRequest, waits }),
  }),
  continueIssue: operation({
    http: 'POST /v1/issues/continue',
    does: 'continues a session, in its conversation, and makes its missing parts',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({
      ...which(schemas),
      message: message(schemas).optional(),
      queue: schemas.z.boolean().optional(),
    }),
    answer: started,
    errors: [
      'usage',
      'not_found',
      'conflict',
      'refused',
      'limit_reached',
      'untrusted',
      'agent_unusable',
      'unavailable',
    ],
    run: ({ commands }, { project = null, message: said = null, queue: waits = false, ...asked }) =>
      commands.continueIssue({ ...asked, project, message: said, waits }),
  }),
  enqueueIssue: operation({
    http: 'POST /v1/issues/enqueue',
    does: 'begins or continues a session when there is a slot; answers at once',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({ ...which(schemas), message: message(schemas) }),
    answer: started,
    errors: ['usage', 'not_found', 'conflict', 'refused', 'untrusted', 'agent_unusable'],
    run: ({ commands }, { project = null, ...asked }) => commands.enqueueIssue({ ...asked, project }),
  }),
  importIssue: operation({
    http: 'POST /v1/issues/import',
    does: 'takes over a session of another program with its branch, the last 20 messages and notifications; nothing starts, and an existing session stays unchanged',
    who: 'person',
    input: (schemas) => {
      const { z, time: at } = schemas;
      const said = z.strictObject({ by: z.enum(['person', 'agent']), content: message(schemas), at });
      const notification = z.strictObject({ type: z.enum(notificationTypes), message: text(schemas, 1_000), at });
      return {
        ...which(schemas),
        pull_request: address(schemas).optional(),
        created_at: at,
        done: z.boolean(),
        messages: z.array(said).max(20),
        notifications: z.array(notification).max(100),
      };
    },
    answer: answerOf<IssueImported>(({ shapes }) => shapes.issueImported),
    errors: ['usage', 'not_found', 'conflict', 'branch_taken'],
    run: ({ commands }, { reference, project = null, pull_request: pullRequest = null, ...of }) =>
      commands.importIssue({
        ...{ reference, project, pullRequest },
        createdAt: Date.parse(of.created_at),
        isDone: of.done,
        messages: of.messages.map((said) => ({ ...said, at: Date.parse(said.at) })),
        notifications: of.notifications.map((notice) => ({ ...notice, at: Date.parse(notice.at) })),
      }),
  }),
  delegate: operation({
    http: 'POST /v1/delegate',
    does: 'as `enqueue`, for the issue that the message names; without one, a session for the message in that repo',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({ message: message(schemas), ...ofProject(schemas) }),
    answer: started,
    errors: ['usage', 'not_found', 'repo_not_found', 'conflict', 'refused', 'untrusted', 'agent_unusable'],
    run: ({ commands }, { project = null, ...asked }) => commands.delegate({ ...asked, project }),
  }),
  setPullRequest: operation({
    http: 'POST /v1/issues/set-pr',
    does: "notes a session's pull request",
    again: 'free',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({ ...which(schemas), url: address(schemas) }),
    answer: answerOf<IssueEntry>(({ shapes }) => shapes.issueEntry),
    errors: ['usage', 'not_found', 'conflict'],
    run: ({ commands }, { project = null, ...asked }) => commands.setPullRequest({ ...asked, project }),
    verb: {
      name: 'set-pr',
      listed: { with: 'comment' },
      summary: 'Record the pull request of a session. While it is open, the session is not destroyed.',
      of: 'issue',
      args: { url: { type: 'positional', description: 'the address of the pull request' } },
      examples: ['stator issue set-pr acme/shop#12 https://github.com/acme/shop/pull/13'],
    },
  }),
  commentOnIssue: operation({
    http: 'POST /v1/issues/comment',
    does: 'writes on the issue',
    again: 'never',
    who: 'person',
    needs: 'steer',
    input: (schemas) => ({ ...which(schemas), text: text(schemas, 65_536) }),
    answer: answerOf<IssueCommented>(({ shapes }) => shapes.issueCommented),
    errors: [
      'usage',
      'not_found',
      'conflict',
      'no_forge',
      'no_token',
      'forge_unreachable',
      'forge_denied',
      'forge_limited',
      'forge_refused',
    ],
    run: ({ commands }, { project = null, ...asked }) => commands.commentOnIssue({ ...asked, project }),
    verb: {
      name: 'comment',
      listed: 'comment on it; record its pull request',
      summary: 'Comment on an issue; its forge must accept your token.',
      of: 'issue',
      args: { text: { type: 'positional', description: 'what to write, as markdown' } },
      check({ text }) {
        if (String(text).trim() === '')
          throw new EngineError('usage', 'the comment is empty', 'write the comment in quotes');
      },
      examples: ['stator issue comment acme/shop#12 "A fix is on its way."'],
    },
  }),
  destroyIssue: operation({
    http: 'POST /v1/issues/destroy',
    does: 'removes a session; 409 with each reason against it that is neither in `overrides` nor overridden by `force`',
    who: 'person',
    input: (schemas) => ({
      ...which(schemas),
      overrides: schemas.z.array(schemas.z.enum(schemas.shapes.issueDangers)).max(4).optional(),
      force: schemas.z.boolean().optional(),
    }),
    answer: answerOf<IssueDestroyed>(({ shapes }) => shapes.issueDestroyed),
    errors: ['usage', 'not_found', 'conflict', 'refused', 'unavailable'],
    run: ({ commands }, { project = null, overrides = [], force = false, ...asked }) =>
      commands.destroyIssue({ ...asked, project, overrides: force ? 'all' : overrides }),
  }),
  pruneIssues: operation({
    http: 'POST /v1/issues/prune',
    does: 'removes the sessions that are over and have nothing to lose; with `dry` only names them',
    who: 'person',
    input: (schemas) => ({ ...ofProject(schemas), dry: schemas.z.boolean().optional() }),
    answer: answerOf<IssuesPruned>(({ shapes }) => shapes.issuesPruned),
    run: ({ commands }, { project = null, dry = false }) => commands.pruneIssues({ project, dry }),
  }),
};
