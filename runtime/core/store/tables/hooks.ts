/** The states of hooks: whether one is switched off, since when it fails, and how many events of each plan it has received. */
import type { ChangeOf } from '../port.ts';
import type { HookCountRow, HookRow } from '../rows.ts';
import { type Answer, answered, type Connection } from './connection.ts';

export function createHookTable(db: Connection) {
  const next = db.prepare<[string, string, string], { last: number }>(
    `INSERT INTO hook_sequences (project, plan, hook, last) VALUES (?, ?, ?, 1)
     ON CONFLICT (project, plan, hook) DO UPDATE SET last = hook_sequences.last + 1 RETURNING last`,
  );
  const failed = db.prepare(
    `INSERT INTO hooks (project, hook, failing_since) VALUES (?, ?, ?)
     ON CONFLICT (project, hook) DO UPDATE SET failing_since = coalesce(hooks.failing_since, excluded.failing_since)`,
  );
  const delivered = db.prepare(
    `UPDATE hooks SET failing_since = NULL WHERE project = ? AND hook = ? AND failing_since IS NOT NULL`,
  );
  const off = db.prepare(
    `INSERT INTO hooks (project, hook, off_at, off_reason) VALUES (?, ?, ?, ?)
     ON CONFLICT (project, hook) DO UPDATE SET off_at = excluded.off_at, off_reason = excluded.off_reason`,
  );
  const on = db.prepare(
    `UPDATE hooks SET off_at = NULL, off_reason = NULL, failing_since = NULL WHERE project = ? AND hook = ?`,
  );
  const list = db.prepare<[string], HookRow>(
    `SELECT project, hook, failing_since, off_at, off_reason FROM hooks WHERE project = ? ORDER BY hook`,
  );
  const counts = db.prepare<[string], HookCountRow>(
    `SELECT json_extract(payload, '$.hook') AS hook, status, count(*) AS count FROM effects WHERE kind = 'hook.deliver' AND project = ?
     GROUP BY 1, 2 ORDER BY 1, 2`,
  );

  return {
    next(project: string, plan: string, hook: string): Answer<number> {
      return answered(next.get(project, plan, hook), (row) => {
        if (row === undefined) throw new Error(`hook ${hook} of plan ${project}/${plan} was given no number`);
        return row.last;
      });
    },
    noteResult({ project, hook, isDelivered, at }: Omit<ChangeOf<'hook.note-result'>, 'do'>): Answer<unknown> {
      return isDelivered ? delivered.run(project, hook) : failed.run(project, hook, at);
    },
    switch({ project, hook, off: why }: Omit<ChangeOf<'hook.switch'>, 'do'>): Answer<unknown> {
      return why === null ? on.run(project, hook) : off.run(project, hook, why.at, why.reason);
    },
    list: (project: string) => list.all(project),
    counts: (project: string) => counts.all(project),
  };
}
