/**
 * The region of a plan's chart that says how far its pull request is: asked for, open, pushed again, and merged by its forge. It is asked for once the plan is
 * done: when a person says so, or by itself.
 */
import { and, or } from 'xstate';
import { plan } from './actions.ts';

const pull = '#plan.pullRequest';
const creating = `${pull}.creating`;
const open = `${pull}.open`;

const create = { guard: 'isDone', target: `${creating}.asked`, actions: ['askPull', 'raiseMoved'] } as const;
/** The plan is done: its pull request is wanted now, or not. */
const ended = {
  done_entered: [{ guard: 'pullsAlone', target: '.wanted' }, { target: '.idle' }],
} as const;
/** The parts of a stack are pushed as they are done, before the plan is. */
const mayCreate = or(['isDone', and(['isUnderway', 'isStacked'])]);
const wanted = { guard: mayCreate, target: `${creating}.automatic`, actions: 'askPull' } as const;
/** Its work is where people want it: no request is made of it by itself. */
const mergedByHand = { plan_merged: { guard: 'isMerge', target: `${pull}.none.idle` } } as const;
/** The plan was blocked because of the last attempt. */
const again = { ...wanted, actions: ['askPull', 'clearPullStop'] } as const;

/** A person asked for it, and reads the answer. */
const toRequester = { guard: 'isPull', target: `${pull}.failed.idle`, actions: 'notePullRefused' } as const;
const stop = ['notePullRefused', 'notePullStop', 'raiseBlock'] as const;
/** No person asked for it: the plan needs one, unless it is judged again. */
const toPerson = [
  { guard: and(['isPull', 'pullMoved']), target: `${pull}.failed.wanted`, actions: 'notePullRefused' },
  // The work goes on, and it is tried again at its end.
  { guard: and(['isPull', 'isNotDone']), target: `${pull}.failed.idle`, actions: 'notePullRefused' },
  { guard: 'isPull', target: `${pull}.failed.automatic`, actions: stop },
] as const;
/** The same for a push to an open pull request. */
const notPushed = { guard: and(['isPull', 'pullMoved']), target: `${open}.manual`, actions: 'endPullWork' } as const;
const pushResults = [
  notPushed,
  { guard: 'isPull', target: `${open}.unpushed.idle`, actions: 'notePullRefused' },
] as const;
const pushStop = ['notePullRefused', 'notePushStop', 'raiseBlock'] as const;
const automaticPushResults = [
  notPushed,
  { guard: and(['isPull', 'isNotDone']), target: `${open}.unpushed.idle`, actions: 'notePullRefused' },
  { guard: 'isPull', target: `${open}.unpushed.automatic`, actions: pushStop },
] as const;

const mayPush = and(['isDone', 'mayPush']);
const push = { guard: mayPush, target: `${open}.pushing.asked`, actions: ['askPull', 'raiseMoved'] } as const;
/** Updates a stack to the finished parts and to the changes on the forge. */
const restack = { target: `${open}.pushing.automatic`, actions: 'askPull' } as const;
const restackAfterRefusal = { ...restack, actions: ['askPull', 'clearPullStop'] } as const;
const pushAgain = { guard: 'pullIsBehind', target: `${open}.pushing.automatic`, actions: 'askPull' } as const;

const askForge = {
  guard: and(['isDone', 'mergesOnForge']),
  target: `${open}.asking`,
  actions: 'askForgeMerge',
} as const;
const askAgain = { ...askForge, guard: and(['isDone', 'mergesOnForge', 'isReady']) } as const;
const unmerged = ['notePullRefused', 'noteForgeMergeStop', 'raiseBlock'] as const;
const seenThere = { guard: 'isUnasked', target: `${open}.unmerged`, actions: unmerged } as const;
const notTaken = { guard: 'isPull', target: `${open}.unmerged`, actions: ['withdrawMerge', ...unmerged] } as const;
/** The pull request must not be merged any more, and its forge may be about to merge it. */
const withdrawn = { target: `${open}.manual`, actions: 'withdrawMerge' } as const;
const withdraws = {
  done_left: withdrawn,
  pr_merge_unwanted: withdrawn,
  create_pr: { ...push, actions: ['withdrawMerge', ...push.actions] },
} as const;
/** The same if its forge has no request to merge it. */
const forgets = { done_left: `${open}.manual`, pr_merge_unwanted: `${open}.manual`, create_pr: push } as const;

/** A plan that is started over gets a new pull request. */
const forgotten = { done_left: { guard: 'leftToBeginAnew', target: `${pull}.none`, actions: 'forgetPull' } } as const;

