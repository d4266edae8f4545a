/** Items that became plans by themselves, each once. */
import type { ChangeOf } from '../port.ts';
import type { IntakeCountRow, IntakeItemRow } from '../rows.ts';
import { type Answer, type Connection, changedOne, orNull } from './connection.ts';

const columns = 'intake, item, project, plan, title, reason, at, started_at AS "startedAt"';

export function createIntakeTable(db: Connection) {
  const take = db.prepare(
    `INSERT INTO intake_items (intake, item, project, plan, title, at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (intake, item) DO NOTHING`,
  );
  const noteStart = db.prepare(
    'UPDATE intake_items SET started_at = ?, reason = ? WHERE intake = ? AND item = ? AND started_at IS NULL',
  );
  const one = db.prepare<[string, string], IntakeItemRow>(
    `SELECT ${columns} FROM intake_items WHERE intake = ? AND item = ?`,
  );
  const list = db.prepare<[string, number], IntakeItemRow>(
    `SELECT ${columns} FROM intake_items WHERE intake = ? ORDER BY at DESC, item DESC LIMIT CAST(? AS BIGINT)`,
  );
  const unstarted = db.prepare<[string], IntakeItemRow>(
    `SELECT ${columns} FROM intake_items WHERE intake = ? AND started_at IS NULL ORDER BY at, item`,
  );
  const counts = db.prepare<[{ sinceMs: number }], IntakeCountRow>(
    `SELECT i.intake, count(*) AS taken, count(CASE WHEN i.at > @sinceMs THEN 1 END) AS recent,
       count(CASE WHEN i.started_at IS NULL OR p.status NOT IN ('done', 'cancelled') THEN 1 END) AS open
     FROM intake_items i LEFT JOIN plans p ON p.project = i.project AND p.plan = i.plan AND p.deleted_at IS NULL
     GROUP BY i.intake ORDER BY i.intake`,
  );

  return {
    take: ({ intake, item, key, title, at }: Omit<ChangeOf<'intake.take'>, 'do'>): Answer<boolean> =>
      changedOne(take.run(intake, item, key.project, key.plan, title, at)),
    noteStart: ({ intake, item, at, reason }: Omit<ChangeOf<'intake.note-start'>, 'do'>) =>
      noteStart.run(at, reason, intake, item),
    read: (intake: string, item: string) => orNull(one.get(intake, item)),
    list: (intake: string, limit: number) => list.all(intake, limit),
    unstarted: (intake: string) => unstarted.all(intake),
    counts: (sinceMs: number) => counts.all({ sinceMs }),
  };
}
