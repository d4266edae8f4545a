/** The outbox: every requested effect is a row here; a row in `running` is a taken slot and a taken resource. */

import { type Lane, laneOf, resourceOf } from '../../../../machines/vocabulary/effect.ts';
import { effectKey, parseTree, planTree, type TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import type { ChangeOf, EffectQuery, PlanKey, SlotWaiter, StartQuery } from '../port.ts';
import type { EffectOwner, EffectRow } from '../rows.ts';
import { type Answer, all, answered, type Connection, changedOne, here, orNull } from './connection.ts';
import { createExpiry } from './expiry.ts';

const columns =
  'id, key, tree, project, plan, name, kind, lane, resource, priority, payload, status, attempts, suspected, next_at, stop_at, epoch, host, created_at, started_at, finished_at, error, waiting_since, result';
/** How many waiting effects a lane examines by default. This is more than any limit, so effects that wait for a busy resource do not hide the others for long. */
const lookAhead = 512;
/** An agent does not start while the queue is paused for it, or while its plan takes no new runs. */
const agentMayBegin = `(kind <> 'agent.run' OR (
         NOT EXISTS (SELECT 1 FROM queue WHERE paused_at IS NOT NULL)
         AND NOT EXISTS (
           SELECT 1 FROM queue_pauses q WHERE q.project = e.project AND (q.plan = '' OR (
             q.plan = e.plan AND (q.title = '' OR q.title = json_extract(e.payload, '$.title')))))
         AND NOT EXISTS (
           SELECT 1 FROM plans p WHERE p.project = e.project AND p.plan = e.plan AND (p.holds = 1 OR p.paused = 1 OR p.fault_signal IS NOT NULL))))`;
/** An effect of a machine does not start while that machine is paused, or the effect's lane. Where nothing is paused no effect is read for it. */
const machineMayBegin = `(kind <> 'machine.effect' OR NOT EXISTS (SELECT 1 FROM machine_pauses) OR NOT EXISTS (
         SELECT 1 FROM machine_pauses m WHERE m.machine = json_extract(e.payload, '$.machine')
           AND (m.lane = '' OR m.lane = json_extract(e.payload, '$.lane'))))`;
const mayBegin = `${agentMayBegin} AND ${machineMayBegin}`;

/** Effects that continue when their tree is deleted: hooks still receive the event, a push and a cleaning are completed. */
const outlivesTree = "kind IN ('hook.deliver', 'refs.push', 'worktree.remove')";
/** The other effects: a waiting one never begins, a running one must end. */
export const endsWithTree = {
  queued: (at: string) => `status = 'withdrawn', finished_at = ${at}, waiting_since = NULL`,
  running: (at: string) => `stop_at = CASE WHEN stop_at < ${at} THEN stop_at ELSE ${at} END`,
  of: (status: 'queued' | 'running') => `status = '${status}' AND NOT (${outlivesTree})`,
} as const;

/** The effects of `@tree` by the range of their keys, which begin with it and `/`; `0` is the character after that. */
const keysOf = (table: string) => `${table}.key > @tree || '/' AND ${table}.key < @tree || '0'`;

export function createEffectTable(db: Connection) {
  const expiry = createExpiry(db, {
    name: 'effects',
    number: 'id',
    where: `status IN ('done', 'failed', 'withdrawn') AND finished_at < @beforeMs AND id < (SELECT max(id) FROM effects)
      AND (kind = 'hook.deliver' OR NOT EXISTS (
        SELECT 1 FROM plans p WHERE p.project = effects.project AND p.plan = effects.plan AND p.deleted_at IS NULL
          AND p.status NOT IN ('done', 'cancelled')))`,
    statements: ['DELETE FROM effects WHERE <these>'],
  });
  return { ...startableEffects(db), ...laneCounts(db), ...effectChanges(db), ...effectQueries(db), expiry };
}

/** Effects that may begin now, in the order in which they take their slots. */
function startableEffects(db: Connection) {
  // A resource belongs to the effect that runs on it, then to the earliest request. The statuses are written twice: in this very form the index covers them, and
  // without it each of a thousand rows would look at all the others.
  const startable = db.prepare<[Record<string, unknown>], EffectRow>(
    `SELECT ${columns} FROM effects e
     WHERE status = 'queued' AND lane = @lane AND project || '' = @project AND next_at <= @now
       AND ${mayBegin}
       AND NOT EXISTS (
         SELECT 1 FROM effects o WHERE o.project = e.project AND o.resource = e.resource AND o.status IN ('queued', 'running')
           AND (o.status = 'running' OR (o.status = 'queued' AND o.id < e.id)))
       AND (kind <> 'agent.run' OR CAST(@agents AS TEXT) IS NULL OR project || '/' || plan IN (SELECT value FROM json_each(@agents)))
       AND (CAST(@held AS TEXT) IS NULL OR kind <> 'agent.run' OR json_extract(payload, '$.start') = 'restart'
         OR project || '/' || json_extract(payload, '$.role') || coalesce('/' || json_extract(payload, '$.agent'), '') NOT IN (SELECT value FROM json_each(@held)))
       AND (CAST(@hostNames AS TEXT) IS NULL OR kind <> 'agent.run' OR NOT EXISTS (
         SELECT 1 FROM plans p WHERE p.project = e.project AND p.plan = e.plan AND p.host NOT IN (SELECT value FROM json_each(@hostNames))))
       AND (CAST(@ofOthers AS TEXT) IS NULL OR kind <> 'machine.effect'
         OR json_extract(payload, '$.machine') || '/' || json_extract(payload, '$.effect') NOT IN (SELECT value FROM json_each(@ofOthers)))
       AND (CAST(@trees AS TEXT) IS NULL OR tree IN (SELECT value FROM json_each(@trees)))
     ORDER BY priority DESC, id LIMIT CAST(@limit AS BIGINT)`,
  );
  // A loose scan: one index step a project. The statuses are written as in the index.
  const openProjects = db.prepare<[], { project: string }>(
    `WITH RECURSIVE p(project) AS (
         SELECT min(project) FROM effects WHERE status IN ('queued', 'running')
         UNION ALL
         SELECT (SELECT min(project) FROM effects WHERE status IN ('queued', 'running') AND project > p.project) FROM p WHERE p.project IS NOT NULL
       ) SELECT project FROM p WHERE project IS NOT NULL`,
  );
  const paused = db.prepare('SELECT 1 FROM queue WHERE paused_at IS NOT NULL');
  // There may be many thousands of hooks behind one that fails: only the first of each resource is read.
  const startableHooks = db.prepare<[Record<string, unknown>], EffectRow>(
    `SELECT ${columns} FROM effects e
     WHERE id IN (
         SELECT min(id) FROM effects WHERE kind = 'hook.deliver' AND status IN ('queued', 'running') GROUP BY project, resource)
       AND status = 'queued' AND next_at <= @now
       AND NOT EXISTS (
         SELECT 1 FROM effects o WHERE o.lane = 'hook' AND o.status = 'running' AND o.project = e.project AND o.resource = e.resource)
       AND project NOT IN (SELECT value FROM json_each(@closed))
       AND (CAST(@trees AS TEXT) IS NULL OR tree IN (SELECT value FROM json_each(@trees)))
     ORDER BY id LIMIT ${lookAhead}`,
  );

  return {
    /** In the present state of the plans and the queue. */
    startable(
      { lane, nowMs, closed, agents, held = [], hostNames, ofOthers = [], trees, limit = lookAhead }: StartQuery,
      elsewhere: () => Answer<readonly string[]>,
    ): Answer<EffectRow[]> {
      // None of the thousand that then wait has to be read.
      const isOfAgents = lane === 'worker' || lane === 'coordinator';
      const common = { now: nowMs, trees: trees === undefined ? null : JSON.stringify(trees) };
      if (lane === 'hook')
        return answered(elsewhere(), (others) =>
          startableHooks.all({ ...common, closed: JSON.stringify([...closed, ...others]) }),
        );
      if (isOfAgents && agents === 'none') return [];
      return answered(isOfAgents ? paused.get() : undefined, (isPaused) => {
        if (isPaused !== undefined) return [];
        const named = {
          ...common,
          lane,
          limit,
          agents: agents === 'all' ? null : JSON.stringify(agents === 'none' ? [] : agents),
          held: held.length === 0 ? null : JSON.stringify(held),
          hostNames: hostNames === undefined ? null : JSON.stringify(hostNames),
          ofOthers: ofOthers.length === 0 ? null : JSON.stringify(ofOthers),
        };
        return answered(here(openProjects.all(), elsewhere), (found) => {
          const projects = found.map(({ project }) => project).filter((project) => !closed.includes(project));
          const ofEach = all(projects.map((project) => startable.all({ ...named, project })));
          return answered(ofEach, (rows) => rows.flat().sort((a, b) => b.priority - a.priority || a.id - b.id));
        });
      });
    },
  };
}

/** The effects of each lane: how many there are, and which wait for a slot. */
function laneCounts(db: Connection) {
  // The status is written exactly as in an index that has no other rows.
  const ofLane = (status: 'queued' | 'running') =>
    db.prepare<[string], { project: string; count: number }>(
      `SELECT project, count(*) AS count FROM effects WHERE lane = ? AND status = '${status}' GROUP BY project`,
    );
  const countsOf = { queued: ofLane('queued'), running: ofLane('running') };
  const runningOfHost = db.prepare<[string, string], { project: string; count: number }>(
    `SELECT project, count(*) AS count FROM effects WHERE lane = ? AND status = 'running' AND host = ? GROUP BY project`,
  );
  const waitersWith = (title: string, role: string, agent: string) =>
    db.prepare<[], SlotWaiter>(
      `SELECT id, key, project, plan, lane, priority, ${title} AS title, ${role} AS role, ${agent} AS agent FROM effects WHERE status = 'queued' AND kind = 'agent.run'`,
    );
  const waiters = waitersWith("''", "''", 'CAST(NULL AS TEXT)');
  const namedWaiters = waitersWith(
    "json_extract(payload, '$.title')",
    "json_extract(payload, '$.role')",
    "json_extract(payload, '$.agent')",
  );
  const queuedLanes = db.prepare<[], { lane: Lane }>(
    `WITH RECURSIVE l(lane) AS (
         SELECT min(lane) FROM effects WHERE status = 'queued'
         UNION ALL
         SELECT (SELECT min(lane) FROM effects WHERE status = 'queued' AND lane > l.lane) FROM l WHERE l.lane IS NOT NULL
       ) SELECT lane FROM l WHERE lane IS NOT NULL`,
  );
  // `next_at > 0` is written exactly as in the index, which then covers the query, however many only wait for their turn.
  const nextAt = db.prepare<[number], { at: number | null }>(
    `SELECT min(next_at) AS at FROM effects WHERE status = 'queued' AND next_at > 0 AND next_at > ?`,
  );

  return {
    counts: (lane: Lane, status: 'queued' | 'running', host?: string): Answer<Map<string, number>> =>
      answered(
        host === undefined ? countsOf[status].all(lane) : runningOfHost.all(lane, host),
        (rows) => new Map(rows.map(({ project, count }) => [project, count])),
      ),
    slotWaiters: (isNamed: boolean) => (isNamed ? namedWaiters : waiters).all(),
    queuedLanes: () => answered(queuedLanes.all(), (rows) => rows.map(({ lane }) => lane)),
    nextAt: (afterMs: number) => answered(nextAt.get(afterMs), (row) => row?.at ?? null),
  };
}

/** The changes of effects. Each names the status and the owner that it expects. */
function effectChanges(db: Connection) {
  const insert = db.prepare(
    `INSERT INTO effects (key, tree, project, plan, name, kind, lane, resource, priority, payload, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    { answers: 'each' },
  );
  const prioritize = db.prepare<[{ project: string; priority: number }]>(
    `UPDATE effects SET priority = @priority WHERE project = @project AND status = 'queued' AND priority <> @priority`,
  );
  const take = db.prepare(
    `UPDATE effects AS e SET status = 'running', host = ?, epoch = ?, started_at = ?, attempts = attempts + 1
     WHERE id = ? AND status = 'queued' AND ${mayBegin} AND NOT EXISTS (
       SELECT 1 FROM effects o WHERE o.project = e.project AND o.resource = e.resource AND o.status IN ('queued', 'running') AND o.status = 'running')`,
  );
  const adopt = db.prepare(`UPDATE effects SET epoch = ? WHERE status = 'running' AND host = ? AND epoch <> ?`);
  const countSuspected = db.prepare(
    `UPDATE effects SET suspected = suspected + 1 WHERE key = ? AND status = 'running' AND host = ? AND epoch = ?`,
  );
  const clearSuspected = db.prepare(
    `UPDATE effects SET suspected = 0 WHERE key = ? AND status = 'running' AND host = ? AND epoch = ?`,
  );
  const settle = db.prepare(
    `UPDATE effects SET status = ?, finished_at = ?, error = ?, result = coalesce(?, result), waiting_since = NULL
     WHERE key = ? AND status = 'running' AND host = ? AND epoch = ?`,
  );
  const again = db.prepare(
    `UPDATE effects SET status = 'queued', epoch = NULL, started_at = NULL, next_at = ?, error = ?, result = coalesce(?, result), waiting_since = NULL
     WHERE key = ? AND status = 'running' AND host = ? AND epoch = ?`,
  );
  const putBack = db.prepare(
    `UPDATE effects SET status = 'queued', epoch = NULL, started_at = NULL, attempts = attempts - 1, next_at = ?, error = ?,
       waiting_since = coalesce(waiting_since, ?)
     WHERE key = ? AND status = 'running' AND stop_at IS NULL AND host = ? AND epoch = ?`,
  );
  const noteWait = db.prepare(
    `UPDATE effects SET waiting_since = ?, error = ? WHERE key = ? AND status = 'running' AND host = ? AND epoch = ?`,
  );
  const withdraw = db.prepare(
    `UPDATE effects SET status = 'withdrawn', finished_at = ?, waiting_since = NULL WHERE key = ? AND status = 'queued'`,
  );
  const stop = db.prepare<[{ stopAt: number; key: string }]>(
    `UPDATE effects SET stop_at = CASE WHEN stop_at < @stopAt THEN stop_at ELSE @stopAt END WHERE key = @key AND status = 'running'`,
  );
  const endOf = (status: 'queued' | 'running') =>
    db.prepare<[{ tree: string; at: number }]>(
      `UPDATE effects SET ${endsWithTree[status]('@at')} WHERE ${keysOf('effects')} AND ${endsWithTree.of(status)}`,
    );
  const endQueued = endOf('queued');
  const endRunning = endOf('running');
  const redeliver = db.prepare(
    `UPDATE effects SET status = 'queued', attempts = 0, suspected = 0, next_at = 0, stop_at = NULL, epoch = NULL, started_at = NULL, finished_at = NULL, error = NULL
     WHERE key = ? AND kind = 'hook.deliver' AND status IN ('done', 'failed', 'withdrawn')`,
  );

  return {
    insert({ tree, effect, priority, at }: Omit<ChangeOf<'effect.insert'>, 'do'>): Answer<unknown> {
      const parsed = parseTree(tree);
      const key = effectKey(tree, effect.id);
      const project = 'project' in parsed ? parsed.project : '';
      const plan = 'plan' in parsed ? parsed.plan : '';
      return insert.run(
        key,
        tree,
        project,
        plan,
        effect.id,
        effect.kind,
        laneOf(effect),
        resourceOf(effect),
        priority,
        JSON.stringify(effect),
        at,
      );
    },
    prioritize: ({ project, priority }: Omit<ChangeOf<'effect.prioritize'>, 'do'>) =>
      prioritize.run({ project, priority }),
    take: ({ id, owner: { host, epoch }, at }: Omit<ChangeOf<'effect.take'>, 'do'>) =>
      changedOne(take.run(host, epoch, at, id)),
    /** This owner takes over effects that an earlier owner of the host left running; their slots stay taken. */
    adopt: ({ host, epoch }: EffectOwner) => adopt.run(epoch, host, epoch),
    countSuspected: ({ key, owner }: Omit<ChangeOf<'effect.count-suspected'>, 'do'>) =>
      countSuspected.run(key, owner.host, owner.epoch),
    clearSuspected: ({ key, owner }: Omit<ChangeOf<'effect.clear-suspected'>, 'do'>) =>
      clearSuspected.run(key, owner.host, owner.epoch),
    settle: ({ key, status, error, owner, at, result }: Omit<ChangeOf<'effect.settle'>, 'do'>) =>
      changedOne(settle.run(status, at, error, result ?? null, key, owner.host, owner.epoch)),
    tryAgain: ({ key, nextAt, error, owner, result }: Omit<ChangeOf<'effect.try-again'>, 'do'>) =>
      changedOne(again.run(nextAt, error, result ?? null, key, owner.host, owner.epoch)),
    redeliver: (key: string) => changedOne(redeliver.run(key)),
    /** Resets it as if it had not been begun: it waits in its row, without its slot. Not if it must stop. */
    putBack: ({ key, nextAt, error, owner, at }: Omit<ChangeOf<'effect.put-back'>, 'do'>) =>
      changedOne(putBack.run(nextAt, error, at, key, owner.host, owner.epoch)),
    /** What a running one waits for, since `at`; null: for nothing any more. */
    noteWait: ({ key, wait, owner }: Omit<ChangeOf<'effect.note-wait'>, 'do'>) =>
      noteWait.run(wait?.at ?? null, wait?.reason ?? null, key, owner.host, owner.epoch),
    /** Whether it was withdrawn: it had not begun and never will. A running one ends at `stopAt`. */
    stop({ key, stopAt, at }: Omit<ChangeOf<'effect.stop'>, 'do'>): Answer<boolean> {
      return answered(changedOne(withdraw.run(at, key)), (isWithdrawn) =>
        isWithdrawn ? true : answered(stop.run({ stopAt, key }), () => false),
      );
    },
    endTree: (tree: TreeAddress, at: number) => all([endQueued.run({ tree, at }), endRunning.run({ tree, at })]),
  };
}

/** Effects by their key, their tree, or what they wait for. */
function effectQueries(db: Connection) {
  // `+id`: sorted afterwards. In the order of `id` itself the query would read every ended effect.
  const running = db.prepare<[{ host: string | null }], EffectRow>(
    `SELECT ${columns} FROM effects WHERE status = 'running' AND (CAST(@host AS TEXT) IS NULL OR host = @host) ORDER BY +id`,
  );
  const byKey = db.prepare<[string], EffectRow>(`SELECT ${columns} FROM effects WHERE key = ?`);
  const ofTree = db.prepare<[{ tree: string }], EffectRow>(
    `SELECT ${columns} FROM effects e WHERE ${keysOf('e')} AND status IN ('queued', 'running') ORDER BY id`,
  );
  // An open row has the reason of its retry from its first failure on.
  const waiting = db.prepare<[{ tree: string }], EffectRow>(
    `SELECT ${columns} FROM effects e WHERE ${keysOf('e')} AND status IN ('queued', 'running') AND error IS NOT NULL
     ORDER BY waiting_since IS NULL, waiting_since, id`,
  );
  // The conditions of the partial indexes: effects that only wait for their turn are not read.
  const allWaiting = db.prepare<[], EffectRow>(
    `SELECT * FROM (
       SELECT ${columns} FROM effects WHERE waiting_since IS NOT NULL
       UNION ALL
       SELECT ${columns} FROM effects WHERE status = 'queued' AND next_at > 0 AND waiting_since IS NULL AND error IS NOT NULL
       UNION ALL
       SELECT ${columns} FROM effects WHERE status = 'running' AND waiting_since IS NULL AND error IS NOT NULL
     ) AS w ORDER BY waiting_since IS NULL, waiting_since, id`,
  );
  const open = db.prepare<[], EffectRow>(
    `SELECT ${columns} FROM effects WHERE status IN ('queued', 'running') ORDER BY priority DESC, id`,
  );
  const begun = db.prepare<[{ tree: string }], EffectRow>(
    `SELECT ${columns} FROM effects e WHERE ${keysOf('e')} AND started_at IS NOT NULL ORDER BY id`,
  );
  // No actor waits for these, so no state of the plan shows it. A later success of the same kind counts.
  const undone = db.prepare<[{ tree: string; sinceMs: number }], EffectRow>(
    `SELECT ${columns} FROM effects e
     WHERE ${keysOf('e')} AND created_at >= @sinceMs AND kind IN ('worktree.remove', 'work.undo') AND error IS NOT NULL AND status IN ('queued', 'failed')
       AND NOT EXISTS (
         SELECT 1 FROM effects o WHERE ${keysOf('o')} AND o.kind = e.kind AND o.resource = e.resource AND o.id > e.id AND o.status <> 'failed')
     ORDER BY id`,
  );
  const deliveries = db.prepare<[Record<string, unknown>], EffectRow>(
    `SELECT ${columns} FROM effects WHERE kind = 'hook.deliver' AND (CAST(@project AS TEXT) IS NULL OR project = @project) AND (CAST(@plan AS TEXT) IS NULL OR plan = @plan)
       AND (CAST(@hook AS TEXT) IS NULL OR json_extract(payload, '$.hook') = @hook)
       AND (CAST(@statuses AS TEXT) IS NULL OR status IN (SELECT value FROM json_each(@statuses)))
     ORDER BY id DESC LIMIT CAST(@limit AS BIGINT)`,
  );
  const delivery = db.prepare<[string], EffectRow>(
    `SELECT ${columns} FROM effects WHERE kind = 'hook.deliver' AND name = ? ORDER BY id`,
  );

  return {
    read: (key: string) => orNull(byKey.get(key)),
    /** Whether an agent of the plan runs or is to run. */
    hasOpenRuns: ({ project, plan }: PlanKey) =>
      answered(ofTree.all({ tree: planTree(project, plan) }), (rows) => rows.some(({ kind }) => kind === 'agent.run')),
    by(query: EffectQuery): Answer<EffectRow[]> {
      switch (query.by) {
        case 'running':
          return running.all({ host: query.host ?? null });
        case 'open':
          return open.all();
        case 'tree':
          return ofTree.all({ tree: query.tree });
        case 'begun':
          return begun.all({ tree: query.tree });
        case 'waiting':
          return query.tree === undefined ? allWaiting.all() : waiting.all({ tree: query.tree });
        case 'undone':
          return undone.all({ tree: query.tree, sinceMs: query.sinceMs });
        case 'deliveries': {
          const { project = null, plan = null, hook = null, statuses, limit } = query;
          const named = statuses === undefined ? null : JSON.stringify(statuses);
          return deliveries.all({ project, plan, hook, statuses: named, limit });
        }
        case 'delivery':
          return delivery.all(query.id);
      }
    },
  };
}
