/** What an agent knows, hears, says, asks and decides: the words that its chart is written in. */
import { assign, sendParent, setup } from 'xstate';
import type { Reason } from './effect.ts';
import type { AgentInput, AgentOrder, AgentOutput, Asked, Delivered } from './family.ts';
import { wishId } from './ids.ts';
import { isWorker } from './policy.ts';
import type { SignalEvent } from './signal.ts';

/** What is to follow when the run that is being stopped has ended. */
export type Ending = 'finish' | 'cancel' | 'kill' | 'rest' | 'restart' | 'decision' | 'timeout' | 'idle';

export interface AgentContext extends AgentInput {
  /** Numbers this actor's wishes: runs and timers. */
  count: number;
  /** Runs that ended without success and spent an attempt, in this generation. */
  failures: number;
  /** Runs asked for and really begun. */
  runs: number;
  run: string | null;
  timer: string | null;
  /** When `timer` is due. */
  dueAt: number;
  /** Milliseconds left of the deadline of a run that is frozen. */
  remainingMs: number;
  base: string | null;
  ending: Ending | null;
  /** How the last run ended, until it is judged. */
  ended: {
    at: number;
    code: number | null;
    cause: 'exit' | 'stopped' | 'withdrawn' | 'start-failed' | 'rate-limited' | 'lost';
    until: number | null;
  } | null;
  question: string | null;
  answer: string | null;
  previous: { run: string; reason: Reason; detail: string } | null;
  reason: Reason | null;
  detail: string;
  outcome: AgentOutput['outcome'];
  at: number;
}

export type AgentEvent =
  | SignalEvent<
      | 'run_starting'
      | 'run_started'
      | 'run_waiting'
      | 'run_going'
      | 'run_idle'
      | 'run_exited'
      | 'run_lost'
      | 'timer_due'
      | 'needs_decision'
      | 'agent_kill'
      | 'agent_restart'
      | 'agent_pause'
      | 'agent_resume'
    >
  | AgentOrder;

/** An agent that was told to finish or that asked gets this long to exit by itself. */
export const graceMs = 30_000;
const backOffFirstMs = 1_000;
const backOffCapMs = 300_000;
/** The longest piece of a run's output that is carried along as its reason. */
const detailLimit = 8_192;

/** 1 s, doubling with each failure, to 5 min. Without jitter here, since a machine has no chance; lanes spread the starts. */
function backOffMs(failures: number): number {
  return Math.min(backOffCapMs, backOffFirstMs * 2 ** Math.max(0, failures - 1));
}

function timeOf(context: AgentContext, event: AgentEvent): number {
  return 'at' in event ? event.at : context.at;
}

function nextTimer(context: AgentContext, dueAt: number) {
  const count = context.count + 1;
  return { count, timer: wishId(context.path, count), dueAt };
}

/** The reason of a run that ended badly, from how it was ended and how it ended. */
function reasonOf({ ending, ended }: AgentContext): Reason {
  if (ending === 'timeout' || ending === 'idle') return ending;
  if (ended?.cause === 'lost' || ended?.cause === 'start-failed')
    return ended.cause === 'lost' ? 'lost' : 'start-failed';
  return 'exit-code';
}

const words = setup({
  types: {
    context: {} as AgentContext,
    events: {} as AgentEvent,
    input: {} as AgentInput & { at: number },
    output: {} as AgentOutput,
  },
  actions: {
    askRun: () => {},
    stopRun: (_, _params: { afterMs: number }) => {},
    askTimer: () => {},
    askKeep: () => {},
    freezeRun: () => {},
    thawRun: () => {},
    nextRun: assign(({ context, event }) => {
      const count = context.count + 1;
      return {
        count,
        run: wishId(context.path, count),
        timer: null,
        ending: null,
        ended: null,
        base: null,
        at: timeOf(context, event),
      };
    }),
    noteStart: assign(({ context, event }) => ({
      runs: context.runs + 1,
      base: event.type === 'run_started' ? event.base : null,
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
      remainingMs: Math.max(1, context.dueAt - timeOf(context, event)),
    })),
    noteEnding: assign((_, ending: Ending) => ({ ending, timer: null })),
    noteQuestion: assign(({ event }) => ({
      question: event.type === 'needs_decision' ? event.reason : '',
      answer: null,
    })),
    noteAnswer: assign(({ event }) => ({ answer: event.type === 'answered' ? event.answer : null })),
    noteEnd: assign(({ context, event }) => {
      if (event.type === 'run_lost') {
        return {
          ended: { at: event.at, code: null, cause: 'lost' as const, until: null },
          detail: event.detail.slice(-detailLimit),
          timer: null,
        };
      }
      if (event.type !== 'run_exited') return {};
      return {
        ended: { at: event.at, code: event.code, cause: event.cause, until: event.until ?? null },
        detail: event.detail.slice(-detailLimit),
        timer: null,
        at: context.at,
      };
    }),
    spendAttempt: assign(({ context }) => {
      const reason = reasonOf(context);
      return {
        failures: context.failures + 1,
        reason,
        previous: context.run === null ? context.previous : { run: context.run, reason, detail: context.detail },
        at: context.ended?.at ?? context.at,
      };
    }),
    spendRejected: assign(({ context, event }) => {
      if (event.type !== 'reject') return {};
      const detail = event.detail.slice(-detailLimit);
      return {
        failures: context.failures + 1,
        reason: event.reason,
        detail,
        previous: context.run === null ? context.previous : { run: context.run, reason: event.reason, detail },
        at: event.at,
      };
    }),
    noteKilled: assign({ reason: 'killed' as const }),
    nextWish: assign(({ context }) => ({ count: context.count + 1 })),
    noteOutcome: assign((_, outcome: AgentOutput['outcome']) => ({ outcome })),
    noteTime: assign(({ context, event }) => ({ at: timeOf(context, event) })),
    noteSuccess: assign({ reason: null }),
    reportAsked: sendParent(
      ({ context, event }): Asked => ({
        type: 'child_asked',
        at: event.at,
        id: context.path.slice(context.path.lastIndexOf('/') + 1),
        title: context.title,
        question: context.question ?? '',
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
    isNotCancelled: ({ context }) => context.ending !== 'cancel',
    leftWork: ({ context }) => isWorker(context.role) && context.base !== null,
    isRateLimited: ({ context }) => context.ended?.cause === 'rate-limited' && context.ending === null,
    endedWell: ({ context: { ended, ending, speaksByExit } }) =>
      ending === null && ended?.cause === 'exit' && (ended.code === 0 || (speaksByExit && ended.code === 1)),
    hasAttempts: ({ context }) => context.failures + 1 < context.attempts,
  },
});

/** A failed run's changes are kept as a ref; the next attempt starts clean. */
export const agentWords = words.extend({
  actions: {
    keepWork: words.enqueueActions(({ enqueue, check }) => {
      if (!check('leftWork')) return;
      enqueue('nextWish');
      enqueue('askKeep');
    }),
  },
});
