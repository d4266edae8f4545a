/**
 * A plan: its life from a document to done, beside it whether it needs a person (attention), whether it is paused (gate) and its
 * pull request. Status and phase are read off the tags of the states; no second copy of them exists.
 */
import { and } from 'xstate';
import { documentFacts } from './plan-context.ts';
import { planWords } from './plan-words.ts';

const lifecycle = '#plan.lifecycle';
const reviewing = `${lifecycle}.underway.reviewing`;
const verifying = `${lifecycle}.underway.verifying`;
const implementing = `${lifecycle}.underway.implementing`;
const done = `${lifecycle}.done`;
const cancel = { cancel: `${lifecycle}.cancelled` } as const;

/** Changes are asked for: fix them, or stand where the rounds are used up or fixing needs a person's word. */
const toFix = [
  { guard: 'cyclesAreUsed', target: `${implementing}.fixing.standing`, actions: ['noteFeedback', 'noteCycleLimit'] },
  { guard: 'fixesAlone', target: `${implementing}.fixing.requesting`, actions: 'noteFeedback' },
  { target: `${implementing}.fixing.standing`, actions: ['noteFeedback', 'noteReviewStop'] },
] as const;

/** A coordinator that ended without its verdict; its attempts decide whether there is a next one. */
const noVerdict = { agent_delivered: { guard: 'isNow', actions: 'tellNoVerdict' } } as const;
/** The child that has the say has failed for good. */
const gaveUp = {
  'xstate.done.actor.*': { guard: 'isNow', target: 'standing', actions: ['noteFailure', 'forget'] },
} as const;
/** A worker on the plan's own branch: its task is done, or has failed. */
const workerEnds = {
  'xstate.done.actor.*': [
    { guard: 'nowSucceeded', actions: ['recordWork', 'forget', 'raiseFinished'] },
    { guard: 'isNow', target: 'standing', actions: ['noteFailure', 'forget'] },
  ],
} as const;
/** Said by the worker or a person the work is finished: the run ends first, then its task says so. */
const workerFinished = {
  implement_finished: [
    { guard: 'isEngine', target: reviewing },
    { guard: 'nowLives', actions: 'tellFinish' },
    { target: reviewing },
  ],
} as const;
const toReview = { implement_finished: reviewing } as const;

