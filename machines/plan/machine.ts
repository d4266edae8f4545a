/**
 * A plan: its life from a document to done, beside it whether it needs a person (attention), whether it is paused (gate) and its
 * pull request. What people see of it are the tags of its states (vocabulary/public-state.ts); no second copy of them exists.
 */
import { and, or } from 'xstate';
import { plan } from './actions.ts';
import { type Attention, documentFacts, withMarked } from './context.ts';
import { fixedTasks } from './implementing.ts';
import { merge } from './merge.ts';
import { planning } from './planning.ts';
import { pullRequest } from './pull-request.ts';
import { underway } from './underway.ts';

/** The transitions out of a state of this region: to each other state, as soon as the open blocks and questions require it. */
function others<T extends Attention>(own: T) {
  return (['clear', 'asked', 'blocked', 'override'] as const)
    .filter((each) => each !== own)
    .map((each) => ({ guard: { type: 'needs', params: each }, target: each }) as const);
}

/** A `resolve` of a person that answers no question continues the plan. */
const resolve = { actions: ['noteAnswerWords', 'sendAnswers', 'noteAnswers', 'acceptLoss', 'clearBlock'] } as const;
const movedByPerson = { guard: 'movedByPerson', actions: 'clearBlock' } as const;

/** The region of a plan's chart that says whether it needs a person. Its state follows from what is open: a block, and questions. */
const attention = plan.createStateConfig({
  description: 'does the plan need a person?',
  initial: 'clear',
  on: {
    block: { actions: 'noteBlock' },
    child_asked: { actions: 'noteQuestion' },
    needs_decision: { guard: 'hasRoomForQuestion', actions: 'noteQuestion' },
    question_withdrawn: { actions: 'dropQuestion' },
    // Nothing new starts; what runs ends by itself, or is stopped where the hard limit is reached.
    budget_reached: { guard: and(['hasNoBlock', 'budgetIsUsed']), actions: 'noteBlock' },
    raise_budget: { guard: 'raisesBudget', actions: ['noteRaise', 'clearBlock'] },
    budget_restored: { guard: 'isForBudget', actions: 'clearBlock' },
    answer: { guard: 'areOpen', actions: ['noteAnswerWords', 'sendAnswers', 'noteAnswers'] },
  },
  states: {
    clear: { description: 'no', always: others('clear') },
    asked: {
      description: 'tasks ask: what does not depend on them goes on; what would move the plan past them is held',
      tags: ['needs:answers'],
      meta: { holds: ['agent', 'file'], passes: ['implement_task_finished'] },
      always: others('asked'),
      on: { resolve, moved: movedByPerson },
    },
    blocked: {
      description: 'yes: nothing starts, and agents and files are held until a person answers',
      tags: ['needs:person'],
      meta: { holds: ['agent', 'file', 'agent.run'] },
      always: others('blocked'),
      on: {
        resolve: {
          ...resolve,
          guard: and(['budgetIsRaised', 'isChosen', 'isBack', or(['acceptsNot', 'isLost', 'isJudged'])]),
        },
        moved: { ...movedByPerson, guard: and([movedByPerson.guard, 'isWhole']) },
      },
    },
    override: {
      description: 'the status was set by hand; nothing is held',
      tags: ['needs:word'],
      always: others('override'),
      on: { resolve, moved: { guard: 'movedOn', actions: 'clearBlock' } },
    },
  },
});

const lifecycle = '#plan.lifecycle';
const reviewing = `${lifecycle}.underway.reviewing`;
const verifying = `${lifecycle}.underway.verifying`;
const implementing = `${lifecycle}.underway.implementing`;
const fixing = `${implementing}.fixing`;
/** Long after the end, the plan's own worktree is deleted; its branch stays. */
const cleanup = { timer_due: { actions: ['dropTimer', 'nextId', 'askRemoval'] } } as const;
const cancel = { cancel: `${lifecycle}.cancelled` } as const;

