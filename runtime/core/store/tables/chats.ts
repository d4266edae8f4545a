/** Messages in chats that can be answered there, and how far their answers were read. */
import type { ChangeOf } from '../port.ts';
import type { ChatMessageRow } from '../rows.ts';
import { type Answer, answered, type Connection, inTurn, orNull } from './connection.ts';

/** A message that is older can no longer be answered in the chat. */
const keptMs = 30 * 24 * 3_600_000;
const columns = 'chat, message, project, plan, about, reached, at';

export function createChatTable(db: Connection) {
  const insert = db.prepare(
    `INSERT INTO chat_messages (chat, message, project, plan, about, at) VALUES (@chat, @message, @project, @plan, @about, @at)
     ON CONFLICT (chat, message) DO NOTHING`,
  );
  const expire = db.prepare('DELETE FROM chat_messages WHERE chat = ? AND at < ?');
  const one = db.prepare<[string, string], ChatMessageRow>(
    `SELECT ${columns} FROM chat_messages WHERE chat = ? AND message = ?`,
  );
  const newest = db.prepare<[string, number], ChatMessageRow>(
    `SELECT ${columns} FROM chat_messages WHERE chat = ? ORDER BY at DESC, message LIMIT CAST(? AS BIGINT)`,
  );
  const reachMessage = db.prepare('UPDATE chat_messages SET reached = ? WHERE chat = ? AND message = ?');
  const reachChat = db.prepare(
    `INSERT INTO chat_marks (chat, reached) VALUES (?, ?) ON CONFLICT (chat) DO UPDATE SET reached = excluded.reached`,
  );
  const mark = db.prepare<[string], { reached: string }>('SELECT reached FROM chat_marks WHERE chat = ?');

  return {
    sent: ({ chat, message, project, plan, about, at }: Omit<ChangeOf<'chat.sent'>, 'do'>): Answer<unknown> =>
      inTurn(
        [() => insert.run({ chat, message, project, plan, about, at }), () => expire.run(chat, at - keptMs)],
        (act) => act(),
      ),
    reach: ({ chat, message, reached }: Omit<ChangeOf<'chat.reach'>, 'do'>): Answer<unknown> =>
      message === null ? reachChat.run(chat, reached) : reachMessage.run(reached, chat, message),
    read: (chat: string, message: string) => orNull(one.get(chat, message)),
    newest: (chat: string, limit: number) => newest.all(chat, limit),
    mark: (chat: string): Answer<string | null> => answered(mark.get(chat), (row) => row?.reached ?? null),
  };
}
