/** Items that became plans automatically, each once. */
import type { ChangeOf } from '../port.ts';
import {
  type IntakeAllowanceRow,
  type IntakeCountRow,
  type IntakeItemRow,
  type IntakeMarkRow,
  type IntakeThreadRow,
  knownDeliveryLimit,
  type WaitingCountRow,
  type WaitingDelivery,
  waitingDeliveryLimit,
} from '../rows.ts';
import { type Answer, answered, type Connection, changedOne, orNull } from './connection.ts';

const columns = 'intake, item, project, plan, title, reason, at, started_at AS "startedAt"';

export function createIntakeTable(db: Connection) {
  return { ...intakeItems(db), ...intakeThreads(db), ...intakeDeliveries(db), ...intakeMarks(db) };
}

/** Items that became plans, and what their plans came to. */
function intakeItems(db: Connection) {
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
  // `+`: by the plan of each item, and not through all runs of the day for each item.
  const spent = db.prepare<[{ intake: string; sinceMs: number }], { usd: number }>(
    `SELECT coalesce(sum(r.cost_usd), 0) AS usd FROM intake_items i JOIN runs r ON r.project = i.project AND r.plan = i.plan
     WHERE i.intake = @intake AND +r.started_at > @sinceMs`,
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
    spent: (query: { readonly intake: string; readonly sinceMs: number }) => spent.all({ ...query }),
  };
}

/** The reports to the trackers of items, and the texts that people permitted. */
function intakeThreads(db: Connection) {
  const follow = db.prepare(
    `INSERT INTO intake_threads (intake, item, ref, digest, comments_at, comment, number, state, key, at)
     VALUES (@intake, @item, @ref, @digest, @commentsAt, @comment, 1, 'taken', @key, @at)
     ON CONFLICT (intake, item) DO NOTHING`,
  );
  const turn = db.prepare(
    `UPDATE intake_threads SET number = number + 1, state = @state, key = @key, at = @at, told_at = NULL
     WHERE intake = @intake AND item = @item AND number = @before AND told_at IS NOT NULL`,
  );
  const markReported = db.prepare(
    'UPDATE intake_threads SET told_at = ? WHERE intake = ? AND item = ? AND number = ? AND told_at IS NULL',
  );
  const passOn = db.prepare(
    `UPDATE intake_threads SET digest = @digest, comments_at = @commentsAt, comment = @comment
     WHERE intake = @intake AND item = @item`,
  );
  const threads = db.prepare<[string], IntakeThreadRow>(
    `SELECT t.intake, t.item, i.project, i.plan, t.ref, t.digest, t.comments_at AS "commentsAt", t.comment, t.number, t.state,
       t.key, t.at, t.told_at AS "toldAt"
     FROM intake_threads t JOIN intake_items i ON i.intake = t.intake AND i.item = t.item
     WHERE t.intake = ? AND (t.told_at IS NULL OR t.state NOT IN ('done', 'cancelled')) ORDER BY t.item`,
  );
  const allow = db.prepare(
    `INSERT INTO intake_allowances (intake, item, digest, at) VALUES (@intake, @item, @digest, @at)
     ON CONFLICT (intake, item) DO UPDATE SET digest = excluded.digest, at = excluded.at`,
  );
  const allowances = db.prepare<[string], IntakeAllowanceRow>(
    'SELECT intake, item, digest, at FROM intake_allowances WHERE intake = ? ORDER BY item',
  );

  return {
    follow: ({ intake, item, ref, digest, commentsAt, comment, key, at }: Omit<ChangeOf<'intake.follow'>, 'do'>) =>
      changedOne(follow.run({ intake, item, ref, digest, commentsAt, comment, key, at })),
    turn: ({ intake, item, state, key, at, before }: Omit<ChangeOf<'intake.turn'>, 'do'>) =>
      changedOne(turn.run({ intake, item, state, key, at, before })),
    reported: ({ intake, item, number, at }: Omit<ChangeOf<'intake.reported'>, 'do'>) =>
      markReported.run(at, intake, item, number),
    passedOn: ({ intake, item, digest, commentsAt, comment }: Omit<ChangeOf<'intake.passed-on'>, 'do'>) =>
      passOn.run({ intake, item, digest, commentsAt, comment }),
    allow: ({ intake, item, digest, at }: Omit<ChangeOf<'intake.allow'>, 'do'>) =>
      allow.run({ intake, item, digest, at }),
    threads: (intake: string) => threads.all(intake),
    allowances: (intake: string) => allowances.all(intake),
  };
}

