/** A list of names and values, in which what is not known has no line. */
import { fullest, spentText } from '../machines/vocabulary/budget.ts';
import type { BudgetEntry, Usage } from '../runtime/contract/words.ts';
import { type Child, h, type View } from './dom.ts';
import { amount, dollars } from './format.ts';

/** null: the value is ''. */
export function fact(name: string, value: Child): View | null {
  return value === '' ? null : h('div', null, h('dt', null, name), h('dd', null, value));
}

export function usageFacts({ input_tokens: input, output_tokens: output, cost_usd: cost }: Usage): (View | null)[] {
  return [
    fact('tokens', input === null ? '' : `${amount(input)} in, ${amount(output)} out`),
    fact('cost', cost === null ? '' : dollars(cost)),
  ];
}

/** `3.1 of 5 USD, 40 of 100 USD today`; empty where there is no limit. */
export function budgetText(budget: readonly BudgetEntry[]): string {
  return budget.map((use) => `${spentText(use)}${use.scope === 'day' ? ' today' : ''}`).join(', ');
}

/** Of several limits the one that is reached first. */
export function tightestText(budget: readonly BudgetEntry[]): string {
  const most = fullest(budget.map((use) => ({ ...use, title: null })));
  return most === null ? '' : budgetText([most]);
}
