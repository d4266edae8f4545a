/** Selects the effects that may start within the budget: decided before the commit, and a condition of it. */
import { shareOf } from '../../../machines/vocabulary/budget.ts';
import type { Change } from '../store/port.ts';
import type { EffectRow } from '../store/rows.ts';
import { type BudgetParts, lookAtBudget, reachedWord, roomRequired } from './budget.ts';

export type Budget = BudgetParts;

interface Choice {
  readonly rows: readonly EffectRow[];
  /** Conditions of the commit: the budget has room left. */
  readonly conditions: readonly Change[];
  /** Signals to the plans whose budget is used up: they need a person. */
  readonly told: readonly Change[];
}

/** `choose`: those of the candidates that get a slot. A plan without room gets none, and others take their turn. */
export async function withinBudget(
  candidates: readonly EffectRow[],
  choose: (open: readonly EffectRow[]) => readonly EffectRow[],
  budget: Budget | undefined,
): Promise<Choice> {
  if (budget === undefined) return { rows: choose(candidates), conditions: [], told: [] };
  const conditions = new Map<string, Change | null>();
  const told = new Map<string, Change>();
  // Each round decides at least one more plan.
  for (;;) {
    const rows = choose(candidates.filter(({ tree }) => !told.has(tree)));
    const unasked = rows.filter(({ kind, tree }) => kind === 'agent.run' && !conditions.has(tree));
    if (unasked.length === 0) {
      const needed = new Set(rows.map(({ tree }) => tree));
      const required = [...conditions].flatMap(([tree, change]) =>
        change === null || !needed.has(tree as EffectRow['tree']) ? [] : [change],
      );
      return { rows, conditions: required, told: [...told.values()] };
    }
    for (const row of unasked) {
      if (conditions.has(row.tree) || told.has(row.tree)) continue;
      const look = await lookAtBudget(budget, row);
      const reached = look?.uses.find((use) => shareOf(use) >= 1) ?? null;
      if (look === null || reached === null) conditions.set(row.tree, look === null ? null : roomRequired(look));
      else told.set(row.tree, reachedWord(look, reached, { run: row.key, at: budget.nowMs() }));
    }
  }
}