export const pullRequest = plan.createStateConfig({
  description: 'its pull request',
  initial: 'none',
  on: {
    pr_opened: [
      {
        guard: and(['isOpened', 'isDone', 'mergesOnForge']),
        target: '.open.asking',
        actions: ['notePull', 'askForgeMerge'],
      },
      { guard: 'isOpened', target: '.open.manual', actions: 'notePull' },
    ],
  },
  states: {
    none: {
      description: 'there is none',
      initial: 'idle',
      on: { create_pr: create, ...ended },
      states: {
        idle: {
          description: 'nobody asked for one',
          always: { guard: and(['isUnderway', 'makesPulls', 'hasMoreParts']), target: 'wanted' },
        },
        wanted: {
          description: 'auto_create_pr wants one, where a forge is configured',
          tags: ['pull_wanted'],
          on: { pr_wanted: wanted, ...mergedByHand },
        },
      },
    },
    creating: {
      description: 'it is being made',
      tags: ['pull:creating', 'pull_working'],
      initial: 'asked',
      states: {
        asked: { description: 'a person asked for it', on: { pr_failed: toRequester, effect_failed: toRequester } },
        automatic: { description: 'auto_create_pr asked for it', on: { pr_failed: toPerson, effect_failed: toPerson } },
      },
    },
    failed: {
      description: 'it could not be made',
      tags: ['pull:failed'],
      initial: 'idle',
      on: { create_pr: create, ...ended },
      states: {
        idle: { description: 'nothing follows by itself', exit: 'forgetPullRefusal' },
        wanted: {
          description: 'it is asked for again as soon as the plan was looked at again',
          tags: ['pull_wanted'],
          on: { pr_wanted: wanted, ...mergedByHand },
        },
        automatic: {
          description: 'auto_create_pr asked for it: a person, or a forge that was mended, lets it try again',
          tags: ['pull_wanted'],
          exit: 'forgetPullRefusal',
          on: {
            pr_wanted: again,
            resolve: again,
            create_pr: { ...create, target: `${creating}.automatic` },
            ...mergedByHand,
          },
        },
      },
    },
    open: {
      description: 'it is open',
      tags: ['pull:open'],
      initial: 'manual',
      on: {
        pr_merged: { target: 'merged', actions: ['endPullWork', 'noteStack', 'leaveIdleWorktree'] },
        // The landing line reported the merge.
        plan_merged: { guard: and(['isMerge', 'isOfForge']), target: 'merged', actions: 'endPullWork' },
        pr_closed: { target: 'closed', actions: ['endPullWork', 'noteStack'] },
        pr_remarked: { actions: 'noteRemarks' },
      },
      states: {
        manual: {
          description: 'a person merges it',
          always: [
            { ...restack, guard: and(['isUnderway', 'hasMoreParts']) },
            { ...restack, guard: and(['isDone', 'isUnpushed']) },
          ],
          on: {
            pr_stack_changed: restack,
            create_pr: push,
            done_entered: pushAgain,
            pr_merge_wanted: askForge,
            pr_merge_refused: { ...seenThere, guard: and(['isUnasked', 'mergesWhenGreen']) },
          },
        },
        asking: {
          description: 'its forge is asked to merge it',
          tags: ['pull_merge:asked'],
          on: {
            ...withdraws,
            pr_merge_scheduled: [
              { guard: and(['isPull', 'isByForge']), target: 'scheduled', actions: 'endPullWork' },
              { guard: 'isPull', target: 'watched', actions: 'endPullWork' },
            ],
            pr_merge_refused: notTaken,
            effect_failed: notTaken,
          },
        },
        scheduled: {
          description: 'its forge merges it as soon as its own conditions are met',
          tags: ['pull_merge:scheduled'],
          on: {
            ...withdraws,
            pr_merge_wanted: askAgain,
            pr_merge_refused: { ...seenThere, actions: ['withdrawMerge', ...unmerged] },
          },
        },
        watched: {
          description: 'its forge is asked again as soon as it is approved and green',
          tags: ['pull_merge:watched'],
          on: { ...forgets, pr_merge_wanted: askAgain, pr_merge_refused: seenThere },
        },
        unmerged: {
          description: 'it was not merged: a person lets it try again, or merges it',
          tags: ['pull_merge:refused'],
          exit: 'forgetPullRefusal',
          on: { ...forgets, resolve: { target: 'asking', actions: 'askForgeMerge' } },
        },
        pushing: {
          description: 'what is new is pushed to it',
          tags: ['pull_working'],
          initial: 'asked',
          states: {
            asked: { description: 'a person asked for it', on: { pr_failed: pushResults, effect_failed: pushResults } },
            automatic: {
              description: 'the plan came to its end again',
              on: { pr_failed: automaticPushResults, effect_failed: automaticPushResults },
            },
          },
        },
        unpushed: {
          description: 'what is new could not be pushed to it',
          initial: 'idle',
          exit: 'forgetPullRefusal',
          on: {
            create_pr: push,
            pr_stack_changed: restackAfterRefusal,
            done_entered: [{ ...pushAgain, actions: ['askPull', 'clearPullStop'] }, { target: 'manual' }],
          },
          states: {
            idle: { description: 'a person asked for it' },
            automatic: {
              description: 'the plan came to its end again: a person lets it try again',
              on: {
                create_pr: { ...push, target: `${open}.pushing.automatic` },
                resolve: { ...again, target: `${open}.pushing.automatic` },
              },
            },
          },
        },
      },
    },
    merged: { description: 'it is merged', tags: ['pull:merged'], on: forgotten },
    closed: {
      description: 'it was closed without a merge',
      tags: ['pull:closed'],
      on: {
        ...forgotten,
        create_pr: [
          { ...push, guard: and(['isDone', 'isStacked']) },
          { ...create, actions: ['forgetRequest', ...create.actions] },
        ],
      },
    },
  },
});