/** The transitions of a status that a person sets by hand. All running agents get the order to stop, and the target states start nothing. */
const overrides = [
  // First, since it is the only one that may be refused, and a refusal names the first guard.
  { guard: 'forcesPlanned', target: '.ready.planned', actions: ['endAll', 'raiseOverride'] },
  { guard: { type: 'forces', params: 'ready' }, target: '.ready.draft', actions: ['endAll', 'raiseOverride'] },
  {
    guard: { type: 'forces', params: 'planning' },
    target: '.planning.stuck',
    actions: ['endAll', 'noteOverride'],
  },
  {
    guard: { type: 'forces', params: 'implementing' },
    target: '.underway.implementing.stuck',
    actions: ['endAll', 'noteOverride'],
  },
  {
    guard: { type: 'forces', params: 'reviewing' },
    target: '.underway.reviewing.stuck',
    actions: ['endAll', 'noteOverride'],
  },
  {
    guard: { type: 'forces', params: 'verifying' },
    target: '.underway.verifying.stuck',
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

/** For a done plan only. The progress is a state of the region `merge`. */
const mergeVerbs = {
  merge: [
    { guard: and(['isNotMerging', 'mayMerge']), actions: 'raiseMoved' },
    { description: 'its present work is merged, or being merged' },
  ],
  land: [
    { guard: and(['isNotMerging', 'mayMerge', 'landsOnForge', 'pullIsOpen']), actions: 'raiseMoved' },
    { guard: and(['isNotMerging', 'mayMerge', 'landsWithGit']), actions: 'raiseMoved' },
    { guard: and(['isLanded', 'landsThere']), description: 'its present work is merged, or waits in line' },
  ],
} as const;

/**
 * For a done plan only. The progress of its pull request is a state of the region of that name. Requests of reviewers on the forge are handled like those of
 * its own reviewer.
 */
const pullVerbs = {
  create_pr: { description: 'it is open and shows the branch as it is, is merged, or is being made' },
  pr_needs_person: { guard: and(['pullIsOpen', 'isNews']), actions: ['noteSeen', 'notePullAsks', 'raiseBlock'] },
  pr_changes_requested: [
    {
      guard: and(['pullIsOpen', 'isNews', 'failsAlike']),
      target: `${fixing}.stuck`,
      actions: ['noteFeedback', 'noteSameFailure', 'noteSeen'],
    },
    {
      guard: and(['pullIsOpen', 'isNews', 'cyclesAreUsed']),
      target: `${fixing}.stuck`,
      actions: ['noteFeedback', 'noteCycleLimit', 'noteSeen'],
    },
    {
      guard: and(['pullIsOpen', 'isNews', 'fixesAlone']),
      target: `${fixing}.requesting`,
      actions: ['noteFeedback', 'noteSeen'],
    },
    {
      guard: and(['pullIsOpen', 'isNews']),
      target: `${fixing}.stuck`,
      actions: ['noteFeedback', 'noteSeen', 'noteReviewStop'],
    },
  ],
} as const;

/** The chart of a plan, from a document to done. An XState machine without effects. */
export const planMachine = plan.createMachine({
  id: 'plan',
  version: '1',
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
      liveChildren: {},
      activeChildId: null,
      granted: false,
      request: 0,
      elaborated: false,
      wave: 0,
      wantedWave: null,
      passed: 0,
      results: withMarked(facts.waves, {}),
      reviewCycle: 0,
      feedback: null,
      rounds: { reviewer: 0, fixer: 0, verifier: 0 },
      stopCause: null,
      blocked: null,
      questions: [],
      questionCount: 0,
      words: [],
      wordCount: 0,
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
  // The agent that should get these messages is gone, and no event reports that.
  always: [
    { guard: 'hasStrandedWords', actions: 'refuseStranded' },
    { guard: and(['isDone', 'hasWaitingWords']), actions: 'refuseAtEnd' },
  ],
  on: {
    policy: { actions: 'setPolicy' },
    word_said: { actions: 'noteWord' },
    words_given: { actions: 'noteGiven' },
    words_returned: { actions: 'noteReturned' },
    word_refused: { description: 'people are notified', actions: 'noteTime' },
    work_lost: [
      { guard: 'isNewLoss', actions: ['noteLost', 'raiseBlock'] },
      { description: 'it is known, no longer the plan’s, or was looked for before it was brought back' },
    ],
    work_found: { actions: 'noteFound' },
    head_moved: [{ guard: 'headDiffers', actions: 'noteHead' }, { description: 'its branch is already there' }],
    implement_granted: { description: 'it no longer asks, or asked again since' },
    branch_archived: { guard: 'isWork', actions: 'noteArchived' },
    effect_failed: { guard: 'isWork', actions: ['noteArchiveFailure', 'raiseBlock'] },
    'xstate.done.actor.*': { actions: ['forget', 'archiveAgain'] },
    agent_delivered: { actions: 'thank' },
    wave_failed: { description: 'it is no longer the active wave' },
    raise_budget: { actions: 'noteRaise' },
    budget_near: { description: 'people are notified', actions: 'noteTime' },
    run_noted: { description: 'people are notified', actions: 'noteTime' },
    budget_reached: { description: 'it needs a person already, or that limit was raised meanwhile' },
    budget_restored: { description: 'it does not wait for its budget' },
    plan_merged: { description: 'it has left the line meanwhile' },
    merge_refused: { description: 'it has left the line meanwhile' },
    line_left: { description: 'it has left the line meanwhile' },
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
                implement_start: { guard: 'hasOpenTask', target: implementing },
                implement_wave: { guard: 'waveExists', target: implementing, actions: 'wantWave' },
              },
            },
          },
        },
        planning,
        underway,
        done: {
          description: 'the plan is done',
          tags: ['status:done'],
          entry: [
            'raiseMoved',
            { type: 'stamp', params: 'done_at' },
            'forgetJudged',
            'reportRepoDone',
            'setCleanup',
            'askTimer',
            'raiseDoneEntered',
          ],
          exit: ['reportRepoUndone', 'forgetApproval', 'dropTimer', 'raiseDoneLeft'],
          on: {
            ...cleanup,
            ...mergeVerbs,
            ...pullVerbs,
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
              { guard: and(['isMerge', 'isForFixer']), target: `${fixing}.requesting`, actions: 'noteFeedback' },
            ],
            start_over: {
              target: 'planning',
              actions: ['beginAnew', 'dropGiven', 'noteAdvice', 'setAdvance', 'archiveAgain'],
            },
            reimplement: { target: implementing, actions: ['beginAnew', 'dropGiven', 'noteAdvice'] },
            // A request about an issue after its session was done is worked on by the same session.
            review_changes_requested: {
              guard: 'isSession',
              target: `${implementing}.fixing.requesting`,
              actions: 'noteFeedback',
            },
            request_review: { target: reviewing, actions: 'noteAdvice' },
            ...fixedTasks,
            ...cancel,
            pr_merged: { guard: and(['pullIsOpen', 'showsPresentWork']), actions: 'clearMerged' },
            pr_opened: [
              { guard: and(['isOpened', 'bringsUnjudged', 'wasVerified']), target: verifying, actions: 'noteTaken' },
              { guard: and(['isOpened', 'bringsUnjudged']), target: reviewing, actions: 'noteTaken' },
              { guard: and(['isOpened', 'bringsWork']), actions: 'noteTaken' },
            ],
            'xstate.done.actor.*': {
              guard: and(['pullIsMerged', 'showsPresentWork', 'endsLast']),
              actions: ['forget', 'archiveAgain', 'leaveMergedWorktree'],
            },
          },
        },
        cancelled: {
          description: 'the plan is no longer wanted',
          tags: ['status:cancelled'],
          entry: ['raiseMoved', 'endAll', 'forgetApproval', 'noteFound'],
          initial: 'ending',
          on: { plan_updated: { actions: 'setDocument' } },
          states: {
            ending: {
              description: 'its agents are being ended',
              meta: { holds: ['reopen'] },
              always: { guard: 'hasNoChildren', target: 'ended' },
            },
            ended: {
              description: 'no agent or task of it is left; the branch is kept',
              entry: ['setCleanup', 'askTimer'],
              exit: 'dropTimer',
              on: {
                timer_due: { actions: [...cleanup.timer_due.actions, 'refuseAtCleanup'] },
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
              { target: 'paused', actions: 'sendRequeue' },
            ],
            agents_requeued: { actions: 'sendRequeue' },
          },
        },
        paused: {
          description: 'no: a person paused it',
          tags: ['paused'],
          on: {
            resume: 'open',
            pause: [{ guard: 'waits', description: 'it is paused already' }, { actions: 'sendRequeue' }],
            agents_requeued: { actions: 'sendRequeue' },
          },
        },
      },
    },
    pullRequest,
  },
});
