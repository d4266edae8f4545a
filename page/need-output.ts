/** The end of the output of what failed, beside why the plan needs a person. */
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import { h, type View } from './dom.ts';
import { keepAtEnd } from './keep-at-end.ts';

type Need = NonNullable<PlanEntry['need']>;

/** Why, without the output: the reason of a failed run has its output from the second line on. `isReported`: so is the report of the review, which is beside it. */
export function whyOf({ source, why, output }: Need, isReported = false): string {
  if (isReported) return firstOf(why);
  return source === 'wave' || output.length === 0 ? why : firstOf(why);
}

/** The first line, without an end that leads to the text below it. */
export function firstOf(why: string): string {
  return (why.split('\n')[0] ?? '').replace(/(?:; the last feedback)?:$/, '');
}

/** null: it has none. */
export function outputView({ output }: Need, plan: string): View | null {
  if (output.length === 0) return null;
  return h(
    'pre',
    {
      ...{ class: 'failed-output', tabindex: '0', role: 'region', 'aria-label': `The end of the output: ${plan}` },
      made: keepAtEnd,
    },
    output.join('\n'),
  );
}
