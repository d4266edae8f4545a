/** What people were told. */
import { z } from 'zod';
import { notificationEntry, notificationsRead } from '../../contract/notifications.ts';
import { json, route } from '../route.ts';

export const notificationRoutes = [
  route(
    'GET /v1/notifications',
    {
      does: 'what people were told and nobody has read, the newest first, at most 1,000; `all=true`: what was read too',
      who: 'anyone',
      query: z.strictObject({ project: z.string().max(255).optional(), all: z.enum(['true', 'false']).optional() }),
      answers: { 200: z.array(notificationEntry) },
    },
    async ({ core, query: { project, all } }) =>
      json(200, await core.views.notifications({ ...(project === undefined ? {} : { project }), all: all === 'true' })),
  ),
  route(
    'POST /v1/notifications/clear',
    {
      does: 'what people were told up to now is read',
      again: 'free',
      who: 'person',
      needs: 'answer',
      answers: { 200: notificationsRead },
    },
    async ({ core }) => json(200, await core.commands.readNotifications()),
  ),
] as const;
