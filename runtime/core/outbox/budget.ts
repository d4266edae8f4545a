/**
 * How much of its budget a plan has used, and which notifications follow. The rows of runs have the usage that their programs report. The limits come from
 * the configuration, the plan's document, and what a person allowed beyond them.
 */

import {
  type Amounts,
  type Budgets,
  type BudgetUse,
  limitsInForce,
  nearShare,
  shareOf,
  usesOf,
} from '../../../machines/vocabulary/budget.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import { localDay } from '../../../machines/vocabulary/time-text.ts';
import type { BudgetConfig } from '../../base/config/config.ts';
import type { Change, PlanKey, Store } from '../store/port.ts';
import type { PlanRow } from '../store/rows.ts';

export interface BudgetParts {
  readonly store: Pick<Store, 'plan' | 'spent'>;
  readonly projects: { budgetOf(project: string): BudgetConfig | null };
  readonly nowMs: () => number;
}

export interface BudgetLook {
  readonly row: PlanRow;
  readonly limits: Budgets;
  readonly hardShare: number;
  /** The use of the plan's and of the day's budget. Empty if neither has a limit. */
  readonly uses: readonly BudgetUse[];
  readonly day: Day;
}

/** A day of this machine's own clock. */
interface Day {
  readonly name: string;
  readonly startMs: number;
}

/** null: the plan does not exist, or its repo is not registered. */
export async function lookAtBudget(parts: BudgetParts, { project, plan }: PlanKey): Promise<BudgetLook | null> {
  const row = await parts.store.plan(project, plan);
  return row === null ? null : lookAtRow(parts, row);
}

/** null: its repo is not registered. */
export async function lookAtRow({ store, projects, nowMs }: BudgetParts, row: PlanRow): Promise<BudgetLook | null> {
  const config = projects.budgetOf(row.project);
  if (config === null) return null;
  const day = dayAt(nowMs());
  const limits = limitsInForce(config, row.budget, day.name);
  const { hardShare } = config;
  if (!hasLimit(limits.plan) && !hasLimit(limits.day)) return { row, limits, hardShare, uses: [], day };
  const spent = await store.spent(row, day.startMs);
  const uses = [
    ...usesOf('plan', limits.plan, { spent: spent.plan }),
    ...usesOf('day', limits.day, { spent: spent.day }),
  ];
  return { row, limits, hardShare, uses, day };
}

function hasLimit(limits: Amounts): boolean {
  return Object.keys(limits).length > 0;
}

/** On condition that there is room; null: there is no limit. */
export function roomRequired({ row, limits, day }: BudgetLook): Change | null {
  const { plan, day: ofDay } = limits;
  if (!hasLimit(plan) && !hasLimit(ofDay)) return null;
  const { project, plan: name } = row;
  return { do: 'budget.require', key: { project, plan: name }, plan, day: ofDay, dayStartMs: day.startMs };
}

/** The signal that a limit is reached; it is sent again if the plan has continued since. `run`: the run that reached it, or that noticed it. */
export function reachedSignal({ row }: BudgetLook, use: BudgetUse, { run, at }: { run: string; at: number }): Change {
  const which = use.scope === 'attempt' ? run : use.scope;
  return signalOf(row, { type: 'budget_reached', use, key: `reached ${row.updatedAt} ${which}`, at });
}

/** The notification that a limit is nearly used up or exceeded: once for each limit. */
export function nearNotifications(
  { row, day }: BudgetLook,
  uses: readonly BudgetUse[],
  { run, at }: { run: string; at: number },
): Extract<Change, { do: 'signal.insert' }>[] {
  const since = { plan: String(row.createdAt), day: day.name, attempt: run };
  return uses
    .filter((use) => shareOf(use) >= nearShare)
    .map((use) => {
      const key = `near ${use.scope} ${since[use.scope]} ${use.measure} ${use.limit}`;
      return signalOf(row, { type: 'budget_near', use, key, at });
    });
}

/** The signal that a plan which waits for its budget may go on; sent once for each wait. */
export function restoredSignal(row: PlanRow, at: number): Change {
  return signalOf(row, { type: 'budget_restored', use: null, key: `restored ${row.updatedAt}`, at });
}

interface BudgetSignal {
  readonly type: 'budget_reached' | 'budget_near' | 'budget_restored';
  readonly use: BudgetUse | null;
  readonly key: string;
  readonly at: number;
}

function signalOf(
  { project, plan }: PlanRow,
  { type, use, key, at }: BudgetSignal,
): Extract<Change, { do: 'signal.insert' }> {
  const tree = planTree(project, plan);
  // The limit of a repo's day is reported once for all plans.
  const whose = use?.scope === 'day' && type === 'budget_near' ? project : tree;
  const dedupeKey = `${whose} budget ${key}`;
  return { do: 'signal.insert', tree, type, payload: use ?? {}, origin: 'engine', dedupeKey, at };
}

function dayAt(nowMs: number): Day {
  const at = new Date(nowMs);
  const start = new Date(at.getFullYear(), at.getMonth(), at.getDate());
  return { name: localDay(start), startMs: start.getTime() };
}
