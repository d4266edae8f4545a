/** The plans as people list them: written in the transaction of the step that they show, with the document itself. */

import type { PlanSummary } from '../../../../actors/plan-view.ts';
import { nothingRaised } from '../../../../machines/vocabulary/budget.ts';
import type { Landing, LandingSignal } from '../../../../machines/vocabulary/landing.ts';
import type { PlanStatus } from '../../../../machines/vocabulary/plan-status.ts';
import type { ChangeOf, PlanKey } from '../port.ts';
import type { PlanBase, PlanRow, PlanText, PlanTrace } from '../rows.ts';
import { type Answer, answered, type Connection, changedOne } from './connection.ts';
import { createExpiry } from './expiry.ts';

interface Row {
  project: string;
  plan: string;
  title: string | null;
  goal: string | null;
  branch: string;
  topic: string | null;
  author: string | null;
  status: PlanStatus;
  phase: string | null;
  landing: Landing | null;
  accepts: string;
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
  base_branch: string | null;
  base_commit: string | null;
  base_on: string | null;
  created_at: number;
  updated_at: number;
  file: string | null;
  file_digest: string | null;
  file_as: string | null;
  budget: string | null;
  host: string | null;
}

const columns =
  'project, plan, title, goal, branch, topic, author, status, phase, landing, accepts, blocked, holds, paused, fault_signal, wave, waves, tasks_done, tasks, review_cycle, generation, base_branch, base_commit, base_on, created_at, updated_at, file, file_digest, file_as, budget, host';

export function createPlanTable(db: Connection) {
  // The row stays, so that the next plan of this name counts on from it.
  const expiry = createExpiry(db, {
    name: 'plans',
    number: 'rowid',
    where: "deleted_at < @beforeMs AND content <> ''",
    statements: ["UPDATE plans SET content = '' WHERE <these>"],
  });
  return { ...planChanges(db), ...planQueries(db), expiry };
}