export const planMachine = planWords.createMachine({
  id: 'plan',
  version: '1',
  description: 'a plan, from its document to done',
  type: 'parallel',
  context: ({ input: { content, generation, topic, at, ...input } }) => {
    const facts = documentFacts(content);
    return {
      ...input,
      ...facts,
      topic: topic ?? facts.topic,
      path: '',
      count: generation,
      living: {},
      now: null,
      granted: false,
      elaborated: false,
      wave: 0,
      wantedWave: null,
      results: {},
      reviewCycle: 0,
      feedback: null,
      rounds: { reviewer: 0, fixer: 0, verifier: 0 },
      drafts: [],
      standing: null,
      blocked: null,
      head: null,
      verifiedSha: null,
      pass: 0,
      archivePending: false,
      work: null,
      pullRequestUrl: null,
      timestamps: {},
      at,
    };
  },
  on: {
    policy: { actions: 'setPolicy' },
    head_moved: { actions: 'setHead' },
    plan_updated: { guard: 'editFits', actions: ['extendWave', 'setDocument'] },
    branch_archived: { actions: 'noteArchived' },
    effect_failed: { actions: ['noteArchiveFailure', 'raiseBlock'] },
    'xstate.done.actor.*': { actions: 'forget' },
    agent_delivered: { actions: 'thank' },
    wave_failed: { description: 'it no longer has the say' },
  },
  states: {
    lifecycle: {
      description: 'where the plan is',
      initial: 'ready',
      on: {
        set_status: [
          { guard: { type: 'forces', params: 'ready' }, target: '.ready.draft', actions: ['endAll', 'raiseOverride'] },
          { guard: 'forcesPlanned', target: '.ready.planned', actions: ['endAll', 'raiseOverride'] },
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
          { guard: { type: 'forces', params: 'done' }, target: '.done', actions: ['endAll', 'raiseOverride'] },
          {
            guard: { type: 'forces', params: 'cancelled' },
            target: '.cancelled',
            actions: ['endAll', 'raiseOverride'],
          },
        ],
      },
      states: {
        ready: {
          description: 'nothing is under way',
          tags: ['status:ready'],
          entry: 'raiseMoved',
          initial: 'choosing',
          on: {
            plan_start: [
              { guard: 'hasPlanner', target: 'planning' },
              { guard: 'isParsed', target: '.planned' },
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
            plan_start: '.choosing',
            planner_finished: [
              { guard: and(['isParsed', 'advances']), target: 'ready.planned', actions: 'raiseImplement' },
              { guard: 'isParsed', target: 'ready.planned' },
            ],
            planner_draft_finished: [
              {
                guard: and(['allDraftsIn', 'advances']),
                target: 'ready.planned',
                actions: ['countDraft', 'raiseImplement'],
              },
              { guard: 'allDraftsIn', target: 'ready.planned', actions: 'countDraft' },
              { actions: 'countDraft' },
            ],
            plan_updated: { actions: 'setDocument' },
            ...cancel,
          },
          states: {
            standing: {
              description: 'no planner runs; a person must say what follows',
              entry: 'raiseBlock',
              on: { resolve: 'choosing' },
            },
            choosing: {
              description: 'is there a planner?',
              always: [{ guard: 'hasPlanner', target: 'working' }, { target: `${lifecycle}.ready.choosing` }],
            },
            working: {
              description: 'the planner has the word',
              entry: [{ type: 'stamp', params: 'planning_at' }, 'startPlanner'],
              exit: 'leave',
              on: { ...noVerdict, ...gaveUp },
            },
          },
        },
        underway: {
          description: 'the plan is being carried out',
          initial: 'implementing',
          exit: 'releaseGrant',
          on: { implement_granted: { actions: 'setGranted' }, ...cancel },
          states: {
            implementing: {
              description: 'the work is done',
              tags: ['status:implementing'],
              entry: ['raiseMoved', { type: 'stamp', params: 'implementing_at' }],
              initial: 'requesting',
              states: {
                standing: {
                  description: 'the status was set by hand; nothing runs',
                  entry: 'raiseBlock',
                  on: { resolve: 'requesting', ...toReview },
                },
                requesting: {
                  description: 'waits for the right to implement',
                  entry: ['askGrant', 'archiveAgain'],
                  always: { guard: 'mayBegin', target: 'choosing' },
                  on: {
                    resolve: { guard: 'archives', actions: 'archiveAgain' },
                    implement_finished: { guard: 'isNoAgent', target: reviewing },
                  },
                },
                choosing: {
                  description: 'one coder, an architect first, or the next wave?',
                  always: [
                    { guard: 'isSmall', target: 'single' },
                    { guard: and(['hasArchitect', 'isFresh']), target: 'architecting' },
                    { guard: 'hasNextWave', target: 'wave', actions: 'startWave' },
                    { target: reviewing },
                  ],
                },
                architecting: {
                  description: 'an architect works out the document',
                  tags: ['phase:architecting'],
                  initial: 'working',
                  on: {
                    elaborator_finished: { guard: 'isParsed', target: 'wave', actions: ['setElaborated', 'startWave'] },
                    implement_finished: { guard: 'isNoAgent', target: reviewing },
                  },
                  states: {
                    standing: {
                      description: 'no architect runs; a person must say what follows',
                      entry: 'raiseBlock',
                      on: { resolve: 'working' },
                    },
                    working: {
                      description: 'the architect has the word',
                      entry: 'startArchitect',
                      exit: 'leave',
                      on: { ...noVerdict, ...gaveUp },
                    },
                  },
                },
                single: {
                  description: 'one coder does the whole plan',
                  tags: ['phase:single_agent_implementing'],
                  initial: 'working',
                  states: {
                    standing: {
                      description: 'no coder runs; a person must say what follows',
                      entry: 'raiseBlock',
                      on: { resolve: 'working', ...toReview },
                    },
                    working: {
                      description: 'the coder has the work',
                      entry: 'startCoder',
                      exit: 'leave',
                      on: { ...workerEnds, ...workerFinished },
                    },
                  },
                },
                wave: {
                  description: 'waves of tasks',
                  initial: 'running',
                  exit: 'leave',
                  meta: { suppresses: ['implement_finished'] },
                  on: { implement_finished: { guard: 'isEngine', target: reviewing } },
                  states: {
                    running: {
                      description: 'the tasks of a wave run',
                      tags: ['phase:wave_running'],
                      on: {
                        'xstate.done.actor.*': [
                          {
                            guard: and(['nowSucceeded', 'hasNextWave', 'advancesWaves']),
                            actions: ['forget', 'startWave'],
                          },
                          { guard: and(['nowSucceeded', 'hasNextWave']), target: 'waiting', actions: 'forget' },
                          { guard: 'nowSucceeded', actions: ['forget', 'raiseFinished'] },
                          { guard: 'isNow', target: 'waiting', actions: 'forget' },
                        ],
                        wave_failed: { guard: 'isNow', target: 'waiting', actions: 'noteTime' },
                        implement_wave: { guard: 'noWaveRuns' },
                        retry_wave: { guard: 'noWaveRuns' },
                        advance_wave: { guard: 'noWaveRuns' },
                      },
                    },
                    waiting: {
                      description: 'a wave is over; a person says what follows',
                      tags: ['phase:wave_waiting'],
                      on: {
                        retry_wave: { guard: 'hasFailedWave', target: 'running', actions: 'tellRetry' },
                        advance_wave: [
                          { guard: 'hasNextWave', target: 'running', actions: ['leave', 'startWave'] },
                          { actions: ['leave', 'raiseFinished'] },
                        ],
                        implement_wave: {
                          guard: 'waveExists',
                          target: 'running',
                          actions: ['leave', 'wantWave', 'startWave'],
                        },
                      },
                    },
                  },
                },
                fixing: {
                  description: 'what the review or the verification asked for is done',
                  tags: ['phase:fixing'],
                  initial: 'requesting',
                  states: {
                    standing: {
                      description: 'no fixer runs; a person must say what follows',
                      entry: 'raiseBlock',
                      on: { resolve: 'requesting', ...toReview },
                    },
                    requesting: {
                      description: 'waits for the right to implement',
                      entry: 'askGrant',
                      always: { guard: 'hasGrant', target: 'working' },
                      on: { implement_finished: { guard: 'isNoAgent', target: reviewing } },
                    },
                    working: {
                      description: 'the fixer has the work',
                      entry: 'startFixer',
                      exit: 'leave',
                      on: { ...workerEnds, ...workerFinished },
                    },
                  },
                },
              },
            },
            reviewing: {
              description: 'the work is read by another',
              tags: ['status:reviewing', 'phase:reviewing'],
              entry: 'raiseMoved',
              initial: 'choosing',
              on: { review_approved: verifying, review_changes_requested: toFix },
              states: {
                standing: {
                  description: 'no reviewer runs; a person must say what follows',
                  entry: 'raiseBlock',
                  on: { resolve: 'choosing' },
                },
                choosing: {
                  description: 'is there a reviewer?',
                  always: [{ guard: 'hasReviewer', target: 'working' }, { target: verifying }],
                },
                working: {
                  description: 'the reviewer has the word',
                  entry: [{ type: 'stamp', params: 'reviewing_at' }, 'startReviewer'],
                  exit: 'leave',
                  on: {
                    agent_delivered: [
                      { guard: 'approvesByExit', actions: { type: 'raiseVerdict', params: 'review_approved' } },
                      { guard: 'rejectsByExit', actions: { type: 'raiseVerdict', params: 'review_changes_requested' } },
                      { guard: 'isNow', actions: 'tellNoVerdict' },
                    ],
                    ...gaveUp,
                  },
                },
              },
            },
            verifying: {
              description: 'the whole is verified at a commit',
              tags: ['status:verifying'],
              entry: 'raiseMoved',
              initial: 'choosing',
              on: {
                verify_approved: { guard: 'approvalIsFresh', target: done, actions: 'noteVerified' },
                verify_failed: toFix,
              },
              states: {
                standing: {
                  description: 'no verifier runs; a person must say what follows',
                  entry: 'raiseBlock',
                  on: { resolve: 'choosing' },
                },
                choosing: {
                  description: 'is there a verifier?',
                  always: [{ guard: 'hasVerifier', target: 'working' }, { target: done }],
                },
                working: {
                  description: 'the verifier has the word',
                  entry: [{ type: 'stamp', params: 'verifying_at' }, 'startVerifier'],
                  exit: 'leave',
                  on: {
                    agent_delivered: [
                      { guard: 'approvesByExit', actions: { type: 'raiseVerdict', params: 'verify_approved' } },
                      { guard: 'rejectsByExit', actions: { type: 'raiseVerdict', params: 'verify_failed' } },
                      { guard: 'isNow', actions: 'tellNoVerdict' },
                    ],
                    ...gaveUp,
                  },
                },
              },
            },
          },
        },
        done: {
          description: 'the plan is done',
          tags: ['status:done'],
          entry: ['raiseMoved', { type: 'stamp', params: 'done_at' }, 'tellRepoDone'],
          exit: 'tellRepoUndone',
          on: {
            verification_stale: { guard: 'isUnmerged', target: verifying },
            start_over: { target: 'planning', actions: ['beginAnew', 'archiveAgain'] },
            reimplement: { target: implementing, actions: 'beginAnew' },
            request_review: reviewing,
            ...cancel,
          },
        },
        cancelled: {
          description: 'the plan is no longer wanted',
          tags: ['status:cancelled'],
          entry: ['raiseMoved', 'endAll'],
          initial: 'ending',
          states: {
            ending: {
              description: 'its agents are being ended',
              meta: { holds: ['reopen'] },
              always: { guard: 'nobodyLives', target: 'ended' },
            },
            ended: {
              description: 'nothing of it lives; the branch is kept',
              on: {
                reopen: [{ guard: 'hasPlanner', target: `${lifecycle}.planning` }, { target: `${lifecycle}.ready` }],
              },
            },
          },
        },
      },
    },
    attention: {
      description: 'does the plan need a person?',
      initial: 'clear',
      states: {
        clear: { description: 'no' },
        blocked: {
          description: 'yes: agents and files are held until a person answers',
          meta: { holds: ['agent', 'file'] },
          on: {
            resolve: { target: 'clear', actions: ['tellAnswer', 'clearBlock'] },
            moved: { guard: 'movedByPerson', target: 'clear', actions: 'clearBlock' },
          },
        },
        override: {
          description: 'the status was set by hand; nothing is held',
          on: {
            resolve: { target: 'clear', actions: 'clearBlock' },
            moved: { guard: 'movedOn', target: 'clear', actions: 'clearBlock' },
          },
        },
      },
      on: {
        block: [
          { guard: 'isOverride', target: '.override', actions: 'noteBlock' },
          { target: '.blocked', actions: 'noteBlock' },
        ],
        child_asked: { target: '.blocked', actions: 'noteBlock' },
        needs_decision: { target: '.blocked', actions: 'noteBlock' },
      },
    },
    gate: {
      description: 'may its agents start?',
      initial: 'open',
      states: {
        open: {
          description: 'yes',
          on: {
            pause: [
              { guard: 'waits', target: 'paused' },
              { target: 'paused', actions: 'tellRest' },
            ],
          },
        },
        paused: { description: 'no: a person paused it', on: { resume: 'open' } },
      },
    },
    pullRequest: {
      description: 'its pull request',
      initial: 'none',
      on: {
        pr_opened: { target: '.open', actions: 'setUrl' },
        pr_creating: '.creating',
        pr_failed: '.failed',
      },
      states: {
        none: { description: 'there is none' },
        creating: { description: 'it is being made' },
        open: { description: 'it is open', on: { pr_merged: 'merged', pr_closed: 'closed' } },
        merged: { description: 'it is merged' },
        closed: { description: 'it was closed without a merge' },
        failed: { description: 'it could not be made' },
      },
    },
  },
});
