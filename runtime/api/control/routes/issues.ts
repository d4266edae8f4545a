/** Sessions of issues. A reference has slashes and a #, so it stands in the body, or in the query. */
import { z } from 'zod';
import { notificationTypes } from '../../../../machines/vocabulary/notification.ts';
import {
  issueCommented,
  issueContext,
  issueDestroyed,
  issueEntry,
  issueImported,
  issueStarted,
  issuesPruned,
} from '../../contract/issues.ts';
import { json, route } from '../route.ts';

const project = z.string().min(1).max(255);
const reference = z.string().min(1).max(2_048);
/** As long as a session's prompt takes a person's words, with what others wrote beside it. */
const message = z.string().min(1).max(24_576);
const address = z.string().min(1).max(2_048);
const at = z.iso.datetime();
const who = { reference, project: project.optional() };
const queue = z.boolean().optional();
const overrides = z.array(z.enum(['pull_request', 'uncommitted', 'unpushed', 'running'])).max(4);

export const issueRoutes = [
  route(
    'GET /v1/issues',
    {
      does: 'the sessions of issues, the oldest first',
      who: 'anyone',
      query: z.strictObject({ project: project.optional() }),
      answers: { 200: z.array(issueEntry) },
    },
    async ({ core, query }) => json(200, await core.commands.issues(query.project ?? null)),
  ),
  route(
    'GET /v1/issues/context',
    {
      does: 'what people and agents said to the sessions of an issue, the last 20',
      who: 'anyone',
      query: z.strictObject(who),
      answers: { 200: issueContext },
      errors: ['usage', 'not_found', 'conflict'],
    },
    async ({ core, query }) =>
      json(200, await core.commands.issueContext({ reference: query.reference, project: query.project ?? null })),
  ),
  route(
    'POST /v1/issues/start',
    {
      does: 'begins a session; with `queue` it waits for its slot, else 429 `limit_reached` and nothing was made',
      who: 'person',
      needs: 'steer',
      body: z.strictObject({ ...who, message, pull_request: address.optional(), queue }),
      answers: { 200: issueStarted },
      errors: ['usage', 'not_found', 'conflict', 'limit_reached', 'untrusted', 'agent_unusable', 'unavailable'],
    },
    async ({ core, body }) =>
      json(
        200,
        await core.commands.startIssue({
          reference: body.reference,
          project: body.project ?? null,
          message: body.message,
          pullRequest: body.pull_request ?? null,
          waits: body.queue === true,
        }),
      ),
  ),
  route(
    'POST /v1/issues/continue',
    {
      does: 'goes on with a session, in its conversation, and makes what of it is missing',
      who: 'person',
      needs: 'steer',
      body: z.strictObject({ ...who, message: message.optional(), queue }),
      answers: { 200: issueStarted },
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
    },
    async ({ core, body }) =>
      json(
        200,
        await core.commands.continueIssue({
          reference: body.reference,
          project: body.project ?? null,
          message: body.message ?? null,
          waits: body.queue === true,
        }),
      ),
  ),
  route(
    'POST /v1/issues/enqueue',
    {
      does: 'begins a session or goes on with it, when there is a slot; answers at once',
      who: 'person',
      needs: 'steer',
      body: z.strictObject({ ...who, message }),
      answers: { 200: issueStarted },
      errors: ['usage', 'not_found', 'conflict', 'refused', 'untrusted', 'agent_unusable'],
    },
    async ({ core, body }) =>
      json(
        200,
        await core.commands.enqueueIssue({
          reference: body.reference,
          project: body.project ?? null,
          message: body.message,
        }),
      ),
  ),
  route(
    'POST /v1/issues/import',
    {
      does: 'takes over a session of another program with its branch, the last 20 messages and notifications; nothing starts, and one that is there keeps what it has',
      who: 'person',
      body: z.strictObject({
        ...who,
        pull_request: address.optional(),
        created_at: at,
        done: z.boolean(),
        messages: z.array(z.strictObject({ by: z.enum(['person', 'agent']), content: message, at })).max(20),
        notifications: z
          .array(z.strictObject({ type: z.enum(notificationTypes), message: z.string().min(1).max(1_000), at }))
          .max(100),
      }),
      answers: { 200: issueImported },
      errors: ['usage', 'not_found', 'conflict', 'branch_taken'],
    },
    async ({ core, body: { messages, notifications, ...body } }) =>
      json(
        200,
        await core.commands.importIssue({
          reference: body.reference,
          project: body.project ?? null,
          pullRequest: body.pull_request ?? null,
          createdAt: Date.parse(body.created_at),
          isDone: body.done,
          messages: messages.map((said) => ({ ...said, at: Date.parse(said.at) })),
          notifications: notifications.map((told) => ({ ...told, at: Date.parse(told.at) })),
        }),
      ),
  ),
  route(
    'POST /v1/delegate',
    {
      does: 'as `enqueue`, of the issue that the message names; of none, a session for the message in that repo',
      who: 'person',
      needs: 'steer',
      body: z.strictObject({ message, project: project.optional() }),
      answers: { 200: issueStarted },
      errors: ['usage', 'not_found', 'conflict', 'refused', 'untrusted', 'agent_unusable'],
    },
    async ({ core, body }) =>
      json(200, await core.commands.delegate({ message: body.message, project: body.project ?? null })),
  ),
  route(
    'POST /v1/issues/set-pr',
    {
      does: "notes a session's pull request",
      again: 'free',
      who: 'person',
      needs: 'steer',
      body: z.strictObject({ ...who, url: address }),
      answers: { 200: issueEntry },
      errors: ['usage', 'not_found', 'conflict'],
    },
    async ({ core, body }) =>
      json(
        200,
        await core.commands.setPullRequest({
          reference: body.reference,
          project: body.project ?? null,
          url: body.url,
        }),
      ),
  ),
  route(
    'POST /v1/issues/comment',
    {
      does: 'writes on the issue',
      again: 'never',
      who: 'person',
      needs: 'steer',
      body: z.strictObject({ ...who, text: z.string().min(1).max(65_536) }),
      answers: { 200: issueCommented },
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
    },
    async ({ core, body }) =>
      json(
        200,
        await core.commands.commentOnIssue({
          reference: body.reference,
          project: body.project ?? null,
          text: body.text,
        }),
      ),
  ),
  route(
    'POST /v1/issues/destroy',
    {
      does: 'takes a session away; 409 with each reason against it that is neither in `overrides` nor overridden by `force`',
      who: 'person',
      body: z.strictObject({ ...who, overrides: overrides.optional(), force: z.boolean().optional() }),
      answers: { 200: issueDestroyed },
      errors: ['usage', 'not_found', 'conflict', 'refused', 'unavailable'],
    },
    async ({ core, body }) =>
      json(
        200,
        await core.commands.destroyIssue({
          reference: body.reference,
          project: body.project ?? null,
          overrides: body.force === true ? 'all' : (body.overrides ?? []),
        }),
      ),
  ),
  route(
    'POST /v1/issues/prune',
    {
      does: 'takes away the sessions that are over and have nothing to lose; with `dry` it names them',
      who: 'person',
      body: z.strictObject({ project: project.optional(), dry: z.boolean().optional() }),
      answers: { 200: issuesPruned },
    },
    async ({ core, body }) =>
      json(200, await core.commands.pruneIssues({ project: body.project ?? null, dry: body.dry === true })),
  ),
] as const;
