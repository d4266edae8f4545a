/** What is known of the plan that is shown, and what its person may do there. */
import type {
  Explanation,
  HistoryEntry,
  PlanDiff,
  PlanShow,
  PlanStates,
  PromptShow,
} from '../runtime/api/contract/plans.ts';
import type { InstanceEntry, QueuePause } from '../runtime/api/contract/runs.ts';
import type { Named } from './api.ts';

export type Tab = 'log' | 'diff' | 'prompt';

/** An agent that one looks at, or a task that has none yet. */
export interface Chosen {
  readonly title: string;
  readonly tab: Tab;
  readonly log: string | null;
  readonly diff: PlanDiff | null;
  readonly prompt: PromptShow | null;
  /** Why there is nothing to show. */
  readonly nothing: string | null;
}

/** What a person asked for, and is to say yes to: it ends work, moves a branch of theirs or may cost something. */
export interface Sure {
  readonly type: string;
  readonly payload: Record<string, unknown>;
  /** What is said when it is done. */
  readonly done: string;
  /** What it would do, a line each. */
  readonly says: readonly string[];
}

export interface PlanModel {
  readonly named: Named;
  readonly plan: PlanShow | null;
  readonly explain: Explanation | null;
  readonly agents: readonly InstanceEntry[];
  /** Whether what agents ask stands still, so that an answer is meant for the question that is under the pointer. */
  readonly isSteady: boolean;
  /** Of the queue, those that keep its agents from starting. */
  readonly pauses: readonly QueuePause[];
  readonly states: PlanStates | null;
  /** The journal, the oldest first. */
  readonly journal: readonly HistoryEntry[];
  /** Whose chart is shown: its path in the plan's tree; empty for the plan itself. */
  readonly actor: string;
  /** The line after which the plan is shown; null: as it is now. */
  readonly at: number | null;
  readonly past: PlanStates | null;
  readonly chosen: Chosen | null;
  /** Why there is no such plan. */
  readonly missing: string | null;
  /** What is being asked for, so that it is not asked for twice. */
  readonly busy: string | null;
  /** null: nothing is asked. */
  readonly sure: Sure | null;
}

export interface PlanActions {
  readonly chart: HTMLElement;
  /** Asks for confirmation first if that is needed. */
  send(type: string, payload: Record<string, unknown>, done: string): void;
  /** Whether what was asked about is to be done. */
  answerSure(isYes: boolean): void;
  permit(title: string, permission: string, word: 'allow' | 'deny', message: string): void;
  resume(pause: QueuePause): void;
  choose(title: string): void;
  showActor(actor: string): void;
  close(): void;
  turnTo(tab: Tab): void;
  /** null: shows the present. */
  goTo(seq: number | null): void;
}
