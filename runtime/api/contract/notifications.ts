/** Notifications as `--json` prints and the control API answers them. */
import { z } from 'zod';
import { notificationTypes } from '../../../machines/vocabulary/notification.ts';
import { count, time } from './shared-shapes.ts';

export const notificationEntry = z
  .object({
    id: z.int(),
    type: z.enum(notificationTypes),
    project: z.string(),
    /** null: the notification is about no plan. */
    plan: z.string().nullable(),
    /** The tree of a user-defined machine, `<machine>:<id>`; then the notification is about no project. */
    tree: z.string().nullable(),
    message: z.string(),
    at: time,
    read: z.boolean(),
  })
  .meta({ id: 'Notification' });
/** A notification. */
export interface NotificationEntry extends z.infer<typeof notificationEntry> {}

export const notificationsRead = z.object({ status: z.literal('read'), read: count }).meta({ id: 'NotificationsRead' });
/** How many notifications were marked as read. */
export interface NotificationsRead extends z.infer<typeof notificationsRead> {}
