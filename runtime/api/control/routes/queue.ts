/** The queue for slots. */
import { z } from 'zod';
import { queueCleared, queueEntry, queueStats, queueSwitched } from '../../contract/runs.ts';
import { given, line } from '../requests.ts';
import { json, route } from '../route.ts';

const which = z.strictObject({ project: line(255).optional(), plan: line(256).optional() });
/** Empty: the whole queue. */
const part = z.strictObject({
  project: line(255).optional(),
  plan: line(256).optional(),
  title: line(512).optional(),
});
const partErrors = ['repo_not_found', 'plan_not_found', 'not_found'] as const;

export const queueRoutes = [
  route(
    'GET /v1/queue',
    {
      does: 'the agents that work, wait or have ended, each once over all its attempts; the last 500 of those that have ended',
      who: 'anyone',
      query: which,
      answers: { 200: z.array(queueEntry) },
    },
    async ({ core, query }) => json(200, await core.views.queue(given(query))),
  ),
  route(
    'GET /v1/queue/stats',
    {
      does: 'how many are in which state, what is paused and who waits for it',
      who: 'anyone',
      query: which,
      answers: { 200: queueStats },
    },
    async ({ core, query }) => json(200, await core.views.queueStats(given(query))),
  ),
  route(
    'POST /v1/queue/pause',
    {
      does: 'starts no agent until it is resumed: anywhere, of a repo, of a plan of it, or that one of a title; what runs goes on',
      again: 'free',
      who: 'person',
      needs: 'steer',
      body: part,
      answers: { 200: queueSwitched },
      errors: partErrors,
    },
    async ({ core, body }) => json(200, await core.commands.pauseQueue(body)),
  ),
  route(
    'POST /v1/queue/resume',
    {
      does: 'ends that pause, or with `all` every one; the others stay',
      again: 'free',
      who: 'person',
      needs: 'steer',
      body: part.extend({ all: z.boolean().optional() }),
      answers: { 200: queueSwitched },
      errors: partErrors,
    },
    async ({ core, body }) => json(200, await core.commands.resumeQueue(body)),
  ),
  route(
    'POST /v1/queue/clear',
    {
      does: 'takes ended agents off the list',
      again: 'free',
      who: 'person',
      needs: 'steer',
      answers: { 200: queueCleared },
    },
    async ({ core }) => json(200, await core.commands.clearQueue()),
  ),
] as const;
