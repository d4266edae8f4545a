/** The chart of each user-defined machine when an engine last had it: its version, and a digest of its content. */
import type { ChangeOf } from '../port.ts';
import type { ChartRow } from '../rows.ts';
import { type Connection, orNull } from './connection.ts';

export function createChartTable(db: Connection) {
  const read = db.prepare<[string], ChartRow>('SELECT machine, version, digest FROM charts WHERE machine = ?');
  const write = db.prepare(
    `INSERT INTO charts (machine, version, digest) VALUES (?, ?, ?)
     ON CONFLICT (machine) DO UPDATE SET version = excluded.version, digest = excluded.digest`,
  );
  return {
    read: (machine: string) => orNull(read.get(machine)),
    note: ({ machine, version, digest }: ChangeOf<'chart.note'>) => write.run(machine, version, digest),
  };
}
