/**
 * The region of a plan's chart that says how far its merge into the branch that people work on is. A plan is merged once it is done: when a person says
 * so, by itself, by the line of that branch, or by the forge together with its pull request.
 */
import { and } from 'xstate';
import { plan } from './actions.ts';

const refused = '#plan.merge.refused';

/** The merge is requested again, so the earlier refusal is no longer shown. */
const awaits = { target: '#plan.merge.awaiting', actions: 'forgetMergeRefusal' } as const;

/** How a merge begins while none is under way, and how one of the forge is recorded. */
const beginnings = {
  merge: { guard: and(['isDone', 'mayMerge']), target: '#plan.merge.working.asked', actions: 'askMerge' },
  land: [
    { guard: and(['isDone', 'mayMerge', 'landsOnForge', 'pullIsOpen']), ...awaits },
    {
      guard: and(['isDone', 'mayMerge', 'landsWithGit']),
      target: '#plan.merge.working.finding.asked',
      actions: 'findLine',
    },
  ],
  // The pull request was made, or new commits were pushed to it.
  pr_opened: { guard: and(['isOpened', 'isDone', 'landsOnForgeAlone']), ...awaits },
  done_entered: [
    { guard: and(['landsOnForgeAlone', 'pullIsOpen']), ...awaits },
    { guard: 'landsAlone', target: '#plan.merge.working.finding.automatic', actions: 'findLine' },
    { guard: 'mergesAlone', target: '#plan.merge.working.automatic', actions: 'askMerge' },
  ],
  pr_merged: {
    guard: and(['pullIsOpen', 'isMergedThere']),
    target: '#plan.merge.merged',
    actions: 'noteMergedThere',
  },
} as const;

/** It is merged, and only another branch refused it: a further request gets its merge as the answer. */
const mergedBefore = {
  guard: and(['isDone', 'isLanded']),
  target: '#plan.merge.merged',
  actions: 'forgetMergeRefusal',
} as const;

/** A person asked for the merge, and reads the answer. */
const toRequester = { guard: 'isMerge', target: `${refused}.asked`, actions: 'noteMergeRefused' } as const;
/** No person asked for the merge, so the plan needs one. */
const toPerson = {
  guard: 'isMerge',
  target: `${refused}.automatic`,
  actions: ['noteMergeRefused', 'noteMergeStop', 'raiseBlock'],
} as const;

/** The branch and the check are read again when a person retries, or when the work was mended. */
const lineAgain = { target: '#plan.merge.working.finding.automatic', actions: 'findLine' } as const;
/**
 * The plan left the line, or could not get into it, and no person waits for that answer. If its branch moved, or its line found a fault that a fixer is to
 * correct, the plan asks for a place again when it is done.
 */
const fromLine = [
  { guard: and(['isMerge', 'branchMoved']), target: `${refused}.unlanded`, actions: 'noteMergeRefused' },
  {
    guard: and(['isMerge', 'isForFixer']),
    target: `${refused}.unlanded`,
    actions: ['noteMergeRefused', 'noteFixedFrom'],
  },
  {
    guard: 'isMerge',
    target: `${refused}.unlanded`,
    actions: ['noteMergeRefused', 'noteLandingStop', 'raiseBlock'],
  },
] as const;
const forgeWaits = {
  guard: and(['isMerge', 'isForgeWaiting']),
  target: '#plan.merge.awaiting',
  actions: 'noteMergeRefused',
} as const;
const forgeAgain = { guard: and(['landsOnForge', 'pullIsOpen']), ...awaits } as const;
/** A person closed the pull request on the forge. */
const leaves = { target: '#plan.merge.none', actions: ['reportLineLeft', 'forgetMerge'] } as const;
const mergedThere = { ...beginnings.pr_merged, actions: ['reportLineLeft', 'noteMergedThere'] } as const;
const found = {
  guard: 'isMerge',
  target: '#plan.merge.working.inLine',
  actions: ['noteLine', 'reportJoined'],
} as const;

