/** A list of names and values, without a line for unknown values. */
import type { BudgetEntry, Usage } from '../runtime/api/contract/shared-shapes.ts';
import { type Child, h, type View } from './dom.ts';
import { amount, dollars } from './format.ts';

/** A JSON value as text for people. */
export function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** null: the value is ''. */
export function fact(name: string, value: Child | readonly Child[]): View | null {
  return value === '' ? null : h('div', null, h('dt', null, name), h('dd', null, value));
}

export function usageFacts({ input_tokens: input, output_tokens: output, cost_usd: cost }: Usage): (View | null)[] {
  return [
    fact('tokens', input === null ? '' : `${amount(input)} in, ${amount(output)} out`),
    fact('cost', cost === null ? '' : dollars(cost)),
  ];
}

/** `$3.10 of $5.00, 40 of 100 minutes today`; empty if there is no limit. */
export function budgetText(budget: readonly BudgetEntry[]): string {
  return budget
    .map(({ scope, measure, limit, spent }) => {
      const [used, most] = measure === 'usd' ? [dollars(spent), dollars(limit)] : [rounded(spent), rounded(limit)];
      const unit = { usd: '', tokens: ' tokens', agent_minutes: ' minutes' }[measure];
      return `${used} of ${most}${unit}${scope === 'day' ? ' today' : ''}`;
    })
    .join(', ');
}

/** The limit that is reached first, if there are several. */
export function tightestText(budget: readonly BudgetEntry[]): string {
  const share = ({ limit, spent }: BudgetEntry) => (limit === 0 ? 1 : spent / limit);
  const [most] = budget.toSorted((one, other) => share(other) - share(one));
  return most === undefined ? '' : budgetText([most]);
}

/** Small amounts keep at least one significant digit. */
function rounded(value: number): string {
  return value >= 1_000 ? amount(value) : String(Number(value.toPrecision(3)));
}
