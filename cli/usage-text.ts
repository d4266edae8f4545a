/** The usage of agents, on one line. Pure. */

import { amountText, mostUsed, shareOf } from '../machines/vocabulary/budget.ts';
import { counted, sumOfKnown } from '../machines/vocabulary/numbers.ts';
import type { PlanEntry } from '../runtime/api/client/client.ts';

type Usage = PlanEntry['usage'];

/** `3 runs, 1.2M tokens in, 40k out, $3.10`. Unreported parts are left out; empty if nothing has run. */
export function usageText({ runs, input_tokens: input, output_tokens: output, cost_usd: cost }: Usage): string {
  if (runs === 0) return '';
  const parts = [
    counted(runs, 'run'),
    input === null ? null : `${shortNumber(input)} tokens in`,
    output === null ? null : `${shortNumber(output)}${input === null ? ' tokens' : ''} out`,
    cost === null ? null : money(cost),
  ];
  return parts.filter((part) => part !== null).join(', ');
}

/** The same from long to short: first without the runs, then the cost alone, or the tokens if no cost was reported. */
export function usageTexts(usage: Usage): string[] {
  const { cost_usd: cost } = usage;
  const whole = usageText(usage);
  const unnumbered = whole.split(', ').slice(1).join(', ');
  return [whole, unnumbered, ...(cost === null ? [] : [money(cost)])].filter((text) => text !== '');
}

/** The same with the used share of the tightest limit of its budget: `$3.10, 62 % of 5 USD`. */
export function spendingText({ usage, budget }: Pick<PlanEntry, 'usage' | 'budget'>): string {
  return [hasUsage(usage) ? usageText(usage) : '', budgetText(budget)].filter((part) => part !== '').join(', ');
}

export function budgetText(budget: PlanEntry['budget']): string {
  const most = mostUsed(budget.map((use) => ({ ...use, title: null })));
  if (most === null) return '';
  const { scope, measure, limit } = most;
  return `${Math.round(shareOf(most) * 100)} % of ${amountText(measure, limit)}${scope === 'day' ? ' for today' : ''}`;
}

export const usageHeadings = ['tokens in', 'out', 'cost'];

/** The cells below these headings; empty if it was not reported. */
export function usageCells(usage: Omit<Usage, 'runs'>): string[] {
  return [
    usage.input_tokens === null ? '' : shortNumber(usage.input_tokens),
    usage.output_tokens === null ? '' : shortNumber(usage.output_tokens),
    usage.cost_usd === null ? '' : money(usage.cost_usd),
  ];
}

/** Whether tokens or cost were reported. The number of runs is shown elsewhere. */
export function hasUsage({ input_tokens: input, output_tokens: output, cost_usd: cost }: Usage): boolean {
  return input !== null || output !== null || cost !== null;
}

/** `980`, `40k`, `1.2M`: at least two digits. */
function shortNumber(value: number): string {
  if (value < 1_000) return String(value);
  const [unit, size] = value < 999_500 ? ['k', 1_000] : value < 999_500_000 ? ['M', 1_000_000] : ['G', 1_000_000_000];
  const scaled = value / Number(size);
  return `${scaled < 9.95 ? scaled.toFixed(1).replace(/\.0$/, '') : Math.round(scaled)}${unit}`;
}

export function money(usd: number): string {
  return usd > 0 && usd < 0.005 ? 'under $0.01' : `$${usd.toFixed(2)}`;
}

/** Sums what was reported; null where nothing was reported. */
export function usageOfAll(parts: readonly Usage[]): Usage {
  return {
    runs: parts.reduce((total, { runs }) => total + runs, 0),
    input_tokens: sumOfKnown(parts.map((part) => part.input_tokens)),
    output_tokens: sumOfKnown(parts.map((part) => part.output_tokens)),
    cost_usd: sumOfKnown(parts.map((part) => part.cost_usd)),
  };
}
