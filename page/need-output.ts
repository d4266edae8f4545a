/** The end of the output of what failed, beside why the plan needs a person. */
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import { h, type View } from './dom.ts';

type Need = NonNullable<PlanEntry['need']>;

/** Why, without the output: the reason of a failed run has its output from the second line on. */
export function whyOf({ source, why, output }: Need): string {
  return source === 'wave' || output.length === 0 ? why : (why.split('\n')[0] ?? why);
}

/** null: it has none. */
export function outputView({ output }: Need, plan: string): View | null {
  if (output.length === 0) return null;
  return h(
    'pre',
    { class: 'failed-output', tabindex: '0', role: 'region', 'aria-label': `The end of the output: ${plan}` },
    output.join('\n'),
  );
}
