/** The end of a failure's output, beside the reason why the plan needs a person. */
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import { h, type View } from './dom.ts';
import { keepAtEnd } from './keep-at-end.ts';

type Need = NonNullable<PlanEntry['need']>;

/**
 * The reason without the output: for a failed run the output begins at the second line of the reason. `isReported`: the report of the review is shown
 * elsewhere and is left out too.
 */
export function whyOf({ source, why, output }: Need, isReported = false): string {
  if (isReported) return firstOf(why);
  return source === 'wave' || output.length === 0 ? why : firstOf(why);
}

/** The first line, without a colon or the like at its end. */
export function firstOf(why: string): string {
  return (why.split('\n')[0] ?? '').replace(/(?:; the last feedback)?:$/, '');
}

/** null: the need has no output. */
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