/** The changes of plans. */
function planChanges(db: Connection) {
  const insert = db.prepare(
    `INSERT INTO plans (project, plan, content, goal, title, branch, topic, author, status, phase, landing, accepts, blocked, holds, paused, wave, waves, tasks_done, tasks, review_cycle, generation, created_at, updated_at, file, file_digest, file_as, budget, host)
     VALUES (@project, @plan, @content, @goal, @title, @branch, @topic, @author, @status, @phase, @landing, @accepts, @blocked, @holds, @paused, @wave, @waves, @tasksDone, @tasks, @reviewCycle, @generation, @at, @at, @file, @digest, @as, @budget, @host)
     ON CONFLICT (project, plan) DO UPDATE SET content = excluded.content, goal = excluded.goal, author = excluded.author, created_at = excluded.created_at, deleted_at = NULL, fault_signal = NULL,
       file = excluded.file, file_digest = excluded.file_digest, file_as = excluded.file_as, budget = excluded.budget, host = excluded.host, base_branch = NULL, base_commit = NULL, base_on = NULL`,
  );
  const show = db.prepare(
    `UPDATE plans SET title = @title, branch = @branch, topic = @topic, status = @status, phase = @phase, landing = @landing, accepts = @accepts, blocked = @blocked, holds = @holds,
       paused = @paused, wave = @wave, waves = @waves, tasks_done = @tasksDone, tasks = @tasks, review_cycle = @reviewCycle,
       generation = @generation, budget = @budget, host = @host, updated_at = @at
     WHERE project = @project AND plan = @plan`,
  );
  const setText = db.prepare('UPDATE plans SET content = ?, goal = ? WHERE project = ? AND plan = ?');
  const setFile = db.prepare(
    'UPDATE plans SET file = ?, file_digest = ?, file_as = coalesce(?, file_as) WHERE project = ? AND plan = ? AND deleted_at IS NULL',
  );
  const rebind = db.prepare(
    'UPDATE plans SET file = ?, file_digest = ?, file_as = coalesce(?, file_as) WHERE project = ? AND plan = ? AND deleted_at IS NULL AND file IS NOT DISTINCT FROM ?',
  );
  const moveFault = db.prepare(
    'UPDATE plans SET fault_signal = ?, updated_at = ? WHERE project = ? AND plan = ? AND fault_signal = ?',
  );
  const setFault = db.prepare('UPDATE plans SET fault_signal = ?, updated_at = ? WHERE project = ? AND plan = ?');
  const setFirstFault = db.prepare(
    'UPDATE plans SET fault_signal = ?, updated_at = ? WHERE project = ? AND plan = ? AND fault_signal IS NULL',
  );
  const setBase = db.prepare(
    'UPDATE plans SET base_branch = ?, base_commit = ?, base_on = ? WHERE project = ? AND plan = ?',
  );
  const remove = db.prepare(
    "UPDATE plans SET deleted_at = ?, updated_at = ? WHERE project = ? AND plan = ? AND deleted_at IS NULL AND status IN ('ready', 'done', 'cancelled')",
  );
  function parameters(
    { project, plan }: PlanKey,
    { accepts, blocked, holds, paused, budget, ...summary }: PlanSummary,
    at: number,
  ) {
    return {
      project,
      plan,
      ...summary,
      accepts: JSON.stringify(accepts),
      blocked: blocked === null ? null : JSON.stringify(blocked),
      holds: holds ? 1 : 0,
      budget: JSON.stringify(budget),
      paused: paused ? 1 : 0,
      at,
    };
  }

  return {
    insert({
      key,
      text: { content, goal, taken },
      author,
      summary,
      at,
    }: Omit<ChangeOf<'plan.insert'>, 'do'>): Answer<unknown> {
      const { file, digest, as } = taken ?? { file: null, digest: null, as: null };
      return insert.run({ ...parameters(key, summary, at), content, goal, author, file, digest, as });
    },
    show: ({ key, summary, at }: Omit<ChangeOf<'plan.show'>, 'do'>) => show.run(parameters(key, summary, at)),
    /** The text; and where it was taken from a file, that file. */
    setText({ project, plan }: PlanKey, { content, goal, taken }: PlanText): Answer<unknown> {
      return answered(setText.run(content, goal, project, plan), () =>
        taken === null ? undefined : setFile.run(taken.file, taken.digest, taken.as, project, plan),
      );
    },
    rebind: ({ key, taken, before }: Omit<ChangeOf<'plan.set-file'>, 'do'>) =>
      changedOne(rebind.run(taken.file, taken.digest, taken.as, key.project, key.plan, before)),
    moveFault: ({ key, from, to, at }: { key: PlanKey; from: number; to: number | null; at: number }) =>
      moveFault.run(to, at, key.project, key.plan, from),
    setFault: ({ key, signal, isFirst = false, at }: Omit<ChangeOf<'plan.set-fault'>, 'do'>) =>
      (isFirst ? setFirstFault : setFault).run(signal, at, key.project, key.plan),
    setBase: ({ project, plan }: PlanKey, { branch, commit, on }: PlanBase) =>
      setBase.run(branch, commit, on.length === 0 ? null : JSON.stringify(on), project, plan),
    remove: ({ project, plan }: PlanKey, at: number) => changedOne(remove.run(at, at, project, plan)),
  };
}

