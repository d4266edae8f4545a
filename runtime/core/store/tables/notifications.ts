/** The notifications, the newest last. If there are too many, the oldest are deleted. */
import { type NewNotification, type NotificationQuery, type NotificationRow, notificationLimit } from '../rows.ts';
import { type Answer, answered, type Connection } from './connection.ts';
import { createExpiry } from './expiry.ts';

type Row = Omit<NotificationRow, 'isRead'> & { readonly isRead: number };

export function createNotificationTable(db: Connection) {
  const insert = db.prepare<unknown[], { id: number }>(
    'INSERT INTO notifications (type, project, plan, message, at) VALUES (?, ?, ?, ?, ?) RETURNING id',
    { answers: 'each' },
  );
  const prune = db.prepare('DELETE FROM notifications WHERE id <= ?');
  const read = db.prepare('UPDATE notifications SET is_read = 1 WHERE is_read = 0 AND id <= ?');
  const list = db.prepare<[Record<string, unknown>], Row>(
    `SELECT id, type, project, plan, message, at, is_read AS "isRead" FROM notifications
     WHERE id > @after AND (@isUnread = 0 OR is_read = 0) AND (CAST(@project AS TEXT) IS NULL OR project = @project)
     ORDER BY id DESC LIMIT CAST(@limit AS BIGINT)`,
  );

  // The newest one stays: the next is numbered after it, so that no two have one number.
  const expiry = createExpiry(db, {
    name: 'notifications',
    number: 'id',
    where: 'at < @beforeMs AND id < (SELECT max(id) FROM notifications)',
    statements: ['DELETE FROM notifications WHERE <these>'],
  });

  return {
    expiry,
    insert({ type, project, plan, message, at }: NewNotification): Answer<unknown> {
      return answered(insert.get(type, project, plan, message, at), (row) => {
        if (row !== undefined && row.id > notificationLimit) return prune.run(row.id - notificationLimit);
      });
    },
    read: (upTo: number) => read.run(upTo),
    list({ limit, after = 0, project, isUnread = false }: NotificationQuery): Answer<NotificationRow[]> {
      const rows = list.all({ limit, after, project: project ?? null, isUnread: isUnread ? 1 : 0 });
      return answered(rows, (found) => found.map((row) => ({ ...row, isRead: row.isRead === 1 })));
    },
  };
}
