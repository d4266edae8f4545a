/** How the queue for slots stands: a row for the whole and one for each part that is paused, so that a pause outlives the engine that was told of it. */
import type { PlanKey } from '../port.ts';
import type { PauseScope, QueueItemRow, QueuePause, QueueRow } from '../rows.ts';
import type { Database } from './db.ts';
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

export function createQueueTable(db: Database) {
  const read = db.prepare<[], Omit<QueueRow, 'pauses'>>(
    'SELECT paused_at AS pausedAt, cleared_at AS clearedAt FROM queue',
  );
  const pauses = db.prepare<[], QueuePause>(
    'SELECT project, plan, title, paused_at AS pausedAt FROM queue_pauses ORDER BY project, plan, title',
  );
  const pause = db.prepare('UPDATE queue SET paused_at = ? WHERE paused_at IS NULL');
  const resume = db.prepare('UPDATE queue SET paused_at = NULL');
  const clear = db.prepare('UPDATE queue SET cleared_at = max(cleared_at, ?)');
  const pausePart = db.prepare(
    'INSERT INTO queue_pauses (project, plan, title, paused_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const resumePart = db.prepare('DELETE FROM queue_pauses WHERE project = ? AND plan = ? AND title = ?');
  const resumePlan = db.prepare('DELETE FROM queue_pauses WHERE project = ? AND plan = ?');
  const open = db.prepare<[], QueueItemRow>(`${items} AND r.final_at IS NULL ORDER BY queued_at, r.rowid`);
  const ended = db.prepare<[{ limit: number }], QueueItemRow>(
    `${items} AND r.final_at > (SELECT cleared_at FROM queue) ORDER BY r.final_at DESC, r.rowid DESC LIMIT (@limit + 0)`,
  );

  return {
    read(): QueueRow {
      const row = read.get();
      if (row === undefined) throw new Error('the queue has no row');
      return { ...row, pauses: pauses.all() };
    },
    items: (limit: number): QueueItemRow[] => [...open.all(), ...ended.all({ limit })],
    /** What is paused stays so since it was. */
    pause(at: number, what?: PauseScope): void {
      if (what === undefined) pause.run(at);
      else pausePart.run(what.project, what.plan, what.title, at);
    },
    resume(what?: PauseScope): void {
      if (what === undefined) resume.run();
      else resumePart.run(what.project, what.plan, what.title);
    },
    resumePlan: ({ project, plan }: PlanKey): void => void resumePlan.run(project, plan),
    clear: (at: number): void => void clear.run(at),
  };
}
