/** Plans as people list, show and question them. */

import { planDetail } from '../../actors/plan-view.ts';
import { acceptsOf } from '../../actors/refusal.ts';
import type { Tree } from '../../actors/tree.ts';
import type { TimestampName } from '../../machines/plan/context.ts';
import type { Reason } from '../../machines/vocabulary/effect.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import type { PlanMergeState } from '../../machines/vocabulary/plan-merge.ts';
import { runIdOf } from '../agents/run-id.ts';
import type { Explanation, HistoryEntry, PlanEntry, PlanShow } from '../contract/plans.ts';
import { gitTroubles } from '../git/troubles.ts';
import type { PlanRow, UsageRow } from '../store/rows.ts';
import { createFactView } from './facts.ts';
import { timeOrNull, timeText, type ViewParts } from './parts.ts';
import { sumOfUsage, wavesShown } from './usage.ts';
import { waitingFor } from './waiting.ts';

/** A plan that is tried again for weeks has thousands. */
const runsShown = 200;

export function createPlanViews(parts: ViewParts) {
  const { store, cache, clock } = parts;
  const { historyEntry } = createFactView(parts);

  function mustRead(project: string, plan: string): PlanRow {
    const row = store.plans.read(project, plan);
    if (row !== null && store.repos.read(project) === null)
      throw new EngineError(
        'repo_not_found',
        `repo not registered: ${project}`,
        'it was removed, and its plans are kept: stator repo add <path> brings them back',
      );
    if (row !== null) return row;
    throw new EngineError(
      'plan_not_found',
      `plan not found: ${project}/${plan}`,
      'see the plans with: stator plan list',
    );
  }

  function mustTree(project: string, plan: string) {
    const entry = cache.get(planTree(project, plan));
    if (entry === null) throw new Error(`plan ${project}/${plan} has a row and no tree`);
    return entry.tree;
  }

  function soundTree(project: string, plan: string): Tree | EngineError {
    try {
      return mustTree(project, plan);
    } catch (thrown) {
      if (thrown instanceof EngineError) return thrown;
      throw thrown;
    }
  }

  /** A plan whose stored state cannot be read shows what its row says, and why there is no more. */
  function damagedPlan(row: PlanRow, { message, hint }: EngineError): PlanShow {
    const entry = planEntry(row);
    const fault = { reason: `${message}; ${hint}`, source: 'fault' as const, at: timeText(row.updatedAt) };
    return {
      ...entry,
      blocked: entry.blocked ?? fault,
      title: row.title,
      goal: row.goal,
      content: store.plans.content(row.project, row.plan) ?? '',
      file_digest: row.fileDigest,
      tasks_by_wave: [],
      runs: store.runs.countStarted(row.project, row.plan),
      run_list: runList(row),
      pull_request: null,
      timestamps: {},
      isolation: 'task',
      base: row.base,
      left_undone: leftUndone(row),
      merged: null,
      merging: false,
      merge_refused: null,
      questions: [],
    };
  }

  /** An earlier plan of that name is not this one's. */
  function usageRows({ project, plan, createdAt }: PlanRow): UsageRow[] {
    return store.runs.usageOf(project, plan, createdAt);
  }

  function leftUndone({ project, plan, createdAt }: PlanRow): string[] {
    return store.effects.undoneOf(planTree(project, plan), createdAt).map(({ kind, status, error }) => {
      const what = kind === 'work.undo' ? "a failed task's commits are not taken back" : 'a worktree is not removed';
      return `${what}${status === 'queued' ? ', and it is tried again' : ''}: ${error}`;
    });
  }

  function runList({ project, plan, createdAt }: PlanRow): PlanShow['run_list'] {
    return store.runs.ofPlan(project, plan, { sinceMs: createdAt, limit: runsShown }).map((row) => ({
      run: runIdOf(parts.home, row.key),
      title: row.title,
      role: row.role,
      attempt: row.attempt,
      state: row.state,
      reason: row.reason as Reason | null, // written from the machine's reasons
      started_at: timeOrNull(row.started_at),
      ended_at: timeOrNull(row.ended_at),
      input_tokens: row.input_tokens,
      output_tokens: row.output_tokens,
      cost_usd: row.cost_usd,
    }));
  }

  function planEntry(row: PlanRow): PlanEntry {
    const blocked =
      row.faultSignal === null
        ? row.blocked
        : {
            reason: `signal ${row.faultSignal} could not be handled; see: stator signal show ${row.faultSignal}`,
            source: 'fault' as const,
            at: row.updatedAt,
          };
    return {
      project: row.project,
      plan: row.plan,
      status: row.status,
      phase: row.phase,
      blocked: blocked === null ? null : { ...blocked, at: timeText(blocked.at) },
      wave: row.wave,
      waves: row.waves,
      tasks_done: row.tasksDone,
      tasks: row.tasks,
      branch: row.branch,
      topic: row.topic,
      review_cycle: row.reviewCycle,
      paused: row.paused,
      waiting_for: waitingFor(parts, row, blocked),
      updated_at: timeText(row.updatedAt),
      file: row.file,
      usage: sumOfUsage(usageRows(row)),
    };
  }

  return {
    mustRead,
    plans: (project: string | null): PlanEntry[] => store.plans.list(project).map(planEntry),
    plan(project: string, plan: string): PlanShow {
      const row = mustRead(project, plan);
      const tree = soundTree(project, plan);
      if (tree instanceof EngineError) return damagedPlan(row, tree);
      const detail = planDetail(tree);
      const stamps = Object.entries(detail.timestamps) as [TimestampName, number][]; // a partial record of exactly these
      return {
        ...planEntry(row),
        title: row.title,
        goal: row.goal,
        content: store.plans.content(project, plan) ?? '',
        file_digest: row.fileDigest,
        tasks_by_wave: wavesShown(plan, detail.waves, usageRows(row)),
        runs: store.runs.countStarted(project, plan),
        run_list: runList(row),
        pull_request: detail.pullRequest,
        timestamps: Object.fromEntries(stamps.map(([name, at]) => [name, timeText(at)])),
        isolation: detail.isolation,
        base: row.base,
        left_undone: leftUndone(row),
        ...mergeView(detail.merge),
        questions: detail.questions,
      };
    },
    history(project: string, plan: string, after: number): HistoryEntry[] {
      mustRead(project, plan);
      return store.journal.ofTree(planTree(project, plan), after).map(historyEntry);
    },
    explain(project: string, plan: string): Explanation {
      const row = mustRead(project, plan);
      const tree = mustTree(project, plan);
      const refused = store.journal.lastRefused(planTree(project, plan));
      return {
        plan,
        status: row.status,
        waiting_for: planEntry(row).waiting_for,
        accepts: acceptsOf(tree.root, clock.nowMs()),
        repo_troubles: gitTroubles(store.repos.read(project)?.path ?? ''),
        refused_last: refused === null ? null : historyEntry(refused),
      };
    },
  };
}

function mergeView({ work, merged, refused }: PlanMergeState): Pick<PlanShow, 'merged' | 'merging' | 'merge_refused'> {
  return {
    merged: merged === null ? null : { at: timeText(merged.at), head: merged.head, into: merged.into },
    merging: work !== null,
    merge_refused: refused === null ? null : { ...refused, at: timeText(refused.at) },
  };
}
