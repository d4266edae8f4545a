/**
 * A plan: its life from a document to done, beside it whether it needs a person (attention), whether it is paused (gate) and its
 * pull request. What people see of it are the tags of its states (vocabulary/public-state.ts); no second copy of them exists.
 */
import { and } from 'xstate';
import { plan } from './actions.ts';
import { attention } from './attention.ts';
import { documentFacts } from './context.ts';
import { fixedTasks, gaveUp, noVerdict } from './implementing.ts';
import { merge } from './merge.ts';
import { underway } from './underway.ts';

const lifecycle = '#plan.lifecycle';
const reviewing = `${lifecycle}.underway.reviewing`;
const verifying = `${lifecycle}.underway.verifying`;
const implementing = `${lifecycle}.underway.implementing`;
const fixing = `${implementing}.fixing`;
/** Long after the end the plan's own worktree is taken away; its branch stays. */
const cleanup = { timer_due: { actions: ['dropTimer', 'nextId', 'askRemoval'] } } as const;
/** One planner works on a plan: its draft is all that is waited for. */
const planned = [
  { guard: and(['isParsed', 'advances']), target: 'ready.planned', actions: 'raiseImplement' },
  { guard: 'isParsed', target: 'ready.planned' },
] as const;
const cancel = { cancel: `${lifecycle}.cancelled` } as const;

/** A status set by hand: where it leads, and that everybody at work is told to stop. Nothing starts there, and no entry counts. */
const overrides = [
  // First, since it is the only one that may be refused, and a refusal names the first guard.
  { guard: 'forcesPlanned', target: '.ready.planned', actions: ['endAll', 'raiseOverride'] },
  { guard: { type: 'forces', params: 'ready' }, target: '.ready.draft', actions: ['endAll', 'raiseOverride'] },
  {
    guard: { type: 'forces', params: 'planning' },
    target: '.planning.standing',
    actions: ['endAll', 'noteOverride'],
  },
  {
    guard: { type: 'forces', params: 'implementing' },
    target: '.underway.implementing.standing',
    actions: ['endAll', 'noteOverride'],
  },
  {
    guard: { type: 'forces', params: 'reviewing' },
    target: '.underway.reviewing.standing',
    actions: ['endAll', 'noteOverride'],
  },
  {
    guard: { type: 'forces', params: 'verifying' },
    target: '.underway.verifying.standing',
    actions: ['endAll', 'noteOverride'],
  },
  {
    guard: { type: 'forces', params: 'done' },
    target: '.done',
    actions: ['endAll', 'forgetApproval', 'raiseOverride'],
  },
  {
    guard: { type: 'forces', params: 'cancelled' },
    target: '.cancelled',
    actions: 'raiseOverride',
  },
] as const;

/** Of a done plan only. What becomes of it, its own region says. */
const mergeVerbs = {
  merge: [
    { guard: and(['isNotMerging', 'mayMerge']), actions: 'raiseMoved' },
    { description: 'it is merged as it stands, or being merged' },
  ],
} as const;

const mergeThere = { actions: 'askForgeMerge' } as const;
/** Its pull request is merged without a person where that is configured: only that of a done plan, and only as it was approved. */
const forgeMergeVerbs = {
  merge_wanted: [{ ...mergeThere, guard: 'mergesOnForge' }, { description: 'it is not to be merged by itself' }],
  pr_merge_wanted: { ...mergeThere, guard: 'mergesOnForge' },
  pr_merge_unwanted: { guard: 'hasForgeMerge', actions: 'withdrawForgeMerge' },
  pr_merge_refused: {
    guard: 'mayRefuseForgeMerge',
    actions: ['noteForgeMergeRefused', 'noteForgeMergeStop', 'raiseBlock'],
  },
  effect_failed: {
    guard: 'isForgeMerge',
    actions: ['noteForgeMergeRefused', 'noteForgeMergeStop', 'raiseBlock'],
  },
} as const;

/** Of a done plan only, as a merge. What reviewers on the forge ask for is fixed as what our own ask for. */
const pullVerbs = {
  create_pr: [
    { guard: 'mayPull', actions: ['askPull', 'raiseMoved'] },
    { description: 'it is open and shows the branch as it is, or is being made' },
  ],
  pr_wanted: { guard: 'pullIsWanted', actions: 'askPull' },
  pr_needs_person: { guard: 'isNews', actions: ['noteSeen', 'notePullAsks', 'raiseBlock'] },
  pr_changes_requested: [
    {
      guard: and(['isNews', 'failsAlike']),
      target: `${fixing}.standing`,
      actions: ['noteFeedback', 'noteSameFailure', 'noteSeen'],
    },
    {
      guard: and(['isNews', 'cyclesAreUsed']),
      target: `${fixing}.standing`,
      actions: ['noteFeedback', 'noteCycleLimit', 'noteSeen'],
    },
    { guard: and(['isNews', 'fixesAlone']), target: `${fixing}.requesting`, actions: ['noteFeedback', 'noteSeen'] },
    { guard: 'isNews', target: `${fixing}.standing`, actions: ['noteFeedback', 'noteSeen', 'noteReviewStop'] },
  ],
  resolve: [
    { guard: 'pullWasRefused', actions: 'askPull' },
    { guard: 'forgeMergeWasRefused', actions: 'askForgeMerge' },
  ],
} as const;

