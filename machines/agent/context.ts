/** What an agent remembers over its attempts, which messages it gets, and the arithmetic of its deadlines. Pure functions over JSON. */
import type { Reason, RunStart } from '../vocabulary/effect.ts';
import type { AgentInput, AgentOrder, AgentOutput, Previous } from '../vocabulary/family.ts';
import { requestId } from '../vocabulary/ids.ts';
import type { SignalEvent } from '../vocabulary/signal.ts';

/** What follows when the run that is being stopped has ended. */
export type Ending = 'finish' | 'cancel' | 'kill' | 'requeue' | 'restart' | 'decision' | 'timeout' | 'idle';

/** A program's request for permission. `id` comes from the program, and is unique in its run. */
export interface PermissionQuestion {
  readonly id: string;
  readonly tool: string;
  /** What the program would do, cut to the limit. */
  readonly detail: string;
  readonly askedAt: number;
  /** The question counts as denied from then on. */
  readonly dueAt: number;
}

export interface AgentContext extends AgentInput {
  /** Numbers the requests of this actor: runs and timers. */
  count: number;
  /** Runs that ended without success and spent an attempt, in this generation. */
  failures: number;
  /** How many requested runs have really begun. */
  runs: number;
  run: string | null;
  timer: string | null;
  dueAt: number;
  /** Milliseconds that were left of the deadline when the run was frozen. */
  remainingMs: number;
  base: string | null;
  ending: Ending | null;
  /** How the last run ended, until it is judged. */
  ended: {
    at: number;
    code: number | null;
    cause: 'exit' | 'stopped' | 'withdrawn' | 'start-failed' | 'unusable' | 'rate-limited' | 'resource-limit' | 'lost';
    until: number | null;
  } | null;
  /** What a person may type to the run: keys and lines into its terminal (`true`), or messages. Absent or false: nothing. */
  takesInput?: boolean | 'messages';
  question: string | null;
  answer: string | null;
  /** The permission questions without an answer, oldest first. */
  permissions: readonly PermissionQuestion[];
  /** The numbers of the messages that no run has received yet. The plan's root stores their texts. */
  unread: number[];
  /** How the next run begins: with or without the work and the conversation of earlier runs. */
  start: RunStart;
  previous: Previous | null;
  reason: Reason | null;
  detail: string;
  outcome: AgentOutput['outcome'];
  at: number;
}

/** `word`: the number under which the plan's root stores it; null: it does not store it. */
export type MessageSignal = SignalEvent<'agent_send' | 'agent_type'> & { readonly word?: number | null };
/** `returned`: the messages that this run was given and has not read, as the plan's root knows them. */
export type RunEnd = SignalEvent<'run_exited' | 'run_lost' | 'effect_failed'> & {
  readonly returned?: readonly number[];
};

export type AgentEvent =
  | SignalEvent<
      | 'run_starting'
      | 'run_started'
      | 'run_waiting'
      | 'run_going'
      | 'run_idle'
      | 'timer_due'
      | 'needs_decision'
      | 'agent_kill'
      | 'agent_restart'
      | 'agent_pause'
      | 'agent_resume'
      | 'agent_allow'
      | 'agent_deny'
    >
  | MessageSignal
  | RunEnd
  | AgentOrder;

/** An agent that was told to finish or that asked gets this long to exit by itself. */
export const graceMs = 30_000;
const backOffFirstMs = 1_000;
export const backOffCapMs = 300_000;
/** The most messages that wait for one agent; each may be as long as a signal's body. */
export const messageLimit = 10;
/** The most questions that wait for a person at a time. */
export const permissionLimit = 16;
/** The longest part of a run's output that is stored as its reason. */
export const detailLimit = 8_192;

/** 1 s, doubled after each failure, up to 5 min. A machine must not use random numbers, so the jitter is added by the dispatcher. */
export function backOffMs(failures: number): number {
  return Math.min(backOffCapMs, backOffFirstMs * 2 ** Math.max(0, failures - 1));
}

/** The remaining time until a deadline. If the clock shows a time outside of the period, it was changed, and the whole period is given again. */
export function remainingMs({ dueAt, timeoutMs }: Pick<AgentContext, 'dueAt' | 'timeoutMs'>, at: number): number {
  const leftMs = dueAt - at;
  return leftMs > 0 && leftMs <= timeoutMs ? leftMs : Math.max(1, timeoutMs);
}

export function nextTimer(context: AgentContext, dueAt: number) {
  const count = context.count + 1;
  return { count, timer: requestId(context.path, count), dueAt };
}

/** Whether the run came to its end by itself: no one asked it to end, or its time ran out, or its plan was paused, only after it had exited. */
export function endedItself({ ending, ended }: Pick<AgentContext, 'ending' | 'ended'>): boolean {
  const isLate = ending === 'timeout' || ending === 'idle' || ending === 'requeue';
  return ended?.cause === 'exit' && (ending === null || isLate);
}

/** Whether it ended by itself, and its exit code says that it is finished. */
export function hasFinished({
  ending,
  ended,
  speaksByExit,
}: Pick<AgentContext, 'ending' | 'ended' | 'speaksByExit'>): boolean {
  return endedItself({ ending, ended }) && (ended?.code === 0 || (speaksByExit && ended?.code === 1));
}

/** The reason of a run that ended badly, from how it was ended and how it ended. */
export function reasonOf({ ending, ended }: AgentContext): Reason {
  if (ended?.cause === 'resource-limit') return 'resource-limit';
  if (endedItself({ ending, ended })) return 'exit-code';
  if (ending === 'timeout' || ending === 'idle') return ending;
  if (ended?.cause === 'lost') return 'lost';
  if (ended?.cause === 'start-failed' || ended?.cause === 'unusable') return 'start-failed';
  return 'exit-code';
}
