/** The part of a plan's chart in which the work is done: the right to do it, one coder or waves of tasks, and fix rounds. */
import { and } from 'xstate';
import { plan } from './actions.ts';

const reviewing = '#plan.lifecycle.underway.reviewing';
/** A person takes the work as it is, whether or not an agent judged it. */
export const accepted = { guard: 'accepts', target: '#plan.lifecycle.done', actions: 'noteAccepted' } as const;

/** A coordinator that ended without its verdict; its attempts decide whether there is a next one. */
export const noVerdict = { agent_delivered: { guard: 'isActiveChild', actions: 'sendNoVerdict' } } as const;
/** The active child has failed for good. */
export const gaveUp = {
  'xstate.done.actor.*': { guard: 'isActiveChild', target: 'stuck', actions: ['noteFailure', 'forget'] },
} as const;
/** No agent runs, so only finished tasks are fixed. */
const editable = {
  plan_updated: { guard: { type: 'editFits', params: 'open' }, actions: 'setDocument' },
} as const;
/** Every task has begun: the text around the tasks may change, the tasks may not. */
export const fixedTasks = {
  plan_updated: { guard: { type: 'editFits', params: 'over' }, actions: 'setDocument' },
} as const;
/** As `editable`, in states where the document also says what the plan waits for. */
const editableRequest = {
  plan_updated: { guard: { type: 'editFits', params: 'open' }, actions: ['setDocument', 'requestGrant'] },
} as const;

/** A worker on the plan's own branch: its task is done, or has failed. */
const workerEnds = {
  'xstate.done.actor.*': [
    { guard: 'activeChildSucceeded', actions: ['recordWork', 'forget', 'raiseFinished'] },
    { guard: 'isActiveChild', target: 'stuck', actions: ['noteFailure', 'forget'] },
  ],
} as const;
/** The worker or a person reports that the work is finished: the run ends first, then its task reports it. */
const workerFinished = {
  implement_finished: [
    { guard: 'isEngine', target: reviewing },
    { guard: 'hasActiveChild', actions: ['sendFinish', 'raiseMoved'] },
    { target: reviewing },
  ],
} as const;
const toReview = { implement_finished: reviewing } as const;
const notByAgent = { implement_finished: { guard: 'isNoAgent', target: reviewing } } as const;

const preparing = plan.createStateConfig({
  description: 'its branch is brought to its base as it is now, with the plans that it waited for',
  initial: 'making',
  on: notByAgent,
  states: {
    stuck: {
      description: 'they do not go together; a person must correct that',
      entry: 'raiseBlock',
      on: {
        resolve: [
          {
            guard: 'leavesBase',
            target: '#plan.lifecycle.underway.implementing.choosing',
            actions: ['leaveBase', 'raiseMoved'],
          },
          {
            target: '#plan.lifecycle.underway.implementing.requesting',
            actions: ['noteAdvice', 'forgetMend'],
          },
        ],
        ...editable,
      },
    },
    making: {
      description: 'git makes the base',
      entry: ['nextWork', 'askBase'],
      exit: 'dropWork',
      on: {
        branch_based: {
          guard: 'isWork',
          target: '#plan.lifecycle.underway.implementing.choosing',
          actions: 'noteBase',
        },
        base_conflicted: [
          { guard: and(['isWork', 'mendsBase']), target: 'mending', actions: 'noteMend' },
          { guard: 'isWork', target: 'stuck', actions: 'noteBaseConflict' },
        ],
        base_unmet: {
          guard: 'isWork',
          target: '#plan.lifecycle.underway.implementing.requesting',
          actions: 'releaseGrant',
        },
        effect_failed: { guard: 'isWork', target: 'stuck', actions: 'noteBaseFailure' },
        ...editable,
      },
    },
    mending: {
      description: 'a fixer makes its work and its base go together',
      tags: ['works:fixer'],
      entry: 'startMender',
      exit: 'releaseChild',
      on: {
        'xstate.done.actor.*': [
          { guard: 'activeChildSucceeded', target: 'making', actions: ['recordWork', 'forget'] },
          { guard: 'isActiveChild', target: 'stuck', actions: ['noteFailure', 'forget'] },
        ],
        implement_finished: { guard: 'hasActiveChild', actions: ['sendFinish', 'raiseMoved'] },
        ...editable,
      },
    },
  },
});

const architecting = plan.createStateConfig({
  description: 'an architect works out the document',
  tags: ['phase:architecting'],
  initial: 'working',
  on: {
    elaborator_finished: {
      guard: 'isParsed',
      target: 'wave',
      actions: ['setElaborated', 'startWave', 'raiseMoved'],
    },
    ...notByAgent,
    ...editable,
  },
  states: {
    stuck: {
      description: 'no architect runs; a person must say what follows',
      entry: 'raiseBlock',
      on: { resolve: { target: 'working', actions: 'noteAdvice' } },
    },
    working: {
      description: 'the architect works',
      tags: ['works:architect'],
      entry: 'startArchitect',
      exit: 'releaseChild',
      on: { ...noVerdict, ...gaveUp },
    },
  },
});