/** Deliveries that wait, and those that are known. */
function intakeDeliveries(db: Connection) {
  // PostgreSQL takes a parameter in a SELECT for a text, unless the type is given.
  const deliver = db.prepare<[Omit<ChangeOf<'intake.deliver'>, 'do'>], { id: number }>(
    `INSERT INTO intake_deliveries (intake, item, content, at)
     SELECT CAST(@intake AS TEXT), CAST(@item AS TEXT), CAST(@content AS TEXT), CAST(@at AS BIGINT)
     WHERE NOT EXISTS (SELECT 1 FROM intake_items WHERE intake = @intake AND item = @item)
       AND (CAST(@content AS TEXT) IS NULL
         OR (SELECT count(*) FROM intake_deliveries WHERE intake = @intake AND content IS NOT NULL) < ${waitingDeliveryLimit})
     ON CONFLICT (intake, item) DO NOTHING RETURNING id`,
  );
  const forget = db.prepare('DELETE FROM intake_deliveries WHERE intake = ? AND content IS NULL AND id <= ?');
  const delivered = db.prepare('DELETE FROM intake_deliveries WHERE intake = ? AND item = ? AND content IS NOT NULL');
  const waiting = db.prepare<[string, number, number], WaitingDelivery>(
    `SELECT id, item, content FROM intake_deliveries WHERE intake = ? AND content IS NOT NULL AND id > ? ORDER BY id
     LIMIT CAST(? AS BIGINT)`,
  );
  const waitingCounts = db.prepare<[], WaitingCountRow>(
    `SELECT intake, count(*) AS waiting FROM intake_deliveries WHERE content IS NOT NULL GROUP BY intake ORDER BY intake`,
  );
  const isDelivered = db.prepare<[{ intake: string; item: string }], { one: number }>(
    `SELECT 1 AS one FROM intake_deliveries WHERE intake = @intake AND item = @item
     UNION ALL SELECT 1 AS one FROM intake_items WHERE intake = @intake AND item = @item`,
  );
  const lastDelivery = db.prepare<[string], { id: number | null }>(
    'SELECT max(id) AS id FROM intake_deliveries WHERE intake = ? AND content IS NULL',
  );

  return {
    deliver: ({ intake, item, content, at }: Omit<ChangeOf<'intake.deliver'>, 'do'>): Answer<boolean> =>
      answered(deliver.get({ intake, item, content, at }), (row) => {
        if (row === undefined) return false;
        const past = content === null ? row.id - knownDeliveryLimit : 0;
        return past > 0 ? answered(forget.run(intake, past), () => true) : true;
      }),
    delivered: ({ intake, item }: Omit<ChangeOf<'intake.delivered'>, 'do'>) => changedOne(delivered.run(intake, item)),
    waiting: (intake: string, after: number, limit: number) => waiting.all(intake, after, limit),
    waitingCounts: () => waitingCounts.all(),
    isDelivered: (intake: string, item: string) =>
      answered(isDelivered.get({ intake, item }), (row) => row !== undefined),
    lastDelivery: (intake: string) => answered(lastDelivery.get(intake), (row) => row?.id ?? 0),
  };
}

/** How far each intake has read. */
function intakeMarks(db: Connection) {
  const begin = db.prepare(
    `INSERT INTO intake_marks (intake, pattern, reached_at, reason) VALUES (@intake, @pattern, @reachedAt, @reason)
     ON CONFLICT (intake) DO NOTHING`,
  );
  const goOn = db.prepare(
    `UPDATE intake_marks SET pattern = @pattern, reached_at = @reachedAt, reason = @reason
     WHERE intake = @intake AND reached_at = @before`,
  );
  const unmark = db.prepare('DELETE FROM intake_marks WHERE intake = ?');
  const marks = db.prepare<[], IntakeMarkRow>(
    'SELECT intake, pattern, reached_at AS "reachedAt", reason FROM intake_marks ORDER BY intake',
  );

  return {
    mark({ intake, pattern, reachedAt, reason, before }: Omit<ChangeOf<'intake.mark'>, 'do'>): Answer<boolean> {
      const row = { intake, pattern, reachedAt, reason };
      return changedOne(before === null ? begin.run(row) : goOn.run({ ...row, before }));
    },
    unmark: (intake: string) => unmark.run(intake),
    marks: () => marks.all(),
  };
}
