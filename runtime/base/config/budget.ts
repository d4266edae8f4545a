/** The budgets of the configuration: for each key the nearer file takes precedence. */
import { type Amounts, type Budgets, budgetMeasures } from '../../../machines/vocabulary/budget.ts';
import type { BudgetTable } from './schema.ts';

export interface BudgetConfig extends Budgets {
  /** Runs are stopped at this share of a limit: 1 is the limit itself. */
  readonly hardShare: number;
}

type AmountKeys = Pick<BudgetTable, (typeof budgetMeasures)[number]>;

/** `tables`: nearest first; a missing one sets nothing. */
export function budgetsOf(tables: readonly (BudgetTable | undefined)[]): BudgetConfig {
  return {
    plan: amountsIn(tables),
    day: amountsIn(tables.map((table) => table?.day)),
    attempt: amountsIn(tables.map((table) => table?.attempt)),
    hardShare: (tables.find((table) => table?.hard_percent !== undefined)?.hard_percent ?? 100) / 100,
  };
}

/** `null` in a table removes the limit of a farther table. */
function amountsIn(tables: readonly (AmountKeys | undefined)[]): Amounts {
  return Object.fromEntries(
    budgetMeasures.flatMap((measure) => {
      const value = tables.map((table) => table?.[measure]).find((said) => said !== undefined) ?? null;
      return value === null ? [] : [[measure, value]];
    }),
  );
}
