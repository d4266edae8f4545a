/** Requests of clients that change something, by the key that each carries, with the answers: a client that lost an answer repeats the request with its key. */
import type { ChangeOf } from '../port.ts';
import type { RequestRow } from '../rows.ts';
import { type Connection, changedOne, orNull } from './connection.ts';

export function createRequestTable(db: Connection) {
  const read = db.prepare<[string], RequestRow>(
    'SELECT key, digest, begun_at, status, answer FROM requests WHERE key = ?',
  );
  const begin = db.prepare(
    'INSERT INTO requests (key, digest, begun_at) VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING',
  );
  const end = db.prepare('UPDATE requests SET status = ?, answer = ? WHERE key = ?');
  const forget = db.prepare('DELETE FROM requests WHERE begun_at < ?');

  return {
    read: (key: string) => orNull(read.get(key)),
    begin: ({ key, digest, at }: Omit<ChangeOf<'request.begin'>, 'do'>) => changedOne(begin.run(key, digest, at)),
    end: ({ key, status, answer }: Omit<ChangeOf<'request.end'>, 'do'>) => end.run(status, answer, key),
    forget: (beforeMs: number) => forget.run(beforeMs),
  };
}
