/** What may be asked of a plan's merge where the plan stands, and how a "no" reads. */
import type { PlanContext } from './plan-context.ts';
import type { PlanEvent } from './plan-events.ts';

export interface AskedOfMerge {
  context: PlanContext;
  event: PlanEvent;
}

/** Nothing of its branch is left to be merged: it is merged as it stands, or being merged. */
function isTaken({ merge, head }: PlanContext): boolean {
  if (merge == null) return false;
  return merge.work !== null || (merge.merged !== null && (head === null || head === merge.merged.tip));
}

export const mergeGuards = {
  mayMerge: ({ context }: AskedOfMerge) => !isTaken(context),
  /** Neither merged nor on its way: its verification still counts for something. */
  isApart: ({ context: { merge } }: AskedOfMerge) => merge == null || (merge.work === null && merge.merged === null),
  /**
   * `auto_merge`, at the end of a plan's own way. A status that was set by hand starts nothing, and a plan with a pull request is merged there.
   */
  mergesAlone: ({ context, event }: AskedOfMerge) =>
    context.policy.auto_merge &&
    context.pullRequestUrl === null &&
    event.type !== 'set_status' &&
    event.type !== 'mark_done' &&
    !isTaken(context),
  wasRefused: ({ context: { merge } }: AskedOfMerge) => merge?.isAuto === true && merge.refused !== null,
  isMerge: ({ context: { merge }, event }: AskedOfMerge) =>
    'run' in event && event.run !== null && event.run === merge?.work,
  isAutoMerge: ({ context: { merge }, event }: AskedOfMerge) =>
    'run' in event && event.run !== null && event.run === merge?.work && merge.isAuto,
};

export const mergeGuardTexts: Readonly<Record<string, string>> = {
  wasRefused: 'nothing waits for an answer',
  mergesAlone: 'auto_merge is off',
};
