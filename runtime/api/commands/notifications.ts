/** What people do about what they were told. */
import type { NotificationsRead } from '../contract/notifications.ts';
import type { CommandDependencies } from './command-dependencies.ts';

/** More than the store keeps. */
const everything = 10_000;

export function createNotificationCommands({ store }: Pick<CommandDependencies, 'store'>) {
  return {
    /** Those that came up to now are read; what comes meanwhile is not. */
    async readNotifications(): Promise<NotificationsRead> {
      const unread = await store.notifications({ limit: everything, isUnread: true });
      const newest = unread[0]?.id;
      if (newest !== undefined) await store.commit([{ do: 'notification.read', upTo: newest }]);
      return { status: 'read', read: unread.length };
    },
  };
}
