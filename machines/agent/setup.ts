/** The actions, conditions and requests of an agent, over one setup. The chart says when each is used. */
import { assertEvent, assign, sendParent, setup } from 'xstate';
import type { AgentInput, AgentOutput, Asked, Delivered, QuestionWithdrawn } from '../vocabulary/family.ts';
import { isWorker, requestId } from '../vocabulary/ids.ts';
import type { AgentTag } from '../vocabulary/public-state.ts';
import {
  type AgentContext,
  type AgentEvent,
  backOffCapMs,
  backOffMs,
  detailLimit,
  type Ending,
  endedItself,
  hasFinished,
  messageLimit,
  nextTimer,
  type PermissionQuestion,
  permissionLimit,
  reasonOf,
  remainingMs,
} from './context.ts';

/** What an agent begins with. */
export function newAgent({ input: { at, ...input } }: { input: AgentInput & { at: number } }): AgentContext {
  return {
    ...input,
    count: 0,
    failures: 0,
    runs: 0,
    run: null,
    timer: null,
    dueAt: 0,
    remainingMs: 0,
    base: null,
    ending: null,
    ended: null,
    question: null,
    answer: null,
    permissions: [],
    unread: [],
    start: 'begin',
    previous: input.previous ?? null,
    reason: null,
    detail: '',
    outcome: 'cancelled',
    at,
  };
}

/** What its parent gets of an agent that has ended. */
export function outputOf({
  context: { at, outcome, run, runs, reason, detail },
}: {
  context: AgentContext;
}): AgentOutput {
  return { at, outcome, run, runs, reason, detail };
}

/**
 * The question that an event is about. If a person names none, the only open one: among several it would be a guess. A deadline is that of the oldest.
 * null: it is not open.
 */
export function permissionOf({ permissions }: AgentContext, event: AgentEvent): PermissionQuestion | null {
  const [oldest = null] = permissions;
  switch (event.type) {
    case 'timer_due':
      return oldest;
    case 'run_going':
    case 'agent_allow':
    case 'agent_deny': {
      if (event.permission === undefined) return permissions.length === 1 ? oldest : null;
      return permissions.find(({ id }) => id === event.permission) ?? null;
    }
    default:
      return null;
  }
}

/** A host whose version does not number messages reports none: all waiting messages were in its prompt. */
function leftUnread({ unread }: AgentContext, event: AgentEvent): number[] {
  const given = event.type === 'run_started' ? event.words : undefined;
  return given === undefined ? [] : unread.filter((number) => !given.includes(number));
}

function timeOf(context: AgentContext, event: AgentEvent): number {
  return 'at' in event ? event.at : context.at;
}