const single = plan.createStateConfig({
  description: 'one coder does the whole plan',
  tags: ['phase:single_agent_implementing'],
  initial: 'working',
  states: {
    stuck: {
      description: 'no coder runs; a person must say what follows',
      entry: 'raiseBlock',
      on: { resolve: { guard: 'isBack', target: 'working', actions: 'noteAdvice' }, ...toReview, ...editable },
    },
    working: {
      description: 'the coder has the work',
      tags: ['works:coder'],
      entry: 'startCoder',
      exit: 'releaseChild',
      on: { ...workerEnds, ...workerFinished, ...fixedTasks },
    },
  },
});

const wave = plan.createStateConfig({
  description: 'waves of tasks',
  initial: 'running',
  exit: 'releaseChild',
  meta: { suppresses: ['implement_finished'] },
  on: { implement_finished: { guard: 'isEngine', target: reviewing } },
  states: {
    running: {
      description: 'the tasks of a wave run',
      tags: ['phase:wave_running'],
      on: {
        'xstate.done.actor.*': [
          {
            guard: and(['activeChildSucceeded', 'hasNextWave', 'advancesWaves', 'isAged']),
            target: '#plan.lifecycle.underway.implementing.preparing',
            actions: 'forget',
          },
          { guard: and(['activeChildSucceeded', 'hasNextWave', 'advancesWaves']), actions: ['forget', 'startWave'] },
          { guard: and(['activeChildSucceeded', 'hasNextWave']), target: 'waiting', actions: 'forget' },
          { guard: 'activeChildSucceeded', actions: ['forget', 'raiseFinished'] },
          { guard: 'isActiveChild', target: 'waiting', actions: 'forget' },
        ],
        wave_failed: { guard: 'isActiveChild', target: 'waiting', actions: 'noteWaveFailed' },
        implement_wave: { guard: 'noWaveRuns' },
        retry_wave: { guard: 'noWaveRuns' },
        advance_wave: { guard: 'noWaveRuns' },
        plan_updated: { guard: { type: 'editFits', params: 'running' }, actions: ['extendWave', 'setDocument'] },
      },
    },
    waiting: {
      description: 'a wave is over; a person says what follows',
      tags: ['phase:wave_waiting'],
      on: {
        retry_wave: { guard: 'hasFailedWave', target: 'running', actions: ['sendRetry', 'raiseMoved'] },
        advance_wave: [
          {
            guard: and(['hasWaveAfter', 'isAged']),
            target: '#plan.lifecycle.underway.implementing.preparing',
            actions: ['passWave', 'raiseMoved'],
          },
          {
            guard: 'hasWaveAfter',
            target: 'running',
            actions: ['releaseChild', 'passWave', 'startWave', 'raiseMoved'],
          },
          { actions: ['releaseChild', 'passWave', 'raiseFinished', 'raiseMoved'] },
        ],
        implement_wave: {
          guard: 'waveExists',
          target: 'running',
          actions: ['releaseChild', 'wantWave', 'startWave', 'raiseMoved'],
        },
        plan_updated: { guard: { type: 'editFits', params: 'open' }, actions: ['extendWave', 'setDocument'] },
      },
    },
  },
});

const fixing = plan.createStateConfig({
  description: 'what the review or the verification asked for is done',
  tags: ['phase:fixing'],
  initial: 'requesting',
  on: fixedTasks,
  states: {
    stuck: {
      description: 'no fixer runs; a person must say what follows',
      entry: 'raiseBlock',
      on: {
        // Without a fixer a person has fixed it, or wants it to stay as it is: the reviewer decides.
        resolve: [
          accepted,
          { guard: and(['isBack', 'hasFixer']), target: 'requesting', actions: 'noteAdvice' },
          { guard: 'isBack', target: reviewing, actions: 'noteAdvice' },
        ],
        ...toReview,
      },
    },
    requesting: {
      description: 'waits for the right to implement',
      entry: 'requestGrant',
      always: { guard: 'mayFix', target: 'working' },
      on: notByAgent,
    },
    working: {
      description: 'the fixer has the work',
      tags: ['works:fixer'],
      entry: 'startFixer',
      exit: 'releaseChild',
      on: { ...workerEnds, ...workerFinished },
    },
  },
});

export const implementing = plan.createStateConfig({
  description: 'the work is done',
  tags: ['status:implementing'],
  entry: ['raiseMoved', { type: 'stamp', params: 'implementing_at' }],
  initial: 'requesting',
  states: {
    stuck: {
      description: 'the status was set by hand; nothing runs',
      entry: 'raiseBlock',
      on: {
        resolve: { target: 'requesting', actions: ['noteAdvice', { type: 'stamp', params: 'implementing_at' }] },
        ...toReview,
        ...editable,
      },
    },
    requesting: {
      description: 'waits for the right to implement',
      tags: ['waits:turn'],
      entry: ['requestGrant', 'archiveAgain'],
      always: [
        { guard: 'mayBeginAfter', target: 'preparing' },
        { guard: 'mayBegin', target: 'choosing' },
      ],
      on: { resolve: { guard: 'archives', actions: 'archiveAgain' }, ...notByAgent, ...editableRequest },
    },
    choosing: {
      description: 'one coder, an architect first, or the next wave?',
      always: [
        { guard: 'isSmall', target: 'single' },
        { guard: 'hasArchitect', target: 'architecting' },
        { guard: 'hasNextWave', target: 'wave', actions: 'startWave' },
        { target: reviewing },
      ],
    },
    preparing,
    architecting,
    single,
    wave,
    fixing,
  },
});
