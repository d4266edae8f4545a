/** Notifications, as a person reads them. */
import { onOneLine } from '../../machines/vocabulary/errors.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { clockTime, withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import type { NotificationEntry, NotificationsRead } from '../../runtime/api/client/client.ts';
import type { notifyOperations } from '../../runtime/api/operations/notify.ts';
import type { View } from '../operation-verb.ts';

const needs: ReadonlySet<string> = new Set([
  'plan_blocked',
  'wave_waiting',
  'agent_asks',
  'budget_near',
  'task_error',
  'word_refused',
  'hook_off',
  'forge_down',
  'account_limited',
  'note_proposed',
  'machine_notice',
]);

const notifications: View<NotificationEntry[]> = {
  list: ({ all }) => ({
    headings: ['at', 'type', 'of', 'message'],
    row: (entry) => [
      clockTime(entry.at),
      { text: entry.type, tone: needs.has(entry.type) && !entry.read ? 'bad' : 'plain' },
      entry.tree ?? (entry.plan === null ? entry.project : `${entry.project}/${entry.plan}`),
      onOneLine(withLocalTimes(entry.message, Date.now())),
    ],
    empty: all === undefined ? 'nothing new; the read ones: stator notify list --all' : 'no notifications',
    isBounded: true,
  }),
};

const readNotifications: View<NotificationsRead> = { done: ({ read }) => [`read: ${counted(read, 'notification')}`] };

export default { notifications, readNotifications } satisfies Record<keyof typeof notifyOperations, View<never>>;
