/**
 * The one machine for every role: a run is requested, starts, works, and ends; attempts, time limits and liveness live here once. `delivered` (the run ended
 * well) waits for its parent's verdict, so a dead agent is never a success.
 */
import { and } from 'xstate';
import { type Ending, graceMs } from './context.ts';
import { agentSetup, newAgent, outputOf } from './setup.ts';

const stopNow = { type: 'stopRun', params: { afterMs: 0 } } as const;
const stopSoon = { type: 'stopRun', params: { afterMs: graceMs } } as const;
function ending(params: Ending) {
  return { type: 'noteEnding', params } as const;
}

const stopping = '#agent.stopping';
/** Orders that stop a run in any state; `stopping` then waits for its last process. */
const stops = {
  end: { target: stopping, actions: [ending('cancel'), stopNow] },
  requeue: { target: stopping, actions: [ending('requeue'), stopNow] },
  agent_kill: { target: stopping, actions: [ending('kill'), stopNow] },
  agent_restart: { target: stopping, actions: [ending('restart'), stopNow] },
} as const;
const ends = {
  run_exited: { target: '#agent.judging', actions: 'noteEnd' },
  run_lost: { target: '#agent.judging', actions: 'noteEnd' },
  effect_failed: { target: '#agent.judging', actions: 'noteEnd' },
} as const;
/** Signals of a process on which no state of this chart depends. */
const silent = { run_idle: { description: 'it changes nothing now' } } as const;
/** A question that comes before or after the states that can wait for a person. The next state takes it up. */
const asks = { run_waiting: { guard: 'hasRoomForQuestion', actions: 'notePermission' } } as const;
const withdraws = {
  run_going: [{ guard: 'isOpenQuestion', actions: 'closePermission' }, { description: 'it is not open any more' }],
} as const;
/** The run's own deadline is paused while it waits for a person, who has a deadline of another kind. */
const awaits = ['awaitPermission', 'askTimer'] as const;
const goesOn = ['resumeClock', 'askTimer'] as const;
const answers = [
  { guard: 'isLastQuestion', target: '#agent.running', actions: ['answerPermission', ...goesOn] },
  { guard: 'isOpenQuestion', actions: ['answerPermission', ...awaits] },
] as const;
const unasked = { answered: { description: 'no question of this agent is open' } } as const;
const send = { agent_send: { guard: 'hasRoomForMessage', actions: 'noteMessage' } } as const;
/** Typed text is accepted in each of these states: a terminal receives the line at once, and a program that takes messages reads it with its next step. */
const types = {
  agent_type: { guard: and(['takesInput', 'takesTyped', 'hasRoomForLine']), actions: ['nextId', 'askTyping'] },
} as const;
/** What a running process may do, and which events it takes. */
const live = {
  ...send,
  finish: { target: stopping, actions: [ending('finish'), stopSoon] },
  needs_decision: { target: stopping, actions: ['noteQuestion', ending('decision'), stopSoon, 'reportAsked'] },
  ...stops,
  ...ends,
  ...unasked,
} as const;
/** The orders to an agent that has no run and waits for the next. */
const idle = {
  ...send,
  end: { target: '#agent.cancelled', actions: 'noteTime' },
  requeue: { description: 'nothing runs' },
  finish: { target: '#agent.delivered', actions: 'stopWaiting' },
  agent_kill: { target: '#agent.failed', actions: ['noteKilled', 'noteTime'] },
} as const;
const again = { agent_restart: { target: '#agent.queued', actions: 'noteRestart' } } as const;

