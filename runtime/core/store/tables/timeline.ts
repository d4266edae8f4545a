/** The last reading of the clocks that deadlines were kept with: which boot, its steady clock, the wall clock, and the time of the store itself. */
import type { TimelineRow } from '../rows.ts';
import { type Connection, orNull } from './connection.ts';

export function createTimelineTable(db: Connection) {
  const read = db.prepare<[], TimelineRow>('SELECT boot, steady_ms, wall_ms, at_ms FROM timeline');
  const write = db.prepare<[TimelineRow]>(
    `INSERT INTO timeline (id, boot, steady_ms, wall_ms, at_ms) VALUES (1, @boot, @steady_ms, @wall_ms, @at_ms)
     ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, steady_ms = excluded.steady_ms, wall_ms = excluded.wall_ms, at_ms = excluded.at_ms`,
  );
  return {
    read: () => orNull(read.get()),
    write: (row: TimelineRow) =>
      write.run({ boot: row.boot, steady_ms: row.steady_ms, wall_ms: row.wall_ms, at_ms: row.at_ms }),
  };
}
