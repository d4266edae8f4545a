/**
 * The region of a plan's chart that says how far its merge into the branch that people work on is. A plan is merged once it is done: when a person says
 * so, by itself, or by the forge together with its pull request.
 */
import { and } from 'xstate';
import { plan } from './actions.ts';

const refused = '#plan.merge.refused';

/** How a merge begins while none is under way, and how one of the forge is recorded. */
const beginnings = {
  merge: { guard: and(['isDone', 'mayMerge']), target: '#plan.merge.working.asked', actions: 'askMerge' },
  done_entered: { guard: 'mergesAlone', target: '#plan.merge.working.automatic', actions: 'askMerge' },
  pr_merged: {
    guard: and(['pullIsOpen', 'isMergedThere']),
    target: '#plan.merge.merged',
    actions: 'noteMergedThere',
  },
} as const;

/** A person asked, and reads the answer. */
const told = { guard: 'isMerge', target: `${refused}.asked`, actions: 'noteMergeRefused' } as const;
/** No person asked: the plan needs one. */
const stood = {
  guard: 'isMerge',
  target: `${refused}.automatic`,
  actions: ['noteMergeRefused', 'noteMergeStop', 'raiseBlock'],
} as const;

export const merge = plan.createStateConfig({
  description: 'is its work in the branch that people work on?',
  initial: 'none',
  states: {
    none: { description: 'nobody asked for it', on: beginnings },
    working: {
      description: 'it is being merged',
      tags: ['merge:working'],
      initial: 'asked',
      on: {
        plan_merged: { guard: 'isMerge', target: 'merged', actions: ['noteMerged', 'leaveMergedWorktree'] },
        done_left: { actions: 'forgetMerged' },
      },
      states: {
        asked: {
          description: 'a person asked for it',
          on: { merge_refused: told, effect_failed: told },
        },
        automatic: {
          description: 'auto_merge asked for it',
          on: {
            merge_refused: [
              // The plan is judged again, and asks again when it is done.
              {
                guard: and(['isMerge', 'branchMoved']),
                target: `${refused}.automatic`,
                actions: 'noteMergeRefused',
              },
              stood,
            ],
            effect_failed: stood,
          },
        },
      },
    },
    merged: {
      description: 'it is merged as it stood then',
      tags: ['merge:merged'],
      on: { ...beginnings, done_left: { target: 'none', actions: 'forgetMerge' } },
    },
    refused: {
      description: 'it was not merged, and nothing was changed',
      tags: ['merge:refused'],
      initial: 'asked',
      on: {
        ...beginnings,
        done_left: [
          { guard: 'leftForRefusal', actions: 'forgetMerged' },
          { target: 'none', actions: 'forgetMerge' },
        ],
      },
      states: {
        asked: { description: 'a person asked for it' },
        automatic: {
          description: 'auto_merge asked for it: a person lets it try again',
          on: {
            resolve: {
              guard: and(['isDone', 'mergesAlone']),
              target: '#plan.merge.working.automatic',
              actions: 'askMerge',
            },
          },
        },
      },
    },
  },
});
