/** Notifications. */

import type { NotificationRow } from '../../core/store/rows.ts';
import type { NotificationEntry } from '../contract/notifications.ts';
import { timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

/** The most that one answer lists. */
const listLimit = 1_000;

export interface NotificationFilter {
  readonly project?: string;
  /** true: also the read ones. */
  readonly all?: boolean;
}

export function createNotificationViews({ store }: Pick<ViewDependencies, 'store'>) {
  return {
    /** The newest first, at most 1,000. */
    async notifications({ project, all = false }: NotificationFilter): Promise<NotificationEntry[]> {
      const of = project === undefined ? {} : { project };
      return (await store.notifications({ limit: listLimit, isUnread: !all, ...of })).map(entryOf);
    },
  };
}

function entryOf({ id, type, project, plan, message, at, isRead }: NotificationRow): NotificationEntry {
  return {
    id,
    type: type as NotificationEntry['type'], // only types of this vocabulary are stored
    project,
    plan: plan === '' || project === '' ? null : plan,
    tree: plan !== '' && project === '' ? plan : null,
    message,
    at: timeText(at),
    read: isRead,
  };
}
