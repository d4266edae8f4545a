/** What people were told, in memory. */
import { type NewNotification, type NotificationQuery, type NotificationRow, notificationLimit } from '../rows.ts';
import { createExpiry } from './expiry.ts';
import { createTable, type Undo, where } from './table.ts';

export function createNotifications(undo: Undo) {
  const rows = createTable<number, NotificationRow>(undo);
  const last = createTable<1, number>(undo);

  return {
    expiry: createExpiry<NotificationRow>({
      all: () => where(rows.all(), () => true).map((row) => ({ number: row.id, row })),
      goes: ({ at, id }, beforeMs) => at < beforeMs && id < (last.get(1) ?? 0),
      drop: ({ id }) => rows.remove(id),
    }),
    insert({ type, project, plan, message, at }: NewNotification): void {
      const id = (last.get(1) ?? 0) + 1;
      last.set(1, id);
      rows.set(id, { id, type, project, plan, message, at, isRead: false });
      if (id > notificationLimit) rows.remove(id - notificationLimit);
    },
    read(upTo: number): void {
      for (const { id, isRead } of where(rows.all(), (row) => row.id <= upTo)) {
        if (!isRead) rows.patch(id, { isRead: true });
      }
    },
    list: ({ limit, after = 0, project, isUnread = false }: NotificationQuery): NotificationRow[] =>
      where(
        rows.all(),
        (row) => row.id > after && (project === undefined || row.project === project) && !(isUnread && row.isRead),
      )
        .reverse()
        .slice(0, limit),
  };
}
