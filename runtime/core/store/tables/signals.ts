/** The inbox: every signal is a row here, and is handled in the order of its id. */

import { placeOf, supervisorTree, type TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import type { ChangeOf, Store } from '../port.ts';
import type { InboxLoad, NewSignal, Now, SetAsideSignal, SignalFilter, SignalRow, UnreadableSignal } from '../rows.ts';
import { type Answer, all, answered, type Connection, changedOne, here, orNull } from './connection.ts';
import { createExpiry } from './expiry.ts';

/** How many rows of other programs under one key of the engine are skipped. */
const keyCopies = 100;
/** The last number of a signal: larger ones are no safe integers of JavaScript. */
const mostSignals = Number.MAX_SAFE_INTEGER;
/** The most rows with such numbers that are deleted at once. */
const mostUnreadable = 64;
/** The most rows that one list shows. */
const listLimit = 1_000;
const columns =
  'id, project, plan, type, payload, origin, status, attempts, suspected, result, dedupe_key, created_at, deliver_at, processed_at, tree, run, is_checked';

type Inserted = { readonly id: number; readonly isNew: boolean };

export function createSignalTable(db: Connection) {
  // The outcome of the engine's own signals is stored while it may block a plan.
  const expiry = createExpiry(db, {
    name: 'signals',
    number: 'id',
    where: `status IN ('done', 'failed') AND processed_at < @beforeMs AND id < (SELECT max(id) FROM signals)
      AND NOT (status = 'failed' AND origin = 'engine' AND EXISTS (
        SELECT 1 FROM plans p WHERE p.project = signals.project AND p.plan = signals.plan AND p.deleted_at IS NULL))
      AND NOT (status = 'failed' AND origin = 'engine' AND EXISTS (SELECT 1 FROM trees t WHERE t.address = signals.tree)
        AND NOT EXISTS (SELECT 1 FROM tree_standings s WHERE s.address = signals.tree AND (s.keeps_journal = 0 OR s.ended_at < @beforeMs)))`,
    statements: ['DELETE FROM signals WHERE <these>'],
  });
  return { ...signalChanges(db), ...dueSignals(db), ...signalQueries(db), expiry };
}

/** The changes of signals. Each names the status that it expects. */
function signalChanges(db: Connection) {
  const insert = db.prepare<unknown[], { id: number }>(
    `INSERT INTO signals (id, project, plan, type, payload, origin, dedupe_key, created_at, deliver_at, tree, run, is_checked, seal)
     VALUES ((SELECT coalesce(max(id), 0) + 1 FROM signals WHERE id <= ${mostSignals}), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, (SELECT seal FROM inbox_seal)) ON CONFLICT (dedupe_key) DO NOTHING RETURNING id`,
  );
  const enter = db.prepare<[SignalRow]>(
    `INSERT INTO signals (${columns}, seal)
     VALUES (@id, @project, @plan, @type, @payload, @origin, @status, @attempts, @suspected, @result, @dedupe_key, @created_at, @deliver_at, @processed_at, @tree, @run, 1, (SELECT seal FROM inbox_seal))
     ON CONFLICT DO NOTHING`,
  );
  const renumber = db.prepare(
    `UPDATE signals SET id = ?, tree = ?, status = 'failed', result = ?, processed_at = ? WHERE id = CAST(? AS BIGINT)
       AND NOT EXISTS (SELECT 1 FROM signals o WHERE o.id = CAST(? AS BIGINT))`,
  );
  const byKey = db.prepare<[string], Pick<SignalRow, 'id' | 'origin' | 'is_checked'>>(
    'SELECT id, origin, is_checked FROM signals WHERE dedupe_key = ?',
  );
  const finish = db.prepare(
    `UPDATE signals SET status = ?, result = ?, processed_at = ?, attempts = attempts + 1 WHERE id = ? AND status IN ('pending', 'held')`,
    {
      sql: `WITH ended (status, result, at, id) AS (VALUES (?, ?, CAST(? AS BIGINT), CAST(? AS BIGINT)))
        UPDATE signals s SET status = ended.status, result = ended.result, processed_at = ended.at, attempts = attempts + 1
        FROM ended WHERE s.id = ended.id AND s.status IN ('pending', 'held') RETURNING s.id`,
      key: 3,
      isOfOldRows: true,
      answers: 'changed',
    },
  );
  const hold = db.prepare(`UPDATE signals SET status = 'held', tree = ? WHERE id = ? AND status = 'pending'`);
  const release = db.prepare(`UPDATE signals SET status = 'pending' WHERE tree = ? AND status = 'held'`);
  const releaseMachine = db.prepare(
    `UPDATE signals SET status = 'pending' WHERE tree > ? AND tree < ? AND status = 'held'`,
  );
  const countAttempt = db.prepare("UPDATE signals SET attempts = attempts + 1 WHERE id = ? AND status = 'pending'");
  const countSuspected = db.prepare("UPDATE signals SET suspected = suspected + 1 WHERE id = ? AND status = 'pending'");
  const setAside = db.prepare(
    `UPDATE signals SET status = 'failed', result = ?, processed_at = ? WHERE id = ? AND status = 'pending'`,
  );
  const revive = db.prepare(
    `UPDATE signals SET status = 'pending', attempts = 0, suspected = 0, result = NULL, processed_at = NULL WHERE id = ? AND status = 'failed'`,
  );
  const voidTree = db.prepare(
    `UPDATE signals SET status = 'done', result = '"stale"', processed_at = ?
     WHERE tree = ? AND (status IN ('pending', 'held') OR (status = 'failed' AND json_extract(result, '$.code') = 'internal'))`,
  );

  return {
    /**
     * The row's id, and whether it is new; for an existing key, the id of the existing row. A signal of the engine is never lost to another program's row under
     * its key: it gets the next free one.
     */
    insert(signal: NewSignal): Answer<Inserted> {
      const { tree, type, payload, origin, run = null, dedupeKey = null, deliverAt = 0, at } = signal;
      const { project, plan } = placeOf(tree);
      const text = JSON.stringify(payload);
      const insertAs = (key: string | null) =>
        insert.get(project, plan, type, text, origin, key, at, deliverAt, tree, run);
      const insertCopy = (copy: number): Answer<Inserted> => {
        const key = dedupeKey === null || copy === 1 ? dedupeKey : `${dedupeKey}~${copy}`;
        return answered(insertAs(key), (row) => {
          if (row !== undefined) return { id: row.id, isNew: true };
          return answered(key === null ? undefined : byKey.get(key), (first) => {
            if (first === undefined || copy === keyCopies)
              throw new Error(`signal ${type} for ${tree} was neither inserted nor there before`);
            const isOwn = first.origin === 'engine' && first.is_checked === 1;
            return isOwn || origin !== 'engine' ? { id: first.id, isNew: false } : insertCopy(copy + 1);
          });
        });
      };
      return insertCopy(1);
    },
    /** false: its number or its key is taken. */
    enter: (row: SignalRow) => changedOne(enter.run(row)),
    /** false: that number is taken, or the row no longer exists. */
    renumber: ({ number, id, tree, result, at }: Omit<ChangeOf<'signal.renumber'>, 'do'>) =>
      changedOne(renumber.run(id, tree, JSON.stringify(result), at, number, id)),
    finish: ({ id, status, result, at }: Omit<ChangeOf<'signal.finish'>, 'do'>) =>
      changedOne(finish.run(status, JSON.stringify(result), at, id)),
    hold: ({ id, tree }: Omit<ChangeOf<'signal.hold'>, 'do'>) => changedOne(hold.run(tree, id)),
    release: (tree: TreeAddress) => release.run(tree),
    releaseMachine: (machine: string) => releaseMachine.run(`${machine}:`, `${machine};`),
    countAttempt: (id: number) => countAttempt.run(id),
    countSuspected: (id: number) => countSuspected.run(id),
    setAside: ({ id, result, at }: Omit<ChangeOf<'signal.set-aside'>, 'do'>) =>
      changedOne(setAside.run(JSON.stringify(result), at, id)),
    revive: (id: number) => changedOne(revive.run(id)),
    voidTree: (tree: TreeAddress, at: number) => voidTree.run(at, tree),
  };
}

/** Signals that are to be handled now, and how far behind the engine is. */
function dueSignals(db: Connection) {
  // Rows that are not due yet lie in an index of their own, with the same condition as that index: each run that has ended leaves the timer of its limit for an hour or
  // more, and a query for due rows steps over none of them. For the engine's own rows the time is the store's, for other programs' the wall clock's.
  const ready = `status = 'pending' AND deliver_at <= 0`;
  const own = `status = 'pending' AND deliver_at > 0 AND is_checked = 1 AND deliver_at`;
  const others = `status = 'pending' AND deliver_at > 0 AND is_checked = 0 AND deliver_at`;
  const [keptMs, wallMs] = ['CAST(@keptMs AS BIGINT)', 'CAST(@wallMs AS BIGINT)'];
  // Loose scans: one index step a project, however many rows each of them has waiting.
  const projectsOf = (name: string, which: string) =>
    `${name}(project) AS (
       SELECT min(project) FROM signals WHERE ${which}
       UNION ALL
       SELECT (SELECT min(project) FROM signals WHERE ${which} AND project > ${name}.project) FROM ${name} WHERE ${name}.project IS NOT NULL)`;
  const withTimers = projectsOf('t', `status = 'pending' AND deliver_at > 0`);
  const projects = db.prepare<[Now], { project: string }>(
    `WITH RECURSIVE ${projectsOf('p', ready)}, ${withTimers}
     SELECT project FROM p WHERE project IS NOT NULL
     UNION
     SELECT project FROM t WHERE project IS NOT NULL AND (
       EXISTS (SELECT 1 FROM signals s WHERE s.project = t.project AND ${own} <= ${keptMs})
       OR EXISTS (SELECT 1 FROM signals s WHERE s.project = t.project AND ${others} <= ${wallMs}))
     ORDER BY project`,
  );
  const first = (which: string, order: string, name: string) =>
    `SELECT id FROM (SELECT id FROM signals WHERE project = @project AND ${which} ORDER BY ${order} LIMIT CAST(@limit AS BIGINT)) ${name}`;
  const waiting = db.prepare<[Now & { project: string; limit: number }], SignalRow>(
    `SELECT ${columns} FROM signals WHERE id IN (
       ${first(ready, 'id', 'ready')}
       UNION ALL
       ${first(`${own} <= ${keptMs}`, 'deliver_at, id', 'own')}
       UNION ALL
       ${first(`${others} <= ${wallMs}`, 'deliver_at, id', 'others')})
     ORDER BY id`,
  );
  const due = (asked: Now & { project: string; limit: number }) =>
    answered(waiting.all(asked), (rows) => inTime(rows, asked).slice(0, asked.limit));
  const nextDue = db.prepare<[Now], { wait: number | null }>(
    `WITH RECURSIVE ${withTimers}
     SELECT min(wait) AS wait FROM (
       SELECT (SELECT min(deliver_at) FROM signals s WHERE s.project = t.project AND ${own} > ${keptMs}) - ${keptMs} AS wait FROM t
       UNION ALL
       SELECT (SELECT min(deliver_at) FROM signals s WHERE s.project = t.project AND ${others} > ${wallMs}) - ${wallMs} AS wait FROM t) waits`,
  );
  const overdue = db.prepare<[Now], { due: number; oldestMs: number | null }>(
    `WITH RECURSIVE ${withTimers}
     SELECT count(*) AS due, max(waits.age) AS "oldestMs" FROM (
       SELECT ${wallMs} - created_at AS age FROM signals WHERE ${ready}
       UNION ALL
       SELECT ${keptMs} - s.deliver_at AS age FROM t CROSS JOIN signals s WHERE s.project = t.project AND ${own} <= ${keptMs}
       UNION ALL
       SELECT ${wallMs} - s.deliver_at AS age FROM t CROSS JOIN signals s WHERE s.project = t.project AND ${others} <= ${wallMs}) waits`,
  );
  const heldCount = db.prepare<[], { count: number }>("SELECT count(*) AS count FROM signals WHERE status = 'held'");
  const delays = db.prepare<[{ newest: number; sinceMs: number }], { delay: number }>(
    `SELECT latest.processed_at - latest.created_at AS delay FROM (
       SELECT created_at, deliver_at, processed_at FROM signals WHERE id <= ${mostSignals} ORDER BY id DESC LIMIT CAST(@newest AS BIGINT)) latest
     WHERE latest.deliver_at <= 0 AND latest.processed_at >= CAST(@sinceMs AS BIGINT)`,
  );

  return {
    /** Up to `limit` due rows, the projects in turn, each project's rows in the order of `inTime`. */
    claim: (now: Now, limit: number, elsewhere: () => Answer<readonly string[]>): Answer<SignalRow[]> =>
      answered(here(projects.all(now), elsewhere), (waiting) => {
        const share = Math.max(1, Math.ceil(limit / Math.max(1, waiting.length)));
        const first = all(waiting.map(({ project }) => due({ ...now, project, limit: share })));
        return answered(first, (shares) => {
          // Projects with little that is due leave the rest of their share to the others.
          const isShort = shares.reduce((sum, list) => sum + list.length, 0) < limit;
          const lists = shares.map((list) => {
            const project = list.length === share && isShort ? list[0]?.project : undefined;
            return project === undefined ? list : due({ ...now, project, limit });
          });
          return answered(all(lists), (found) => dealt(found, limit));
        });
      }),
    /** The due rows of one project alone; `''` is the supervisor. */
    claimOf: (project: string, now: Now, limit: number) => due({ ...now, project, limit }),
    /** In how many milliseconds the next one that is not due yet will be; null: none waits. */
    nextDueIn: (now: Now) => answered(nextDue.get(now), (row) => row?.wait ?? null),
    load: ({ now, newest, sinceMs }: Parameters<Store['inboxLoad']>[0]): Answer<InboxLoad> =>
      answered(overdue.get(now), (waiting) =>
        answered(heldCount.get(), (held) =>
          answered(delays.all({ newest, sinceMs }), (ended) => ({
            due: waiting?.due ?? 0,
            oldestMs: waiting?.oldestMs ?? null,
            held: held?.count ?? 0,
            // The clock may have been set back between the two.
            delaysMs: ended.map(({ delay }) => Math.max(0, delay)),
          })),
        ),
      ),
  };
}

/** Signals by their number, their plan, or their end. */
function signalQueries(db: Connection) {
  const last = db.prepare<[], { id: number | null }>(`SELECT max(id) AS id FROM signals WHERE id <= ${mostSignals}`);
  // A number that got past the CHECK of its table, and that JavaScript would read as another number.
  const unreadable = db.prepare<[], UnreadableSignal>(
    `SELECT CAST(id AS TEXT) AS number, project, plan, type FROM signals WHERE id > ${mostSignals} ORDER BY id LIMIT ${mostUnreadable}`,
  );
  const births = db.prepare<[string], { plan: string; branch: string }>(
    `SELECT plan, json_extract(payload, '$.branch') AS branch FROM signals
     WHERE status = 'pending' AND deliver_at <= 0 AND project = ? AND type = 'plan_opened' AND is_checked = 1`,
  );
  const byId = db.prepare<[number], SignalRow>(`SELECT ${columns} FROM signals WHERE id = ?`);
  // Apart from the engine's own, the one row of another program that blocks the plan: its number could not be read.
  const allSetAside = db.prepare<[{ tree: string; from: number }], { id: number }>(
    `SELECT id FROM signals
     WHERE tree = @tree AND id >= @from AND status = 'failed' AND (origin = 'engine' OR (id = @from AND is_checked = 0)) AND json_extract(result, '$.code') = 'internal' ORDER BY id`,
  );
  // The condition is written as in its index. A creation that failed does not count any more once its tree has begun.
  const machinesSetAside = db.prepare<[string, string], SetAsideSignal>(
    `SELECT id, type, tree, json_extract(result, '$.error') AS error FROM signals
     WHERE status = 'failed' AND project = '' AND tree > ? AND tree < ? AND tree <> '${supervisorTree}' AND json_extract(result, '$.code') = 'internal'
       AND NOT (type = 'machine_started' AND EXISTS (SELECT 1 FROM trees t WHERE t.address = signals.tree)) ORDER BY tree, id LIMIT ${listLimit}`,
  );
  const list = db.prepare<[Record<string, unknown>], SignalRow>(
    `SELECT ${columns} FROM signals
     WHERE (CAST(@project AS TEXT) IS NULL OR project = @project) AND (CAST(@plan AS TEXT) IS NULL OR plan = @plan) AND (CAST(@type AS TEXT) IS NULL OR type = @type) AND (CAST(@tree AS TEXT) IS NULL OR tree = @tree) AND (CAST(@status AS TEXT) IS NULL OR status = @status)
       AND (CAST(@ofPeople AS BIGINT) = 0 OR origin = 'person' OR origin LIKE 'person:%')
     ORDER BY id DESC LIMIT CAST(@limit AS BIGINT)`,
  );

  return {
    last: () => answered(last.get(), (row) => row?.id ?? 0),
    unreadable: () => unreadable.all(),
    read: (id: number) => orNull(byId.get(id)),
    /** Plans that are registered and have no tree yet, with the branches that they will have. */
    births: (project: string) => births.all(project),
    /** The engine's own quarantined signals for a tree, from that id on. */
    allSetAside: (tree: TreeAddress, from: number) =>
      answered(allSetAside.all({ tree, from }), (rows) => rows.map(({ id }) => id)),
    /** Quarantined signals to trees of user-defined machines; of all machines, or of one. */
    setAsideOfMachines: (machine?: string) =>
      machine === undefined ? machinesSetAside.all('', '~') : machinesSetAside.all(`${machine}:`, `${machine};`),
    /** The newest first. */
    list: ({ project, plan, type, tree, status, ofPeople = false, limit = listLimit }: SignalFilter) =>
      list.all({
        project: project ?? null,
        plan: plan ?? null,
        type: type ?? null,
        tree: tree ?? null,
        status: status ?? null,
        ofPeople: ofPeople ? 1 : 0,
        limit: Math.min(limit, listLimit),
      }),
  };
}

/**
 * Rows without a time come in the order of their ids, those that are due in that of their times; of these two, the earlier one. So what came due while no engine
 * ran comes in the order in which it would have come.
 */
function inTime(rows: readonly SignalRow[], { keptMs, wallMs }: Now): SignalRow[] {
  const timeOf = ({ deliver_at: at, is_checked: isOwn }: SignalRow) => (isOwn === 1 ? at + wallMs - keptMs : at);
  const timers = rows.filter((row) => row.deliver_at > 0).sort((a, b) => timeOf(a) - timeOf(b) || a.id - b.id);
  const merged: SignalRow[] = [];
  for (const row of rows) {
    if (row.deliver_at > 0) continue;
    while (timers[0] !== undefined && timeOf(timers[0]) < row.created_at) merged.push(...timers.splice(0, 1));
    merged.push(row);
  }
  return [...merged, ...timers];
}

/** The projects in turn, each project's rows in their order. */
function dealt(lists: readonly (readonly SignalRow[])[], limit: number): SignalRow[] {
  const rows: SignalRow[] = [];
  for (let turn = 0; rows.length < limit && lists.some((list) => list.length > turn); turn += 1) {
    for (const list of lists) {
      const row = list[turn];
      if (row !== undefined && rows.length < limit) rows.push(row);
    }
  }
  return rows;
}