const base = setup({
  types: {
    context: {} as AgentContext,
    events: {} as AgentEvent,
    input: {} as AgentInput & { at: number },
    output: {} as AgentOutput,
    tags: {} as AgentTag,
  },
  actions: {
    askRun: () => {},
    stopRun: (_, _params: { afterMs: number }) => {},
    askTimer: () => {},
    askKeep: () => {},
    freezeRun: () => {},
    thawRun: () => {},
    askAnswer: () => {},
    askTyping: () => {},
    nextRun: assign(({ context, event }) => {
      const count = context.count + 1;
      return {
        count,
        run: requestId(context.path, count),
        timer: null,
        ending: null,
        ended: null,
        base: null,
        permissions: [],
        ...(context.takesInput === undefined ? {} : { takesInput: false }),
        at: timeOf(context, event),
      };
    }),
    noteStart: assign(({ context, event }) => ({
      runs: context.runs + 1,
      base: event.type === 'run_started' ? event.base : null,
      unread: leftUnread(context, event),
      ...(event.type === 'run_started' && event.takes_input !== undefined ? { takesInput: event.takes_input } : {}),
    })),
    setDeadline: assign(({ context, event }) => nextTimer(context, timeOf(context, event) + context.timeoutMs)),
    resumeClock: assign(({ context, event }) => nextTimer(context, timeOf(context, event) + context.remainingMs)),
    setBackOff: assign(({ context, event }) =>
      nextTimer(context, timeOf(context, event) + backOffMs(context.failures)),
    ),
    setReset: assign(({ context, event }) =>
      nextTimer(context, context.ended?.until ?? timeOf(context, event) + backOffCapMs),
    ),
    stopClock: assign(({ context, event }) => ({
      timer: null,
      remainingMs: remainingMs(context, timeOf(context, event)),
    })),
    /** If a run asks before its start was reported, its clock has not run yet. */
    holdClock: assign(({ context }) => ({ timer: null, remainingMs: context.timeoutMs })),
    notePermission: assign(({ context, event }) => {
      assertEvent(event, 'run_waiting');
      const { permission: id, tool, detail, limit_ms: limitMs, at } = event;
      return { permissions: [...context.permissions, { id, tool, detail, askedAt: at, dueAt: at + limitMs }] };
    }),
    /** No person could answer while the agent was frozen, so each question gets its whole time again. */
    renewPermissions: assign(({ context, event }) => ({
      permissions: context.permissions.map((each) => ({
        ...each,
        dueAt: timeOf(context, event) + each.dueAt - each.askedAt,
      })),
    })),
    /** The oldest question has the earliest deadline. */
    awaitPermission: assign(({ context, event }) =>
      nextTimer(context, context.permissions[0]?.dueAt ?? timeOf(context, event)),
    ),
    closePermission: assign(({ context, event }) => {
      const closed = permissionOf(context, event);
      return { permissions: context.permissions.filter((each) => each !== closed) };
    }),
    noteEnding: assign((_, ending: Ending) => ({ ending, timer: null, permissions: [] })),
    noteQuestion: assign(({ event }) => {
      assertEvent(event, 'needs_decision');
      return { question: event.reason, answer: null };
    }),
    noteMessage: assign(({ context, event }) => {
      assertEvent(event, 'agent_send');
      return { unread: [...context.unread, event.word ?? 0] };
    }),
    /** A run that never began leaves no work and no conversation to continue. */
    noteContinue: assign(({ context }) => ({ start: context.base === null ? context.start : ('continue' as const) })),
    noteRestart: assign({ start: 'restart' as const }),
    noteAnswer: assign(({ event }) => {
      assertEvent(event, 'answered');
      return { answer: event.answer };
    }),
    noteEnd: assign(({ context, event }) => {
      assertEvent(event, ['run_exited', 'run_lost', 'effect_failed']);
      const unread = [...context.unread, ...(event.returned ?? [])];
      const closed = { detail: event.detail.slice(-detailLimit), timer: null, permissions: [], unread };
      if (event.type === 'run_exited') {
        const { at, code, cause, until = null } = event;
        return { ...closed, ended: { at, code, cause, until } };
      }
      const cause = event.type === 'run_lost' ? ('lost' as const) : ('start-failed' as const);
      return { ...closed, ended: { at: event.at, code: null, cause, until: null } };
    }),
    spendAttempt: assign(({ context }) => {
      const reason = reasonOf(context);
      return {
        failures: context.failures + 1,
        start: 'begin' as const,
        reason,
        previous: context.run === null ? context.previous : { run: context.run, reason, detail: context.detail },
        at: context.ended?.at ?? context.at,
      };
    }),
    spendRejected: assign(({ context, event }) => {
      assertEvent(event, 'reject');
      const detail = event.detail.slice(-detailLimit);
      return {
        failures: context.failures + 1,
        start: 'begin' as const,
        reason: event.reason,
        detail,
        previous: context.run === null ? context.previous : { run: context.run, reason: event.reason, detail },
        at: event.at,
      };
    }),
    noteKilled: assign({ reason: 'killed' as const }),
    nextId: assign(({ context }) => ({ count: context.count + 1 })),
    noteOutcome: assign((_, outcome: AgentOutput['outcome']) => ({ outcome })),
    noteTime: assign(({ context, event }) => ({ at: timeOf(context, event) })),
    /** Another sender reported the work as finished: the agent's open questions no longer matter. */
    stopWaiting: assign(({ context, event }) => ({
      timer: null,
      question: context.answer === null ? null : context.question,
      at: timeOf(context, event),
    })),
    noteSuccess: assign({ reason: null }),
    reportAsked: sendParent(
      ({ context, event }): Asked => ({
        type: 'child_asked',
        at: event.at,
        id: context.path.slice(context.path.lastIndexOf('/') + 1),
        title: context.title,
        run: context.run ?? '',
        question: context.question ?? '',
      }),
    ),
    reportWithdrawn: sendParent(
      ({ context, event }): QuestionWithdrawn => ({
        type: 'question_withdrawn',
        at: timeOf(context, event),
        id: context.path.slice(context.path.lastIndexOf('/') + 1),
        run: context.run ?? '',
      }),
    ),
    reportDelivered: sendParent(
      ({ context }): Delivered => ({
        type: 'agent_delivered',
        at: context.ended?.at ?? context.at,
        id: context.path.slice(context.path.lastIndexOf('/') + 1),
        run: context.run ?? '',
        code: context.ended?.code ?? null,
        detail: context.detail,
        base: context.base,
      }),
    ),
  },
  guards: {
    isEnding: ({ context }, ending: Ending) => context.ending === ending,
    isAnswered: ({ context }) => context.ending === 'decision' && context.answer !== null,
    /** It asked a person, and has not received the answer yet. */
    awaitsAnswer: ({ context }) => context.ending === 'decision' && context.answer === null,
    isNotCancelled: ({ context }) => context.ending !== 'cancel',
    /** An agent that asked, must finish or is no longer wanted begins no new attempt. */
    mayRestart: ({ context: { ending } }) => ending !== 'cancel' && ending !== 'finish' && ending !== 'decision',
    /** A report that the work is finished stays valid after every stop, except those that say that the work is not wanted. */
    mayFinish: ({ context: { ending } }) => ending !== 'cancel' && ending !== 'kill',
    /** Stopped from outside without a signal to the tree: it is no fault of the agent. */
    wasStopped: ({ context: { ended, ending } }) =>
      ending === null && (ended?.cause === 'stopped' || ended?.cause === 'withdrawn'),
    leftWork: ({ context }) => isWorker(context.role) && context.base !== null,
    /** Two questions with the same id could not be told apart. */
    hasRoomForQuestion: ({ context: { permissions }, event }) =>
      permissions.length < permissionLimit &&
      (event.type !== 'run_waiting' || permissions.every(({ id }) => id !== event.permission)),
    hasQuestions: ({ context }) => context.permissions.length > 0,
    isOpenQuestion: ({ context, event }) => permissionOf(context, event) !== null,
    isLastQuestion: ({ context, event }) =>
      context.permissions.length === 1 && permissionOf(context, event) === context.permissions[0],
    takesInput: ({ context }) => context.takesInput === true || context.takesInput === 'messages',
    /** A terminal takes anything; a message has a text. */
    takesTyped: ({ context, event }) =>
      context.takesInput === true || (event.type === 'agent_type' && (event.text ?? '').trim() !== ''),
    /** A line that was typed into a terminal is not stored. */
    hasRoomForLine: ({ context, event }) =>
      context.takesInput === true || event.type !== 'agent_type' || event.word !== null,
    hasRoomForMessage: ({ context }) => context.unread.length < messageLimit,
    takesMessage: ({ context: { ending, unread } }) =>
      ending !== 'cancel' && ending !== 'kill' && unread.length < messageLimit,
    /** An agent's work is checked only after it has read all messages. An agent that reports by signal has already reported, and may end. */
    hasUnread: ({ context: { ending, ended, unread, role } }) =>
      unread.length > 0 &&
      ((ending === 'finish' && isWorker(role)) || (endedItself({ ended, ending }) && ended?.code === 0)),
    isRateLimited: ({ context }) => context.ended?.cause === 'rate-limited' && context.ending === null,
    endedWell: ({ context }) => hasFinished(context),
    /** Stopped to be started again. What it had finished before the stop reached it is not done twice. */
    isInterrupted: ({ context }) => context.ending === 'requeue' && !hasFinished(context),
    /** A missing program or setting will still be missing in a minute. */
    hasAttempts: ({ context: { ended, failures, attempts } }) => ended?.cause !== 'unusable' && failures + 1 < attempts,
  },
});

export const agentSetup = base.extend({
  actions: {
    /** It ends or goes on without an answer, so its question is withdrawn. */
    withdrawQuestion: base.enqueueActions(({ enqueue, check }) => {
      if (check('awaitsAnswer')) enqueue('reportWithdrawn');
    }),
    /** Tells the program a person's answer, or that the time is up. The program continues with the permission or without it. */
    answerPermission: base.enqueueActions(({ enqueue }) => {
      enqueue('nextId');
      enqueue('askAnswer');
      enqueue('closePermission');
    }),
    keepWork: base.enqueueActions(({ enqueue, check }) => {
      if (!check('leftWork')) return;
      enqueue('nextId');
      enqueue('askKeep');
    }),
  },
});
