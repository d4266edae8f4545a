/** What a plan's root does about its merge: asks for it, remembers the answer, and says where a refusal needs a person. */
import type { PlanContext } from './plan-context.ts';
import { type PlanEvent, timeOf } from './plan-events.ts';
import { type MergeRefused, noMerge } from './plan-merge.ts';
import { planWords } from './plan-words.ts';

/** The longest text that a plan keeps of why it was not merged. */
const detailLimit = 4_096;

function refusedBy(context: PlanContext, event: PlanEvent): MergeRefused {
  const at = timeOf(context, event);
  if (event.type === 'merge_refused') {
    const { why, into, files, detail } = event;
    return { at, why, into, files, detail: detail.slice(0, detailLimit) };
  }
  const detail = event.type === 'effect_failed' ? event.detail.slice(0, detailLimit) : '';
  return { at, why: 'git', into: context.merge?.into ?? null, files: [], detail };
}

const memory = planWords.extend({
  actions: {
    nextMerge: planWords.assign(({ context, event }) => {
      const count = context.count + 1;
      const isAuto = event.type !== 'merge';
      const into = event.type === 'merge' ? (event.into ?? null) : isAuto ? (context.merge?.into ?? null) : null;
      return { count, merge: { ...(context.merge ?? noMerge), work: `#${count}`, isAuto, into, refused: null } };
    }),
    noteMerged: planWords.assign(({ event }) => {
      if (event.type !== 'plan_merged') return {};
      const { head, into, tip, at } = event;
      return { merge: { ...noMerge, merged: { at, head, into, tip } }, at };
    }),
    noteMergeRefused: planWords.assign(({ context, event }) => ({
      merge: { ...(context.merge ?? noMerge), work: null, refused: refusedBy(context, event) },
    })),
    noteMergeStop: planWords.assign(({ context }) => {
      const detail = context.merge?.refused?.detail ?? '';
      const reason = `the plan is done and auto_merge could not merge it: ${detail}\nresolve tries again; to leave it unmerged, turn auto_merge off first`;
      return { standing: { source: 'failed' as const, reason } };
    }),
    /** The plan goes on: what was merged is not what it will be. A merge that runs ends and is recorded. */
    forgetMerge: planWords.assign(({ context: { merge } }) =>
      merge == null ? {} : { merge: merge.work === null ? null : { ...merge, merged: null, refused: null } },
    ),
  },
});

export const mergeWords = memory.extend({
  actions: {
    askMerge: memory.enqueueActions(({ enqueue }) => {
      enqueue('nextMerge');
      enqueue('askPlanMerge');
    }),
    mergeAlone: memory.enqueueActions(({ enqueue, check }) => {
      if (!check('mergesAlone')) return;
      enqueue('nextMerge');
      enqueue('askPlanMerge');
    }),
    /** A merged plan's worktree holds nothing that the branch has not. */
    leaveMergedWorktree: memory.enqueueActions(({ enqueue }) => {
      enqueue('nextWish');
      enqueue('askRemoval');
    }),
  },
});
