/** The shapes of budgets in signals. Apart from budget.ts, so that a verb of the command line loads no schema library. */
import { z } from 'zod';
import { amountLimit, budgetMeasures, budgetScopes } from './budget.ts';

const amount = z.number().positive().max(amountLimit);

export const amountsSchema = z.strictObject({
  usd: amount.optional(),
  tokens: amount.optional(),
  agent_minutes: amount.optional(),
});

export const budgetUseSchema = z.strictObject({
  scope: z.enum(budgetScopes),
  measure: z.enum(budgetMeasures),
  limit: z.number().min(0),
  spent: z.number().min(0),
  title: z.string().max(256).nullable(),
});
