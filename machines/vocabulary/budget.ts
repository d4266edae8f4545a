/** How much agents may take before a person is asked: in money, in tokens and in minutes of work. Pure. */
export const budgetMeasures = ['usd', 'tokens', 'agent_minutes'] as const;
export type BudgetMeasure = (typeof budgetMeasures)[number];
/** What a budget is for: a plan over its whole life, all plans of a repo on one day, or one run of an agent. */
export const budgetScopes = ['plan', 'day', 'attempt'] as const;
export type BudgetScope = (typeof budgetScopes)[number];

/** An upper limit of plausibility. */
export const amountLimit = 1_000_000_000_000;
/** Limits, or what is added to them; an absent measure has no limit. */
export type Amounts = { readonly [Measure in BudgetMeasure]?: number | undefined };
/** The use so far, as far as the programs report it. */
export type Spent = { readonly [Measure in BudgetMeasure]: number };

export type Budgets = { readonly [Scope in BudgetScope]: Amounts };

/** What a person allowed beyond the configuration: limits that count in place of the others. Those of a day count on that day alone. */
export interface RaisedBudgets {
  readonly plan: Amounts;
  readonly attempt: Amounts;
  readonly day: Amounts;
  /** As `2026-03-01`; null: none was raised for a day. */
  readonly on: string | null;
}
export const nothingRaised: RaisedBudgets = { plan: {}, attempt: {}, day: {}, on: null };

/** A plan's own part in its budget. */
export interface PlanBudget {
  /** By the document's `**Budget:**`; null: it has none. */
  readonly document: Amounts | null;
  readonly raised: RaisedBudgets;
}

/** One limit, and how much of it is used. */
export interface BudgetUse {
  scope: BudgetScope;
  measure: BudgetMeasure;
  limit: number;
  spent: number;
  /** The agent whose run it is; null: it is about more than one run. */
  title: string | null;
}

/** The share of a limit at which people are notified. */
export const nearShare = 0.8;

export function shareOf({ limit, spent }: BudgetUse): number {
  return limit === 0 ? 1 : spent / limit;
}

/** If both have a limit, the lower one counts. */
export function lowerOf(one: Amounts, other: Amounts): Amounts {
  return Object.fromEntries(
    budgetMeasures.flatMap((measure) => {
      const said = [one[measure], other[measure]].filter((value) => value !== undefined);
      return said.length === 0 ? [] : [[measure, Math.min(...said)]];
    }),
  );
}

/** The limits in force for a plan on that day. `document` and the configuration both bind; what a person raised counts in their place. */
export function limitsInForce(configured: Budgets, own: PlanBudget, day: string): Budgets {
  const { document, raised } = own;
  return {
    plan: { ...lowerOf(configured.plan, document ?? {}), ...raised.plan },
    day: { ...configured.day, ...(raised.on === day ? raised.day : {}) },
    attempt: { ...configured.attempt, ...raised.attempt },
  };
}

/** The limits of a scope, each with how much of it is used. */
export function usesOf(
  scope: BudgetScope,
  limits: Amounts,
  { spent, title = null }: { readonly spent: Spent; readonly title?: string | null },
): BudgetUse[] {
  return budgetMeasures.flatMap((measure) => {
    const limit = limits[measure];
    return limit === undefined ? [] : [{ scope, measure, limit, spent: spent[measure], title }];
  });
}

/** The use with the greatest share of its limit; null: there is no limit. */
export function mostUsed<Use extends BudgetUse>(uses: readonly Use[]): Use | null {
  return uses.reduce<Use | null>((most, use) => (most === null || shareOf(use) > shareOf(most) ? use : most), null);
}

export function amountText(measure: BudgetMeasure, value: number): string {
  switch (measure) {
    case 'usd':
      return `${numberText(value, 2)} USD`;
    case 'tokens':
      return `${numberText(value, 0)} tokens`;
    case 'agent_minutes':
      return `${numberText(value, 1)} agent minutes`;
  }
}

/** Small amounts keep two significant digits. */
function numberText(value: number, places: number): string {
  const digits = value === 0 || value >= 1 ? places : Math.max(places, 1 - Math.floor(Math.log10(value)));
  return String(Number(value.toFixed(Math.min(digits, 20))));
}

/** `1.2 of 5 USD`. */
export function spentText({ measure, limit, spent }: Pick<BudgetUse, 'measure' | 'limit' | 'spent'>): string {
  const [amount] = amountText(measure, spent).split(' ');
  return `${amount} of ${amountText(measure, limit)}`;
}

export function amountsText(amounts: Amounts): string {
  return budgetMeasures
    .flatMap((measure) => {
      const value = amounts[measure];
      return value === undefined ? [] : [amountText(measure, value)];
    })
    .join(', ');
}

/** `5.2 USD of 5 USD are used`, with the scope. */
export function textOfUse(use: BudgetUse): string {
  const { scope, measure, limit, spent, title } = use;
  const whose = { plan: "the plan's budget", day: "the repo's budget for today", attempt: `the budget of ${title}` };
  return `${amountText(measure, spent)} of ${amountText(measure, limit)} are used, ${whose[scope]}`;
}

/** The form of an amount, for messages. */
export const amountsForm = '5 USD, 200k tokens or 90 minutes, or several of them with commas between';

const units: Readonly<Record<string, BudgetMeasure>> = {
  usd: 'usd',
  $: 'usd',
  dollar: 'usd',
  dollars: 'usd',
  token: 'tokens',
  tokens: 'tokens',
  minute: 'agent_minutes',
  minutes: 'agent_minutes',
  min: 'agent_minutes',
  'agent minute': 'agent_minutes',
  'agent minutes': 'agent_minutes',
};
const scales: Readonly<Record<string, number>> = { '': 1, k: 1_000, m: 1_000_000 };

/** Amounts as people write them: `5 USD`, `$5`, `2M tokens, 90 minutes`; null: the text is no amount. */
export function readAmounts(text: string): Amounts | null {
  const amounts: { [Measure in BudgetMeasure]?: number } = {};
  for (const part of text.split(/,(?!\d{3}(?:\D|$))|\band\b/i)) {
    const found = readAmount(part);
    if (found === null || amounts[found.measure] !== undefined) return null;
    amounts[found.measure] = found.value;
  }
  return amounts;
}

function readAmount(part: string): { measure: BudgetMeasure; value: number } | null {
  const found = /^(\$)?\s*(\d{1,15}(?:[,_]\d{3})*(?:\.\d{1,6})?)([km](?![a-z]))?\s*([a-z$]+(?: [a-z]+)?)?$/i.exec(
    part.trim(),
  );
  if (found === null) return null;
  const [, sign, digits = '', scale = '', unit] = found;
  if (sign !== undefined && unit !== undefined && units[unit.toLowerCase()] !== 'usd') return null;
  const measure = units[sign ?? unit?.toLowerCase() ?? ''];
  const value = Number(digits.replace(/[,_]/g, '')) * (scales[scale.toLowerCase()] ?? 1);
  return measure === undefined || value <= 0 || value > amountLimit ? null : { measure, value };
}
