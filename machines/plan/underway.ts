/** The part of a plan's chart between ready and done: implementing, reviewing, verifying. */
import { and } from 'xstate';
import { plan } from './actions.ts';
import { accepted, fixedTasks, gaveUp, implementing, noVerdict } from './implementing.ts';

const reviewingStatus = '#plan.lifecycle.underway.reviewing';
const verifyingStatus = '#plan.lifecycle.underway.verifying';
const fixing = '#plan.lifecycle.underway.implementing.fixing';
const done = '#plan.lifecycle.done';

/** If changes are requested: fix them, or wait for a person where the rounds are used up or fixing needs an approval. */
const toFix = [
  { guard: 'isUnchanged', target: `${fixing}.stuck`, actions: ['noteFeedback', 'noteNoFix'] },
  { guard: 'cyclesAreUsed', target: `${fixing}.stuck`, actions: ['noteFeedback', 'noteCycleLimit'] },
  { guard: 'fixesAlone', target: `${fixing}.requesting`, actions: ['noteFeedback', 'noteJudged'] },
  { target: `${fixing}.stuck`, actions: ['noteFeedback', 'noteReviewStop'] },
] as const;

/** The judged work has changed: the agents that judge it are stopped. */
const lost = [
  { guard: 'isNewLoss', target: '.stuck', actions: 'noteLost' },
  { description: 'it is known, no longer the plan’s, or was looked for before it was brought back' },
] as const;

const reviewing = plan.createStateConfig({
  description: 'the work is read by another',
  tags: ['status:reviewing', 'phase:reviewing'],
  entry: ['raiseMoved', 'forgetApproval'],
  initial: 'choosing',
  on: {
    work_lost: lost,
    review_approved: { guard: and(['isWhole', 'approvalIsFresh']), target: verifyingStatus, actions: 'noteReviewed' },
    review_changes_requested: toFix,
    ...fixedTasks,
  },
  states: {
    stuck: {
      description: 'no reviewer runs; a person must say what follows',
      entry: 'raiseBlock',
      on: { resolve: [accepted, { guard: 'isBack', target: 'choosing', actions: 'noteAdvice' }] },
    },
    choosing: {
      description: 'is there a reviewer?',
      always: [
        { guard: 'isLost', target: 'stuck' },
        { guard: 'hasReviewer', target: 'working' },
        { target: verifyingStatus },
      ],
    },
    working: {
      description: 'the reviewer works',
      tags: ['works:reviewer'],
      entry: [{ type: 'stamp', params: 'reviewing_at' }, 'startReviewer'],
      exit: 'releaseChild',
      on: {
        agent_delivered: [
          { guard: 'approvesHeadByExit', actions: { type: 'raiseVerdict', params: 'review_approved' } },
          { guard: 'approvesByExit', actions: 'sendStale' },
          { guard: 'rejectsByExit', actions: { type: 'raiseVerdict', params: 'review_changes_requested' } },
          noVerdict.agent_delivered,
        ],
        ...gaveUp,
      },
    },
  },
});

const verifying = plan.createStateConfig({
  description: 'the whole is verified at a commit',
  tags: ['status:verifying'],
  entry: 'raiseMoved',
  initial: 'choosing',
  on: {
    work_lost: lost,
    verify_approved: {
      guard: and(['isWhole', 'approvalIsFresh', 'selfFixIsSmall']),
      target: done,
      actions: 'noteVerified',
    },
    verify_failed: toFix,
    head_moved: { guard: 'isUnreviewed', target: reviewingStatus, actions: 'noteHead' },
    ...fixedTasks,
  },
  states: {
    stuck: {
      description: 'no verifier runs; a person must say what follows',
      entry: 'raiseBlock',
      on: { resolve: [accepted, { guard: 'isBack', target: 'choosing', actions: 'noteAdvice' }] },
    },
    choosing: {
      description: 'is there a verifier?',
      always: [{ guard: 'isLost', target: 'stuck' }, { guard: 'hasVerifier', target: 'working' }, { target: done }],
    },
    working: {
      description: 'the verifier works',
      tags: ['works:verifier'],
      entry: [{ type: 'stamp', params: 'verifying_at' }, 'startVerifier'],
      exit: 'releaseChild',
      on: {
        agent_delivered: [
          { guard: 'approvesHeadByExit', actions: { type: 'raiseVerdict', params: 'verify_approved' } },
          { guard: 'approvesByExit', actions: 'sendStale' },
          { guard: 'rejectsByExit', actions: { type: 'raiseVerdict', params: 'verify_failed' } },
          noVerdict.agent_delivered,
        ],
        ...gaveUp,
      },
    },
  },
});

export const underway = plan.createStateConfig({
  description: 'the plan is being carried out',
  initial: 'implementing',
  exit: 'releaseGrant',
  on: {
    implement_granted: { guard: 'isAsked', actions: 'setGranted' },
    cancel: '#plan.lifecycle.cancelled',
    // The person who merged it took it as it was: the work on it ends.
    pr_merged: {
      guard: and(['pullIsOpen', 'showsPresentWork']),
      target: done,
      actions: ['concludeAll', 'clearMerged'],
    },
  },
  states: { implementing, reviewing, verifying },
});
