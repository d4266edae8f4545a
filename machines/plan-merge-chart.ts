/** The transitions of a plan's merge: what a done plan takes, and what the outside answers wherever the plan is by then. */
import { and } from 'xstate';

/** Of a done plan only. A refused merge of `auto_merge` is tried again when a person resolves it. */
export const mergeVerbs = {
  merge: [
    { guard: 'mayMerge', actions: ['askMerge', 'raiseMoved'] },
    { description: 'it is merged as it stands, or being merged' },
  ],
  resolve: { guard: and(['wasRefused', 'mergesAlone']), actions: 'askMerge' },
} as const;

export const mergeResults = {
  plan_merged: { guard: 'isMerge', actions: ['noteMerged', 'leaveMergedWorktree'] },
  merge_refused: [
    { guard: 'isAutoMerge', actions: ['noteMergeRefused', 'noteMergeStop', 'raiseBlock'] },
    { guard: 'isMerge', actions: 'noteMergeRefused' },
  ],
} as const;

/** The merge could not even be looked at. */
export const mergeFailed = [
  { guard: 'isAutoMerge', actions: ['noteMergeRefused', 'noteMergeStop', 'raiseBlock'] },
  { guard: 'isMerge', actions: 'noteMergeRefused' },
] as const;
