/** The state of the queue for slots: one row for the whole queue, and one for each paused part of it. So a pause survives the end of the engine. */
import type { PlanKey, QueueItemQuery } from '../port.ts';
import type { PauseScope, QueueItemRow, QueuePause, QueueRow } from '../rows.ts';
import { type Answer, answered, type Connection } from './connection.ts';
import { isNewest } from './runs.ts';

/** The runs of one agent have keys from `<path>#` on: `$` is the next character after `#`. */
const first = "rtrim(r.key, '0123456789')";
const end = `substr(${first}, 1, length(${first}) - 1) || '$'`;
const items = `
  SELECT r.key, r.project, r.plan, r.title, r.run, r.role, r.state, r.reason, r.attempt, r.final_at,
    coalesce((SELECT min(f.id) FROM effects f WHERE f.key > ${first} AND f.key < ${end} AND f.kind = 'agent.run'), 0) AS id,
    (SELECT min(f.queued_at) FROM runs f WHERE f.key > ${first} AND f.key < ${end}) AS queued_at,
    (SELECT min(f.started_at) FROM runs f WHERE f.key > ${first} AND f.key < ${end}) AS started_at,
    e.status, e.id AS effect, e.lane, e.priority, e.next_at, e.started_at AS slot_at, e.waiting_since, e.error
  FROM runs r LEFT JOIN effects e ON e.key = r.key
  WHERE ${isNewest}`;

export function createQueueTable(db: Connection) {
  const read = db.prepare<[], Omit<QueueRow, 'pauses'>>(
    'SELECT paused_at AS "pausedAt", cleared_at AS "clearedAt" FROM queue',
  );
  const pauses = db.prepare<[], QueuePause>(
    'SELECT project, plan, title, paused_at AS "pausedAt" FROM queue_pauses ORDER BY project, plan, title',
  );
  const pause = db.prepare('UPDATE queue SET paused_at = ? WHERE paused_at IS NULL');
  const resume = db.prepare('UPDATE queue SET paused_at = NULL');
  const clear = db.prepare<[{ at: number }]>('UPDATE queue SET cleared_at = @at WHERE cleared_at < @at');
  const pausePart = db.prepare(
    'INSERT INTO queue_pauses (project, plan, title, paused_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const resumePart = db.prepare('DELETE FROM queue_pauses WHERE project = ? AND plan = ? AND title = ?');
  const resumePlan = db.prepare('DELETE FROM queue_pauses WHERE project = ? AND plan = ?');
  const open = db.prepare<[], QueueItemRow>(`${items} AND r.final_at IS NULL ORDER BY queued_at, r.rowid`);
  const ended = db.prepare<[{ limit: number; project: string | null; plan: string | null }], QueueItemRow>(
    `${items} AND r.final_at > (SELECT cleared_at FROM queue)
      AND (CAST(@project AS TEXT) IS NULL OR r.project = @project) AND (CAST(@plan AS TEXT) IS NULL OR r.plan = @plan)
    ORDER BY r.final_at DESC, r.rowid DESC LIMIT CAST(@limit AS BIGINT)`,
  );

  return {
    read: (): Answer<QueueRow> =>
      answered(read.get(), (row) => {
        if (row === undefined) throw new Error('the queue has no row');
        return answered(pauses.all(), (parts) => ({ ...row, pauses: parts }));
      }),
    items({ ended: limit, project, plan }: QueueItemQuery): Answer<QueueItemRow[]> {
      const which = { limit, project: project ?? null, plan: plan ?? null };
      return answered(open.all(), (first) => answered(ended.all(which), (rest) => [...first, ...rest]));
    },
    /** A part that is paused already keeps its time. */
    pause(at: number, what?: PauseScope): Answer<unknown> {
      return what === undefined ? pause.run(at) : pausePart.run(what.project, what.plan, what.title, at);
    },
    resume(what?: PauseScope): Answer<unknown> {
      return what === undefined ? resume.run() : resumePart.run(what.project, what.plan, what.title);
    },
    resumePlan: ({ project, plan }: PlanKey) => resumePlan.run(project, plan),
    clear: (at: number) => clear.run({ at }),
  };
}
