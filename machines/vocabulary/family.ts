/** The events between actors of one tree: orders go down, reports go up, ends are XState's own done events. */
import type { Reason } from './effect.ts';
import type { Role } from './ids.ts';

/** Orders of a parent to an agent. */
export type AgentOrder =
  | { type: 'accept'; at: number }
  | { type: 'reject'; at: number; reason: Reason; detail: string }
  | CommonOrder;

/** Down, to an agent, a task or a wave. */
export type CommonOrder =
  /** The work was reported finished: let the run end by itself for a while, then count it. `no_change`: why there was nothing to change, as `run` says. */
  | { type: 'finish'; at: number; run?: string | null; no_change?: string }
  /** Stop and become final as cancelled. */
  | { type: 'end'; at: number }
  /** Stop what runs and queue it again; no attempt is spent. */
  | { type: 'requeue'; at: number }
  /** A person answered the agent's question of that run: it goes on. Passed on to that agent and to no other. */
  | { type: 'answered'; at: number; run: string; answer: string };

export type TaskOrder =
  | { type: 'start'; at: number }
  /** Stop for good, and commit the work so far: to a task on the plan's own branch. */
  | { type: 'conclude'; at: number }
  | CommonOrder;

export type WaveOrder =
  | { type: 'retry'; at: number }
  /** The wave's tasks, all of them, after an edit of the document. */
  | { type: 'extend'; at: number; tasks: TaskOutline[] }
  | CommonOrder;

/** Up, from an agent: its run ended well and waits for a verdict on it. */
export interface Delivered {
  type: 'agent_delivered';
  at: number;
  id: string;
  run: string;
  code: number | null;
  detail: string;
  base: string | null;
}

/** Up, from any actor: an agent below asked a person. */
export interface Asked {
  type: 'child_asked';
  at: number;
  id: string;
  title: string;
  run: string;
  question: string;
  /** What a bare yes accepts for the whole plan. Absent: it only answers this question. */
  accepts?: readonly string[];
}

/** Whether an answer is a bare yes: any further text is for the next attempt. */
export function isYes(answer: string): boolean {
  return /^y(?:es)?[.!]?$/i.test(answer.trim());
}

/** Up, from any actor: an agent below no longer waits for the answer to its question of that run. */
export interface QuestionWithdrawn {
  type: 'question_withdrawn';
  at: number;
  id: string;
  run: string;
}

/** Up, from a wave that ended with failures and may be tried again. */
export interface WaveFailed {
  type: 'wave_failed';
  at: number;
  id: string;
  head: string | null;
  results: Record<number, TaskResult>;
}

/** The part of a document about a task that machines need. */
export interface TaskOutline {
  number: number;
  title: string;
  hasCheck: boolean;
  after: number[];
  files: string[];
  /** The digest of the task's body: it shows whether the task was changed. */
  digest: string;
  /** Its document says that it is done; absent: it does not. */
  isDone?: true;
  /** The table of `[agents]` that its document names; absent: it names none. */
  agent?: string;
  /** The characters of its body; an earlier version did not store it. */
  length?: number;
}

/** A task is known by its wave, number and title. */
export function isSameTask(task: TaskOutline, other: TaskOutline | undefined): boolean {
  return other !== undefined && other.title === task.title;
}

/** Whether the task's text is unchanged: its digest covers the fields too, since they are in the body. */
export function isSameWork(task: TaskOutline, other: TaskOutline | undefined): boolean {
  return isSameTask(task, other) && task.digest === other?.digest;
}

export interface WaveOutline {
  number: number;
  tasks: TaskOutline[];
}

export interface AgentOutput {
  at: number;
  outcome: 'succeeded' | 'failed' | 'cancelled';
  run: string | null;
  runs: number;
  reason: Reason | null;
  detail: string;
}

export interface TaskOutput extends AgentOutput {
  /** The commit of the plan's branch after this work; null: the task did not move it. */
  head: string | null;
  /** The commit that its work ended at, which the plan's branch contains from then on; null or absent: it changed nothing. */
  commit?: string | null;
  /** Why there was nothing to change. */
  unchanged?: string;
}

export interface WaveOutput {
  at: number;
  outcome: 'succeeded' | 'ended';
  head: string | null;
  results: Record<number, TaskResult>;
}

export interface TaskResult {
  status: 'done' | 'failed' | 'cancelled';
  runs: number;
  reason: Reason | null;
  detail: string;
  run: string | null;
  /** For a task that is done: the commit that its work ended at. Absent: it changed nothing, or an earlier version did not store it. */
  commit?: string;
  /** Why there was nothing to change. */
  unchanged?: string;
  /** Its document says so, and no agent did it here. */
  isMarked?: true;
}

/** The result of a task that its document marks as done. */
export const markedResult: TaskResult = {
  status: 'done',
  runs: 0,
  reason: null,
  detail: 'marked as done in the document',
  run: null,
  isMarked: true,
};

/** A commit on a plan's branch: the title of its author, the run whose attempt stores it, and the commit at which the run ended. */
export interface DoneWork {
  readonly title: string;
  readonly run: string | null;
  readonly commit: string;
}

/** A child's output, as XState sends it to the parent. */
export type DoneEvent<Output> = { type: `xstate.done.actor.${string}`; actorId: string; output: Output };

/** What an agent must know of its work, from the actor that spawns it. */
export interface AgentInput {
  path: string;
  title: string;
  role: Role;
  wave: number | null;
  task: number | null;
  branch: string;
  from: string;
  /** The name of the worktree's folder; absent: that of its branch. */
  folder?: string;
  attempts: number;
  timeoutMs: number;
  idleMs: number | null;
  speaksByExit: boolean;
  /** It chooses among the drafts of several planners, and does nothing else. */
  chooses?: true;
  /** The table of `[agents]` whose agent does it; absent: as the configuration has it for the role. */
  agent?: string;
  feedback: string | null;
  /** How the last run of an earlier agent of this title ended, which a person has done again. */
  previous?: Previous | null;
}

/** A run that did not count, for the prompt of the next run. */
export interface Previous {
  run: string;
  reason: Reason;
  detail: string;
}