const made = agentSetup.createMachine({
  id: 'agent',
  version: '1',
  description: 'one agent, over all its attempts',
  context: newAgent,
  output: outputOf,
  initial: 'queued',
  states: {
    queued: {
      description: 'a run is asked for and waits for a slot',
      tags: ['run:queued', 'not_begun'],
      entry: ['nextRun', 'askRun'],
      on: {
        run_starting: 'starting',
        // A pause withdraws the request too, although its slot may have been granted just now.
        ...stops,
        finish: { target: stopping, actions: [ending('finish'), stopNow] },
        // A message is still accepted: the prompt is written only when the run has its slot.
        ...send,
        ...ends,
        ...unasked,
      },
    },
    starting: {
      description: 'a slot is taken; the worktree is made ready and the process starts',
      tags: ['run:starting'],
      on: {
        run_started: [
          {
            guard: 'hasQuestions',
            target: 'waiting.permission',
            actions: ['noteStart', 'holdClock', ...awaits],
          },
          { target: 'running', actions: ['noteStart', 'setDeadline', 'askTimer'] },
        ],
        ...silent,
        ...asks,
        ...withdraws,
        ...live,
      },
    },
    running: {
      description: 'the process works',
      tags: ['run:running', 'at-work'],
      on: {
        timer_due: { target: stopping, actions: [ending('timeout'), stopNow] },
        ...withdraws,
        run_idle: { target: stopping, actions: [ending('idle'), stopNow] },
        run_waiting: { target: 'waiting.permission', actions: ['stopClock', 'notePermission', ...awaits] },
        agent_pause: { target: 'paused', actions: ['stopClock', 'nextId', 'freezeRun'] },
        ...types,
        ...live,
      },
    },
    waiting: {
      description: 'somebody or something else must move first',
      initial: 'permission',
      states: {
        permission: {
          description: 'the process asks for a permission; the time of this wait does not count',
          tags: ['run:waiting', 'waits:permission'],
          on: {
            ...silent,
            ...asks,
            run_going: [
              { guard: 'isLastQuestion', target: '#agent.running', actions: ['closePermission', ...goesOn] },
              { guard: 'isOpenQuestion', actions: ['closePermission', ...awaits] },
              { description: 'it is not open any more' },
            ],
            agent_allow: answers,
            agent_deny: answers,
            timer_due: [
              { guard: 'isLastQuestion', target: '#agent.running', actions: ['answerPermission', ...goesOn] },
              { guard: 'hasQuestions', actions: ['answerPermission', ...awaits] },
              // A version without questions stored it so.
              { target: stopping, actions: [ending('timeout'), stopNow] },
            ],
            ...live,
          },
        },
        rateLimit: {
          description: 'the service is rate limited until its reset; no slot is held',
          tags: ['run:waiting', 'waits:rate-limited', 'run-over', 'not_begun'],
          entry: ['setReset', 'askTimer'],
          on: { timer_due: '#agent.queued', ...idle, ...again, ...unasked },
        },
        decision: {
          description: 'the agent asked a person; it starts again with the answer',
          tags: ['run:waiting', 'waits:needs_decision', 'run-over'],
          on: {
            ...idle,
            answered: { target: '#agent.queued', actions: 'noteAnswer' },
            end: { target: '#agent.cancelled', actions: ['withdrawQuestion', 'noteTime'] },
            finish: { target: '#agent.delivered', actions: ['withdrawQuestion', 'stopWaiting'] },
            agent_kill: { target: '#agent.failed', actions: ['withdrawQuestion', 'noteKilled', 'noteTime'] },
          },
        },
      },
    },
    paused: {
      description: 'the processes are frozen; the slot is kept',
      tags: ['run:paused'],
      on: {
        agent_resume: [
          {
            guard: 'hasQuestions',
            target: 'waiting.permission',
            actions: ['nextId', 'thawRun', 'renewPermissions', ...awaits],
          },
          { target: 'running', actions: ['resumeClock', 'askTimer', 'nextId', 'thawRun'] },
        ],
        ...silent,
        ...asks,
        ...withdraws,
        ...live,
      },
    },
    stopping: {
      description: 'the run is being ended; its last process is awaited',
      tags: ['run:stopping'],
      on: {
        run_starting: { description: 'the slot was taken before the stop' },
        run_started: { actions: 'noteStart' },
        end: { actions: ['withdrawQuestion', ending('cancel'), stopNow] },
        agent_kill: { guard: 'isNotCancelled', actions: ['withdrawQuestion', ending('kill'), stopNow] },
        agent_restart: { guard: 'mayRestart', actions: [ending('restart'), stopNow] },
        agent_send: { guard: 'takesMessage', actions: 'noteMessage' },
        requeue: { description: 'it is being stopped' },
        finish: [
          { guard: 'mayFinish', actions: ['withdrawQuestion', ending('finish')] },
          { description: 'it is not wanted' },
        ],
        answered: [
          { guard: { type: 'isEnding', params: 'decision' }, actions: 'noteAnswer' },
          { description: 'no question of this agent is open' },
        ],
        ...silent,
        ...withdraws,
        ...ends,
      },
    },
    judging: {
      description: 'the run has ended: what counts, what follows',
      tags: ['run:running', 'run-over'],
      always: [
        { guard: { type: 'isEnding', params: 'cancel' }, target: 'cancelled', actions: ['noteTime', 'keepWork'] },
        {
          guard: { type: 'isEnding', params: 'kill' },
          target: 'failed',
          actions: ['noteKilled', 'noteTime', 'keepWork'],
        },
        { guard: 'isInterrupted', target: 'queued', actions: ['keepWork', 'noteContinue'] },
        { guard: { type: 'isEnding', params: 'restart' }, target: 'queued', actions: ['keepWork', 'noteRestart'] },
        { guard: 'isAnswered', target: 'queued', actions: ['keepWork', 'noteContinue'] },
        {
          guard: { type: 'isEnding', params: 'decision' },
          target: 'waiting.decision',
          actions: ['keepWork', 'noteContinue'],
        },
        { guard: 'hasUnread', target: 'queued', actions: ['keepWork', 'noteContinue'] },
        { guard: { type: 'isEnding', params: 'finish' }, target: 'delivered' },
        { guard: 'wasStopped', target: 'queued', actions: ['keepWork', 'noteContinue'] },
        { guard: 'isRateLimited', target: 'waiting.rateLimit', actions: ['keepWork', 'noteContinue'] },
        { guard: 'endedWell', target: 'delivered' },
        { guard: 'hasAttempts', target: 'backingOff', actions: ['keepWork', 'spendAttempt'] },
        { target: 'failed', actions: ['keepWork', 'spendAttempt'] },
      ],
    },
    delivered: {
      description: 'the run ended well; the parent looks at what it left',
      tags: ['run:running'],
      entry: 'reportDelivered',
      on: {
        accept: { target: 'succeeded', actions: 'noteTime' },
        finish: { target: 'succeeded', actions: 'noteTime' },
        reject: [
          { guard: 'hasAttempts', target: 'backingOff', actions: ['keepWork', 'spendRejected'] },
          { target: 'failed', actions: ['keepWork', 'spendRejected'] },
        ],
        end: { target: 'cancelled', actions: 'noteTime' },
        requeue: { description: 'nothing runs' },
        ...unasked,
      },
    },
    backingOff: {
      description: 'the attempt failed; the next one waits',
      tags: ['run:backing_off', 'run-over', 'not_begun'],
      entry: ['setBackOff', 'askTimer'],
      on: { timer_due: 'queued', ...idle, ...again, ...unasked },
    },
    succeeded: {
      type: 'final',
      description: 'the work counts',
      tags: ['run:succeeded', 'run-over'],
      entry: ['noteSuccess', { type: 'noteOutcome', params: 'succeeded' }],
    },
    failed: {
      type: 'final',
      description: 'no attempt is left, or a person ended it',
      tags: ['run:failed', 'run-over'],
      entry: { type: 'noteOutcome', params: 'failed' },
    },
    cancelled: {
      type: 'final',
      description: 'the work is no longer wanted',
      tags: ['run:cancelled', 'run-over'],
      entry: { type: 'noteOutcome', params: 'cancelled' },
    },
  },
});

/** A named interface, so that declarations of types that contain it stay short. */
export interface AgentMachine extends Made {}
type Made = typeof made;

/** The chart of an agent, whatever its role: its runs, attempts, time limits and questions. An XState machine without effects. */
export const agentMachine: AgentMachine = made;