/** Plans that are not deleted, and the traces of those that are. */
function planQueries(db: Connection) {
  const read = db.prepare<[string, string], Row>(
    `SELECT ${columns} FROM plans WHERE project = ? AND plan = ? AND deleted_at IS NULL`,
  );
  const text = db.prepare<[string, string], { content: string }>(
    'SELECT content FROM plans WHERE project = ? AND plan = ? AND deleted_at IS NULL',
  );
  const generation = db.prepare<[string, string], { generation: number }>(
    'SELECT generation FROM plans WHERE project = ? AND plan = ?',
  );
  const list = db.prepare<[Record<string, unknown>], Row>(
    `SELECT ${columns} FROM plans WHERE deleted_at IS NULL AND (CAST(@project AS TEXT) IS NULL OR project = @project)
       AND NOT EXISTS (SELECT 1 FROM repos r WHERE r.project = plans.project AND r.removed_at IS NOT NULL)
     ORDER BY (blocked IS NULL AND fault_signal IS NULL), project, updated_at DESC, plan`,
  );
  const branches = db.prepare<[string], { plan: string; branch: string }>(
    'SELECT plan, branch FROM plans WHERE project = ? AND deleted_at IS NULL',
  );
  const counts = db.prepare<[], { project: string; total: number; active: number }>(
    `SELECT project, count(*) AS total, count(CASE WHEN status NOT IN ('ready', 'done', 'cancelled') THEN 1 END) AS active FROM plans WHERE deleted_at IS NULL GROUP BY project`,
  );
  const traces = db.prepare<[number, number], TraceRow>(
    `SELECT rowid AS number, project, plan, branch, status, base_branch, base_commit, base_on, updated_at, deleted_at FROM plans
     WHERE rowid > ? ORDER BY rowid LIMIT CAST(? AS BIGINT)`,
  );

  return {
    read: (project: string, plan: string) =>
      answered(read.get(project, plan), (row) => (row === undefined ? null : planOf(row))),
    text: (project: string, plan: string) => answered(text.get(project, plan), (row) => row?.content ?? null),
    nextGeneration: (project: string, plan: string) =>
      answered(generation.get(project, plan), (row) => (row?.generation ?? -1) + 1),
    /** Plans that need a person come first. */
    list: (project: string | null) => answered(list.all({ project }), (rows) => rows.map(planOf)),
    branches: (project: string) => branches.all(project),
    traces: (after: number, limit: number) =>
      answered(traces.all(after, limit), (rows) => ({
        traces: rows.map(traceOf),
        next: rows.length < limit ? null : (rows.at(-1)?.number ?? null),
      })),
    counts: () =>
      answered(
        counts.all(),
        (rows) => new Map(rows.map(({ project, total, active }) => [project, { all: total, active }])),
      ),
  };
}

type TraceRow = Pick<
  Row,
  'project' | 'plan' | 'branch' | 'status' | 'base_branch' | 'base_commit' | 'base_on' | 'updated_at'
> & {
  readonly number: number;
  readonly deleted_at: number | null;
};

function traceOf(row: TraceRow): PlanTrace {
  return {
    project: row.project,
    plan: row.plan,
    branch: row.branch,
    status: row.status,
    base: baseOf(row),
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
  };
}

function baseOf({
  base_branch: branch,
  base_commit: commit,
  base_on: on,
}: Pick<Row, 'base_branch' | 'base_commit' | 'base_on'>): PlanBase | null {
  return commit === null ? null : { branch, commit, on: on === null ? [] : JSON.parse(on) };
}

function planOf({ base_branch, base_commit, base_on, ...row }: Row): PlanRow {
  const {
    fault_signal: faultSignal,
    tasks_done: tasksDone,
    review_cycle: reviewCycle,
    created_at: createdAt,
    updated_at: updatedAt,
    file_digest: fileDigest,
    file_as: fileAs,
    ...same
  } = row;
  return {
    ...same,
    ...{ faultSignal, tasksDone, reviewCycle, createdAt, updatedAt, fileDigest, fileAs },
    accepts: JSON.parse(row.accepts) as LandingSignal[], // as `parameters` wrote it
    blocked: row.blocked === null ? null : JSON.parse(row.blocked),
    holds: row.holds === 1,
    paused: row.paused === 1,
    base: baseOf({ base_branch, base_commit, base_on }),
    budget: row.budget === null ? { document: null, raised: nothingRaised } : JSON.parse(row.budget),
  };
}
