/** The queue for slots. */
import { z } from 'zod';
import { queueCleared, queueEntry, queueStats, queueSwitched } from '../../contract/runs.ts';
import { json, route } from '../route.ts';

export const queueRoutes = [
  route(
    'GET /v1/queue',
    {
      does: 'the runs that wait, work or have ended, the last 500 of these',
      who: 'anyone',
      answers: { 200: z.array(queueEntry) },
      errors: [],
    },
    async ({ core }) => json(200, await core.views.queue()),
  ),
  route(
    'GET /v1/queue/stats',
    { does: 'how many are in which state', who: 'anyone', answers: { 200: queueStats }, errors: [] },
    async ({ core }) => json(200, await core.commands.queueStats()),
  ),
  route(
    'POST /v1/queue/pause',
    {
      does: 'starts no agent anywhere until it is resumed; what runs goes on',
      who: 'person',
      answers: { 200: queueSwitched },
      errors: [],
    },
    async ({ core }) => json(200, await core.commands.pauseQueue()),
  ),
  route(
    'POST /v1/queue/resume',
    { does: 'starts agents again', who: 'person', answers: { 200: queueSwitched }, errors: [] },
    async ({ core }) => json(200, await core.commands.resumeQueue()),
  ),
  route(
    'POST /v1/queue/clear',
    { does: 'takes ended runs off the list', who: 'person', answers: { 200: queueCleared }, errors: [] },
    async ({ core }) => json(200, await core.commands.clearQueue()),
  ),
] as const;
