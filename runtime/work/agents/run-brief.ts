/** What is known of a run before it starts: what its prompt and its command line are made from. */

import type { PlanDocument, PlanTask } from '../../../machines/document/plan-document.ts';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { GivenWords } from '../../../machines/vocabulary/word.ts';
import type { AgentProfile } from '../../base/config/config.ts';

/** What an earlier run of the same agent talked about, kept by its program. */
export interface Conversation {
  /** The program's own name for it. */
  readonly id: string;
  /** The run that it was last seen in. */
  readonly run: string;
}

export interface RunBrief {
  readonly run: AgentRun;
  readonly project: string;
  readonly plan: string;
  readonly document: PlanDocument;
  /** The whole markdown that `document` was read from. */
  readonly content: string;
  readonly profile: AgentProfile;
  /** What the attempt before this one had changed: a cut diffstat and the ref that keeps it. */
  readonly previousDiff: string | null;
  /** To be taken up again; null: a new one begins. */
  readonly conversation: Conversation | null;
  /** What people said to the agent, and this run is to have. */
  readonly words: GivenWords;
  /** Of who chooses among them: the drafts of several planners. */
  readonly drafts?: readonly { readonly number: number; readonly content: string }[];
  /** A UUID for a new conversation, where the program lets us choose it. */
  readonly newConversation: string;
}

/** A task with the wave that makes its number unique. */
export interface BriefTask {
  readonly wave: number;
  readonly task: PlanTask;
}

/**
 * The tasks that a run is about, in order: its own, or all of the plan where it has none (a small plan's one coder, the coordinators).
 * Throws `agent_unusable` where the document has no such task.
 */
export function tasksOf({ run, document, plan }: Pick<RunBrief, 'run' | 'document' | 'plan'>): BriefTask[] {
  const all = document.waves.flatMap((wave) => wave.tasks.map((task) => ({ wave: wave.number, task })));
  if (run.wave === null || run.task === null) return all;
  const own = all.filter(({ wave, task }) => wave === run.wave && task.number === run.task);
  if (own.length > 0) return own;
  throw new EngineError(
    'agent_unusable',
    `the document of plan "${plan}" has no wave ${run.wave} task ${run.task}`,
    `see what it holds with stator plan show ${plan}, and put the task back`,
  );
}

/** How a message names a task: what a person searches the document for. */
export function taskName({ wave, task }: BriefTask): string {
  return `wave ${wave} task ${task.number} "${task.title}" (line ${task.line})`;
}
