/** The plans as people list them: written in the transaction of the step that they show, with the document itself. */
import type { PlanSummary } from '../../actors/plan-view.ts';
import type { Block } from '../../machines/plan-context.ts';
import type { PlanStatus } from '../../machines/signal.ts';
import type { Database } from './db.ts';

export interface PlanRow {
  readonly project: string;
  readonly plan: string;
  readonly title: string | null;
  readonly goal: string | null;
  readonly branch: string;
  readonly topic: string | null;
  readonly status: PlanStatus;
  readonly phase: string | null;
  readonly blocked: Block | null;
  readonly holds: boolean;
  readonly paused: boolean;
  /** The engine's own signal that was set aside; the plan stands until a person resolves it. */
  readonly faultSignal: number | null;
  readonly wave: number;
  readonly waves: number;
  readonly tasksDone: number;
  readonly tasks: number;
  readonly reviewCycle: number;
  readonly generation: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

interface Row {
  project: string;
  plan: string;
  title: string | null;
  goal: string | null;
  branch: string;
  topic: string | null;
  status: PlanStatus;
  phase: string | null;
  blocked: string | null;
  holds: number;
  paused: number;
  fault_signal: number | null;
  wave: number;
  waves: number;
  tasks_done: number;
  tasks: number;
  review_cycle: number;
  generation: number;
  created_at: number;
  updated_at: number;
}

const columns =
  'project, plan, title, goal, branch, topic, status, phase, blocked, holds, paused, fault_signal, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at';

export type PlanStore = ReturnType<typeof createPlanStore>;

export function createPlanStore(db: Database) {
  const insert = db.prepare(
    `INSERT INTO plans (project, plan, content, goal, title, branch, topic, status, phase, blocked, holds, paused, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at)
     VALUES (@project, @plan, @content, @goal, @title, @branch, @topic, @status, @phase, @blocked, @holds, @paused, @wave, @waves, @tasksDone, @tasks, @reviewCycle, @generation, @at, @at)
     ON CONFLICT (project, plan) DO UPDATE SET content = excluded.content, goal = excluded.goal, created_at = excluded.created_at, deleted_at = NULL, fault_signal = NULL`,
  );
  const project = db.prepare(
    `UPDATE plans SET title = @title, branch = @branch, topic = @topic, status = @status, phase = @phase, blocked = @blocked, holds = @holds,
       paused = @paused, wave = @wave, waves = @waves, tasks_done = @tasksDone, tasks = @tasks, review_cycle = @reviewCycle,
       generation = @generation, updated_at = @at
     WHERE project = @project AND plan = @plan`,
  );
  const setContent = db.prepare('UPDATE plans SET content = ?, goal = ? WHERE project = ? AND plan = ?');
  const setFault = db.prepare('UPDATE plans SET fault_signal = ?, updated_at = ? WHERE project = ? AND plan = ?');
  const remove = db.prepare(
    'UPDATE plans SET deleted_at = ?, updated_at = ? WHERE project = ? AND plan = ? AND deleted_at IS NULL',
  );
  const read = db.prepare<[string, string], Row>(
    `SELECT ${columns} FROM plans WHERE project = ? AND plan = ? AND deleted_at IS NULL`,
  );
  const content = db.prepare<[string, string], { content: string }>(
    'SELECT content FROM plans WHERE project = ? AND plan = ? AND deleted_at IS NULL',
  );
  const generation = db.prepare<[string, string], { generation: number }>(
    'SELECT generation FROM plans WHERE project = ? AND plan = ?',
  );
  const list = db.prepare<[Record<string, unknown>], Row>(
    `SELECT ${columns} FROM plans WHERE deleted_at IS NULL AND (@project IS NULL OR project = @project)
       AND NOT EXISTS (SELECT 1 FROM repos r WHERE r.project = plans.project AND r.removed_at IS NOT NULL)
     ORDER BY (blocked IS NULL AND fault_signal IS NULL), project, updated_at DESC, plan`,
  );
  const active = db.prepare<[], { project: string; count: number }>(
    `SELECT project, count(*) AS count FROM plans WHERE deleted_at IS NULL AND status NOT IN ('ready', 'done', 'cancelled') GROUP BY project`,
  );

  const countOf = db.prepare<[string], { count: number }>(
    'SELECT count(*) AS count FROM plans WHERE project = ? AND deleted_at IS NULL',
  );

  function parameters(
    key: { project: string; plan: string },
    { blocked, holds, paused, ...summary }: PlanSummary,
    at: number,
  ) {
    return {
      ...key,
      ...summary,
      blocked: blocked === null ? null : JSON.stringify(blocked),
      holds: holds ? 1 : 0,
      paused: paused ? 1 : 0,
      at,
    };
  }

  return {
    insert: (
      key: { project: string; plan: string },
      text: { content: string; goal: string | null },
      summary: PlanSummary,
      at: number,
    ): void => void insert.run({ ...parameters(key, summary, at), ...text }),
    project: (key: { project: string; plan: string }, summary: PlanSummary, at: number): void =>
      void project.run(parameters(key, summary, at)),
    setContent: (key: { project: string; plan: string }, text: { content: string; goal: string | null }): void =>
      void setContent.run(text.content, text.goal, key.project, key.plan),
    setFault: (key: { project: string; plan: string }, signal: number | null, at: number): void =>
      void setFault.run(signal, at, key.project, key.plan),
    remove: (key: { project: string; plan: string }, at: number): boolean =>
      remove.run(at, at, key.project, key.plan).changes === 1,
    read(projectName: string, plan: string): PlanRow | null {
      const row = read.get(projectName, plan);
      return row === undefined ? null : planOf(row);
    },
    content: (projectName: string, plan: string): string | null => content.get(projectName, plan)?.content ?? null,
    /** Where the next incarnation of a plan of this name counts on from, so that no run of it is ever named like an old one. */
    nextGeneration: (projectName: string, plan: string): number =>
      (generation.get(projectName, plan)?.generation ?? -1) + 1,
    /** Who needs a person first. */
    list: (projectName: string | null): PlanRow[] => list.all({ project: projectName }).map(planOf),
    countOf: (projectName: string): number => countOf.get(projectName)?.count ?? 0,
    activeByProject: (): Map<string, number> => new Map(active.all().map(({ project: name, count }) => [name, count])),
  };
}

function planOf(row: Row): PlanRow {
  return {
    project: row.project,
    plan: row.plan,
    title: row.title,
    goal: row.goal,
    branch: row.branch,
    topic: row.topic,
    status: row.status,
    phase: row.phase,
    blocked: row.blocked === null ? null : JSON.parse(row.blocked),
    holds: row.holds === 1,
    paused: row.paused === 1,
    faultSignal: row.fault_signal,
    wave: row.wave,
    waves: row.waves,
    tasksDone: row.tasks_done,
    tasks: row.tasks,
    reviewCycle: row.review_cycle,
    generation: row.generation,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
