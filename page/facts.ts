/** A list of names and values, in which what is not known has no line. */
import type { Usage } from '../runtime/contract/words.ts';
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
