/** What a plan's root receives: signals, events of its own regions, and the reports of its children. */

import type { NewMessage } from '../vocabulary/agent-message.ts';
import type { BlockSource } from '../vocabulary/block-source.ts';
import type {
  AgentOutput,
  Asked,
  Delivered,
  DoneEvent,
  QuestionWithdrawn,
  TaskOutput,
  WaveFailed,
  WaveOutput,
} from '../vocabulary/family.ts';
import type { Policy } from '../vocabulary/policy.ts';
import type { Origin, SignalEvent } from '../vocabulary/signal.ts';
import type { PlanContext } from './context.ts';

type PlanSignal = SignalEvent<
  | 'plan_start'
  | 'planner_finished'
  | 'planner_draft_finished'
  | 'choose'
  | 'implement_start'
  | 'implement_finished'
  | 'elaborator_finished'
  | 'review_approved'
  | 'review_changes_requested'
  | 'verify_approved'
  | 'verify_failed'
  | 'needs_decision'
  | 'implement_wave'
  | 'retry_wave'
  | 'advance_wave'
  | 'start_over'
  | 'reimplement'
  | 'request_review'
  | 'cancel'
  | 'reopen'
  | 'mark_done'
  | 'merge'
  | 'land'
  | 'line_found'
  | 'line_left'
  | 'plan_merged'
  | 'merge_refused'
  | 'pause'
  | 'resume'
  | 'agents_requeued'
  | 'raise_budget'
  | 'budget_near'
  | 'budget_reached'
  | 'budget_restored'
  | 'run_noted'
  | 'set_status'
  | 'policy'
  | 'head_moved'
  | 'work_lost'
  | 'work_found'
  | 'effect_failed'
  | 'branch_archived'
  | 'branch_based'
  | 'base_conflicted'
  | 'base_unmet'
  | 'timer_due'
  | 'verification_stale'
  | 'implement_granted'
  | 'create_pr'
  | 'pr_wanted'
  | 'pr_opened'
  | 'pr_merged'
  | 'pr_closed'
  | 'pr_stack_changed'
  | 'pr_failed'
  | 'pr_merge_wanted'
  | 'pr_merge_unwanted'
  | 'pr_merge_scheduled'
  | 'pr_merge_refused'
  | 'pr_changes_requested'
  | 'pr_needs_person'
  | 'pr_remarked'
  | 'word_refused'
>;

/** `askers`: the runs whose agents wait for the answer, as the tree says when it comes. */
export type Answered = SignalEvent<'resolve' | 'answer'> & { readonly askers?: readonly string[] };

/** Events for an agent that its plan's root must know. */
export type AgentMessageEvent =
  | { type: 'word_said'; at: number; said: NewMessage }
  /** `numbers`: the words in the prompt of that run; null: all that waited for its agent. */
  | { type: 'words_given'; at: number; run: string; title: string; numbers: readonly number[] | null }
  /** That run has ended without having read them. */
  | { type: 'words_returned'; at: number; run: string; numbers: readonly number[] };

/** Sent by one region of the root to another. */
export type PlanRegionEvent =
  | { type: 'moved'; at: number; origin: Origin; cause: string }
  | { type: 'block'; at: number; reason: string; source: BlockSource }
  /** `byHand`: its status was set, so nothing starts by itself. */
  | { type: 'done_entered'; at: number; byHand: boolean }
  /** It is no longer done. `cause`: the type of the event that moved it. */
  | { type: 'done_left'; at: number; cause: string };

/** `notBegun`: the tasks of the running wave that no agent has begun, as the tree says when the edit comes; absent: none. */
export type Edited = SignalEvent<'plan_updated'> & { notBegun?: readonly number[] };

export type PlanEvent =
  | PlanSignal
  | Edited
  | Answered
  | AgentMessageEvent
  | PlanRegionEvent
  | Delivered
  | Asked
  | QuestionWithdrawn
  | WaveFailed
  | DoneEvent<AgentOutput | TaskOutput | WaveOutput>;

export interface PlanInput {
  project: string;
  plan: string;
  content: string;
  branch: string;
  topic: string | null;
  generation: number;
  policy: Policy;
  session?: { folder: string } | null;
  at: number;
}

/** The arguments of a guard. */
export interface GuardArgs {
  context: PlanContext;
  event: PlanEvent;
}

export function originOf(event: PlanEvent): Origin {
  return 'origin' in event ? (event.origin as Origin) : 'engine'; // of a signal, which has the type Origin there
}
