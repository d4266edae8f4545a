/**
 * Shapes that several files of this folder share: times, counts, reasons, usage, budgets, errors. This folder describes the output of `--json` and the
 * answers of the control API. The schemas are the one source of the types and of the API's description. Fields may be added, never renamed or dropped within
 * a major version. Clients take the types alone, so that they load no schema library.
 */
import { z } from 'zod';
import { budgetMeasures, budgetScopes } from '../../../machines/vocabulary/budget.ts';
import { reasons } from '../../../machines/vocabulary/effect.ts';
import { planStatuses } from '../../../machines/vocabulary/plan-status.ts';

/** ISO 8601 UTC. */
export const time = z.iso.datetime();
export const count = z.int().min(0);
export const reason = z.enum(reasons);
export const status = z.enum(planStatuses);
export const lines = z.array(z.string());

export const waiting = z
  .object({
    kind: z.enum([
      'agent',
      'slot',
      'topic',
      'plan_limit',
      'after',
      'files',
      'paused',
      'decision',
      'wave_confirmation',
      'back_off',
      'rate_limit',
      'host',
      'repo',
      'engine',
      'landing',
      'retrying',
      'base',
    ]),
    detail: z.string(),
    since: time.nullable(),
  })
  .meta({ id: 'Waiting' });
/** What a plan or an agent waits for, since when, and who or what holds it. */
export type Waiting = z.infer<typeof waiting>;

/** The actor that refused, its state, the guard, and the signals that it would accept. */
export const refusal = z
  .object({
    by: z.string(),
    state: z.string(),
    guard: z.string().nullable(),
    accepts: z.array(z.string()).readonly(),
  })
  .meta({ id: 'Refusal' });

/** What the programs of runs reported of their usage; null: not reported. */
export const reportedUsage = {
  input_tokens: count.nullable(),
  output_tokens: count.nullable(),
  cost_usd: z.number().min(0).nullable(),
};

/** The number of runs that began, and their usage. */
export const usage = z.object({ runs: count, ...reportedUsage }).meta({ id: 'Usage' });
/** Tokens and US dollars of agents, as far as their programs report them. null: not reported. */
export type Usage = z.infer<typeof usage>;

/** A limit of a plan's budget, and the used part: `plan` over its whole life, `day` by all plans of its repo today. */
export const budget = z
  .object({
    scope: z.enum(budgetScopes),
    measure: z.enum(budgetMeasures),
    limit: z.number().min(0),
    spent: z.number().min(0),
  })
  .meta({ id: 'Budget' });
/** A limit of a plan's budget, and how much of it is used. */
export type BudgetEntry = z.infer<typeof budget>;

/** Every 4xx and 5xx. */
export const errorDocument = z.object({ error: z.string(), code: z.string(), hint: z.string() }).meta({ id: 'Error' });
