/** Commands on notifications. */
import type { NotificationsRead } from '../contract/notifications.ts';
import type { CommandDependencies } from './command-dependencies.ts';

/** More than the number of notifications that the store holds. */
const everything = 10_000;

export function createNotificationCommands({ store }: Pick<CommandDependencies, 'store'>) {
  return {
    /** Marks the notifications up to now as read; later ones stay unread. */
    async readNotifications(): Promise<NotificationsRead> {
      const unread = await store.notifications({ limit: everything, isUnread: true });
      const newest = unread[0]?.id;
      if (newest !== undefined) await store.commit([{ do: 'notification.read', upTo: newest }]);
      return { status: 'read', read: unread.length };
    },
  };
}
