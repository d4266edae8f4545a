/** A plan as lists show it. */
import type { Need } from '../../../actors/plan-view.ts';
import { lookAtRow } from '../../core/outbox/budget.ts';
import type { EffectRow, PlanRow } from '../../core/store/rows.ts';
import type { PlanEntry } from '../contract/plans.ts';
import type { BudgetEntry, Usage } from '../contract/shared-shapes.ts';
import type { KnownForges } from './known-forges.ts';
import { blockView, questionView } from './plan-shown.ts';
import { slotsOnce } from './slots-look.ts';
import { timeText } from './time-text.ts';
import { turnOf } from './turn.ts';
import { sumOfUsage } from './usage.ts';
import type { ViewDependencies } from './view-dependencies.ts';
import { hostsOnce, type WaitLook, waitingFor } from './waiting.ts';

/** Characters of a goal in a list. */
const listedGoal = 300;

export function createPlanEntries(parts: ViewDependencies, forges: KnownForges) {
  const { store, clock, projects } = parts;

  function lookAtOne(): WaitLook {
    return {
      slots: slotsOnce(parts),
      hosts: hostsOnce(parts),
      runsOf: ({ project, plan }) => store.runs({ by: 'latest', project, plan }),
    };
  }

  async function planEntry(
    row: PlanRow,
    {
      usage,
      kept,
      look,
    }: { readonly usage: readonly Usage[]; readonly kept: readonly EffectRow[]; readonly look: WaitLook },
  ): Promise<PlanEntry> {
    const blocked: Need | null =
      row.faultSignal === null
        ? row.blocked
        : {
            reason: `signal ${row.faultSignal} could not be handled; see: stator signal show ${row.faultSignal}`,
            source: 'fault' as const,
            at: row.updatedAt,
          };
    const newest = await look.runsOf(row);
    const waiting = await waitingFor(parts, row, { blocked, kept, slots: look.slots, hosts: look.hosts, newest });
    return {
      project: row.project,
      plan: row.plan,
      title: row.title,
      goal: row.goal?.slice(0, listedGoal) ?? null,
      status: row.status,
      phase: row.phase,
      landing: row.landing,
      accepts: await forges.withForge(row.project, row.accepts),
      blocked: blocked === null ? null : blockView(blocked),
      questions: (row.blocked?.questions ?? []).map(questionView),
      wave: row.wave,
      waves: row.waves,
      tasks_done: row.tasksDone,
      tasks: row.tasks,
      branch: row.branch,
      topic: row.topic,
      author: row.author,
      review_cycle: row.reviewCycle,
      paused: row.paused,
      waiting_for: waiting,
      ...(await turnOf(parts, row, { blocked, waiting, runs: newest })),
      created_at: timeText(row.createdAt),
      updated_at: timeText(row.updatedAt),
      file: row.file,
      usage: sumOfUsage(usage),
      budget: await budgetEntries(row),
    };
  }

  async function budgetEntries(row: PlanRow): Promise<BudgetEntry[]> {
    const look = await lookAtRow({ store, projects, nowMs: () => clock.nowMs() }, row);
    return (look?.uses ?? []).map(({ title: _title, ...use }) => use);
  }

  return { lookAtOne, planEntry };
}