export const merge = plan.createStateConfig({
  description: 'is its work in the branch that people work on?',
  initial: 'none',
  states: {
    none: {
      description: 'nobody asked for it',
      on: {
        ...beginnings,
        // It left its line while that moved the branch.
        plan_merged: { guard: 'isOfHead', target: 'merged', actions: 'noteMerged' },
      },
    },
    awaiting: {
      description: 'it gets in line as soon as its pull request is approved and green',
      tags: ['pull_merge:watched', 'waits:pull'],
      on: {
        merge: beginnings.merge,
        land: [{ guard: 'landsOnForge', description: 'it waits already' }, beginnings.land[1]],
        // The forge does not always name the commit.
        pr_merged: [beginnings.pr_merged, { target: 'none', actions: 'forgetMerge' }],
        pr_merge_wanted: {
          guard: 'isReadyToLand',
          target: '#plan.merge.working.finding.automatic',
          actions: 'findForgeLine',
        },
        pr_merge_refused: {
          guard: 'isUnasked',
          target: `${refused}.unlanded`,
          actions: ['noteForgeObstacle', 'noteLandingStop', 'raiseBlock'],
        },
        pr_merge_unwanted: { target: 'none', actions: 'forgetMerge' },
        pr_closed: { target: 'none', actions: 'forgetMerge' },
        done_left: { target: 'none', actions: 'forgetMerge' },
      },
    },
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
          on: { merge_refused: toRequester, effect_failed: toRequester },
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
              toPerson,
            ],
            effect_failed: toPerson,
          },
        },
        finding: {
          description: 'the branch that it lands on is being found',
          initial: 'asked',
          on: {
            line_found: found,
            pr_merged: beginnings.pr_merged,
            pr_closed: { guard: 'isOfForge', target: '#plan.merge.none', actions: 'forgetMerge' },
            done_left: { target: '#plan.merge.none', actions: 'forgetMerge' },
          },
          states: {
            asked: {
              description: 'a person asked for it',
              on: { merge_refused: toRequester, effect_failed: toRequester },
            },
            automatic: {
              description: 'landing.auto, or the line itself, asked for it',
              on: { merge_refused: [forgeWaits, ...fromLine], effect_failed: fromLine },
            },
          },
        },
        inLine: {
          description: 'it waits in the line of that branch, or lands',
          tags: ['merge:in_line'],
          on: {
            merge_refused: [forgeWaits, ...fromLine],
            pr_merged: mergedThere,
            pr_closed: { ...leaves, guard: 'isOfForge' },
            line_left: { guard: 'isMerge', target: '#plan.merge.none', actions: 'forgetMerge' },
            done_left: leaves,
          },
        },
      },
    },
    merged: {
      description: 'it is merged as it was at that time',
      tags: ['merge:merged'],
      always: { guard: and(['isNotDone', 'hasNewWork']), target: 'none', actions: 'forgetMerge' },
      on: {
        ...beginnings,
        // The regular request to the forge saw the merge first; the line has more details of it.
        plan_merged: { guard: 'isSameMerge', actions: 'noteMerged' },
        done_left: { guard: 'leftToBeginAnew', target: 'none', actions: 'forgetMerge' },
      },
    },
    refused: {
      description: 'it was not merged, and nothing was changed',
      tags: ['merge:refused'],
      initial: 'asked',
      on: {
        ...beginnings,
        merge: [beginnings.merge, mergedBefore],
        land: [...beginnings.land, mergedBefore],
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
        unlanded: {
          description: 'it could not land: its work is mended, or a person lets it try again',
          on: {
            resolve: [
              { ...forgeAgain, guard: and(['isDone', forgeAgain.guard]) },
              { guard: and(['isDone', 'landsWithGit']), ...lineAgain },
            ],
            done_entered: [
              { ...forgeAgain, guard: and(['endsByItself', forgeAgain.guard]) },
              { guard: and(['endsByItself', 'landsWithGit']), ...lineAgain },
            ],
          },
        },
      },
    },
  },
});
