/** Notifications. */
import type { OperationParts } from '../commands/commands.ts';
import type { NotificationEntry, NotificationsRead } from '../contract/notifications.ts';
import { answerOf, listOf, operationWith, toolOffset, toolPage, toolPageLength } from './operation.ts';

const operation = operationWith<OperationParts>();

export const notifyOperations = {
  notifications: operation({
    http: 'GET /v1/notifications',
    does: 'the unread notifications, the newest first, at most 1,000; `all=true`: also read ones',
    who: 'anyone',
    input: ({ z }) => ({ project: z.string().max(255).optional(), all: z.enum(['true', 'false']).optional() }),
    answer: listOf<NotificationEntry>(({ shapes }) => shapes.notificationEntry),
    run: ({ views }, { all, ...of }) => views.notifications({ ...of, all: all === 'true' }),
    tool: {
      name: 'notification_list',
      does: `Lists notifications, the newest first: what nobody has read, or all; ${toolPageLength} at once.`,
      takes: { all: { as: ({ z }) => z.boolean().default(false) }, offset: { as: toolOffset }, project: '' },
      asks: ({ all, offset: _, ...of }) => ({ ...of, ...(all === true ? { all: 'true' } : {}) }),
      answers: {
        shape: ({ z, count, shapes }) => z.object({ notifications: z.array(shapes.notificationEntry), total: count }),
        from: (all, { offset }) => ({ notifications: toolPage(all, Number(offset)), total: all.length }),
      },
    },
    verb: {
      name: 'list',
      listed: 'list unread notifications; mark them as read',
      summary: 'List unread notifications of all repos, newest first.',
      args: { all: { type: 'boolean', is: 'true', description: 'also list read notifications' } },
      takesProject: true,
      examples: ['stator notify list', 'stator notify list --all --json'],
    },
  }),
  readNotifications: operation({
    http: 'POST /v1/notifications/clear',
    does: 'marks all notifications up to now as read',
    again: 'free',
    who: 'person',
    needs: 'answer',
    answer: answerOf<NotificationsRead>(({ shapes }) => shapes.notificationsRead),
    run: ({ commands }) => commands.readNotifications(),
    verb: {
      name: 'clear',
      listed: { with: 'list' },
      summary: 'Mark all notifications as read; `stator notify list --all` still lists them.',
      examples: ['stator notify clear'],
    },
  }),
};