const pullFailures = [
  { guard: 'isAutoPull', actions: ['notePullRefused', 'notePullStop', 'raiseBlock'] },
  { guard: 'isPull', actions: 'notePullRefused' },
] as const;
/** The same where there is none yet. */
const noPullMade = pullFailures.map((failure) => ({ ...failure, target: '.failed' }));

/** The chart of a plan, from a document to done. An XState machine without effects. */
export const planMachine = plan.createMachine({
  id: 'plan',
  version: '7',
  description: 'a plan, from its document to done',
  type: 'parallel',
  context: ({ input: { project, plan, branch, policy, content, generation, topic, session, at } }) => {
    const facts = documentFacts(content);
    return {
      project,
      plan,
      branch,
      policy,
      ...facts,
      topic: topic ?? facts.topic,
      path: '',
      count: generation,
      living: {},
      now: null,
      granted: false,
      request: 0,
      elaborated: false,
      wave: 0,
      wantedWave: null,
      passed: 0,
      results: {},
      reviewCycle: 0,
      feedback: null,
      rounds: { reviewer: 0, fixer: 0, verifier: 0 },
      standing: null,
      blocked: null,
      questions: [],
      questionCount: 0,
      head: null,
      reviewedSha: null,
      verifiedSha: null,
      selfFix: {},
      pass: 0,
      archivePending: false,
      work: null,
      timer: null,
      dueAt: 0,
      advance: null,
      pullRequestUrl: null,
      session: session ?? null,
      timestamps: {},
      at,
    };
  },
  on: {
    policy: { actions: 'setPolicy' },
    head_moved: [{ guard: 'headDiffers', actions: 'noteHead' }, { description: 'it stands there already' }],
    implement_granted: { description: 'it no longer asks, or asked again since' },
    branch_archived: { guard: 'isWork', actions: 'noteArchived' },
    effect_failed: { guard: 'isWork', actions: ['noteArchiveFailure', 'raiseBlock'] },
    'xstate.done.actor.*': { actions: ['forget', 'archiveAgain'] },
    agent_delivered: { actions: 'thank' },
    wave_failed: { description: 'it no longer has the say' },
    raise_budget: { actions: 'noteRaise' },
    budget_near: { description: 'people are told of it', actions: 'noteTime' },
    budget_reached: { description: 'it needs a person already' },
    budget_restored: { description: 'it does not wait for its budget' },
    merge_wanted: { description: 'it is at work again' },
    pr_merge_scheduled: { description: 'it was not wanted any more' },
    pr_merge_refused: { description: 'it was not wanted any more' },
  },
  states: {
    lifecycle: {
      description: 'where the plan is',
      initial: 'ready',
      on: {
        set_status: overrides,
      },
      states: {
        ready: {
          description: 'nothing is under way',
          tags: ['status:ready'],
          entry: 'raiseMoved',
          initial: 'choosing',
          on: {
            plan_start: [
              { guard: 'hasPlanner', target: 'planning', actions: 'setAdvance' },
              { guard: 'isParsed', target: '.planned', actions: 'raiseMoved' },
            ],
            plan_updated: [
              { guard: 'willParse', target: '.planned', actions: 'setDocument' },
              { target: '.draft', actions: 'setDocument' },
            ],
            mark_done: 'done',
            ...cancel,
          },
          states: {
            choosing: {
              description: 'does the document parse?',
              always: [{ guard: 'isParsed', target: 'planned' }, { target: 'draft' }],
            },
            draft: {
              description: 'the document has no waves yet',
              tags: ['draft'],
              on: { implement_start: { guard: 'notPlannedYet' }, implement_wave: { guard: 'notPlannedYet' } },
            },
            planned: {
              description: 'the document parses; implementing may start',
              tags: ['phase:planned'],
              on: {
                implement_start: { target: implementing },
                implement_wave: { guard: 'waveExists', target: implementing, actions: 'wantWave' },
              },
            },
          },
        },
        planning: {
          description: 'a planner writes the waves',
          tags: ['status:planning'],
          entry: 'raiseMoved',
          initial: 'choosing',
          on: {
            plan_start: { target: '.choosing', actions: ['setAdvance', 'raiseMoved'] },
            planner_finished: planned,
            planner_draft_finished: planned,
            plan_updated: { actions: 'setDocument' },
            ...cancel,
          },
          states: {
            standing: {
              description: 'no planner runs; a person must say what follows',
              entry: 'raiseBlock',
              on: { resolve: { target: 'choosing', actions: 'noteAdvice' } },
            },
            choosing: {
              description: 'is there a planner?',
              always: [{ guard: 'hasPlanner', target: 'working' }, { target: `${lifecycle}.ready.choosing` }],
            },
            working: {
              description: 'the planner has the word',
              tags: ['works:planner'],
              entry: [{ type: 'stamp', params: 'planning_at' }, 'startPlanner'],
              exit: 'leave',
              on: { ...noVerdict, ...gaveUp },
            },
          },
        },
        underway,
        done: {
          description: 'the plan is done',
          tags: ['status:done'],
          entry: [
            'raiseMoved',
            { type: 'stamp', params: 'done_at' },
            'tellRepoDone',
            'setCleanup',
            'askTimer',
            'raiseDoneEntered',
            'pullAlone',
          ],
          exit: ['tellRepoUndone', 'forgetApproval', 'dropTimer', 'raiseDoneLeft', 'withdrawForgeMerge'],
          on: {
            ...cleanup,
            ...mergeVerbs,
            ...pullVerbs,
            ...forgeMergeVerbs,
            verification_stale: [
              {
                guard: and(['isOutdated', 'isNotMerging', 'isUnmerged', 'wasVerified']),
                target: verifying,
                actions: 'setHead',
              },
              { guard: and(['isOutdated', 'isNotMerging', 'isUnmerged']), target: reviewing, actions: 'setHead' },
            ],
            merge_refused: [
              { guard: and(['isMerge', 'branchMoved', 'wasVerified']), target: verifying },
              { guard: and(['isMerge', 'branchMoved']), target: reviewing },
            ],
            start_over: {
              target: 'planning',
              actions: ['beginAnew', 'forgetPull', 'noteAdvice', 'setAdvance', 'archiveAgain'],
            },
            reimplement: { target: implementing, actions: ['beginAnew', 'forgetPull', 'noteAdvice'] },
            // What is asked of an issue after its session was done is done by the same session.
            review_changes_requested: {
              guard: 'isSession',
              target: `${implementing}.fixing.requesting`,
              actions: 'noteFeedback',
            },
            request_review: { target: reviewing, actions: 'noteAdvice' },
            ...fixedTasks,
            ...cancel,
            pr_merged: { guard: 'isMergedWork', actions: 'clearMerged' },
            'xstate.done.actor.*': {
              guard: 'lastEndsMerged',
              actions: ['forget', 'archiveAgain', 'leaveMergedWorktree'],
            },
          },
        },
        cancelled: {
          description: 'the plan is no longer wanted',
          tags: ['status:cancelled'],
          entry: ['raiseMoved', 'endAll', 'forgetApproval'],
          initial: 'ending',
          on: { plan_updated: { actions: 'setDocument' } },
          states: {
            ending: {
              description: 'its agents are being ended',
              meta: { holds: ['reopen'] },
              always: { guard: 'nobodyLives', target: 'ended' },
            },
            ended: {
              description: 'nothing of it lives; the branch is kept',
              entry: ['setCleanup', 'askTimer'],
              exit: 'dropTimer',
              on: {
                ...cleanup,
                reopen: [
                  { guard: 'hasPlanner', target: `${lifecycle}.planning`, actions: ['noteAdvice', 'setAdvance'] },
                  { target: `${lifecycle}.ready`, actions: 'noteAdvice' },
                ],
              },
            },
          },
        },
      },
    },
    merge,
    attention,
    gate: {
      description: 'may its agents start?',
      initial: 'open',
      states: {
        open: {
          description: 'yes',
          on: {
            pause: [
              { guard: 'waits', target: 'paused' },
              { target: 'paused', actions: 'tellRequeue' },
            ],
            agents_requeued: { actions: 'tellRequeue' },
          },
        },
        paused: {
          description: 'no: a person paused it',
          tags: ['paused'],
          on: {
            resume: 'open',
            pause: [{ guard: 'waits', description: 'it is paused already' }, { actions: 'tellRequeue' }],
            agents_requeued: { actions: 'tellRequeue' },
          },
        },
      },
    },
    pullRequest: {
      description: 'its pull request',
      initial: 'none',
      on: {
        pull_asked: '.creating',
        pull_forgotten: '.none',
        pr_opened: [
          {
            guard: and(['isOpened', 'wantsForgeMerge']),
            target: '.open',
            actions: ['notePull', 'raiseMergeWanted'],
          },
          { guard: 'isOpened', target: '.open', actions: 'notePull' },
        ],
        pr_failed: noPullMade,
        effect_failed: noPullMade,
      },
      states: {
        none: { description: 'there is none' },
        creating: { description: 'it is being made', tags: ['pull:creating'] },
        open: {
          description: 'it is open',
          tags: ['pull:open'],
          on: {
            pull_asked: { description: 'what is new is pushed to it' },
            pr_failed: pullFailures,
            effect_failed: pullFailures,
            pr_merged: { target: 'merged', actions: ['notePullOver', 'leaveIdleWorktree'] },
            pr_closed: { target: 'closed', actions: 'notePullOver' },
            pr_remarked: { actions: 'noteRemarks' },
            pr_merge_scheduled: { guard: 'isForgeMerge', actions: 'noteForgeMerge' },
          },
        },
        merged: { description: 'it is merged', tags: ['pull:merged'] },
        closed: { description: 'it was closed without a merge', tags: ['pull:closed'] },
        failed: { description: 'it could not be made', tags: ['pull:failed'] },
      },
    },
  },
});
