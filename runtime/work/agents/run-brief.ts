/** The data of a run before it starts, from which its prompt and its command line are built. */

import type { PlanDocument, PlanTask } from '../../../machines/document/plan-document.ts';
import type { GivenMessages } from '../../../machines/vocabulary/agent-message.ts';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { AgentProfile } from '../../base/config/config.ts';

/** A conversation of an earlier run of the same agent, stored by its program. */
export interface Conversation {
  /** The program's id for it. */
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
  /** The changes of the previous attempt: a cut diffstat, and the ref that holds it. */
  readonly previousDiff: string | null;
  /** The conversation to resume; null: a new one begins. */
  readonly conversation: Conversation | null;
  /** People's messages to the agent for this run. */
  readonly words: GivenMessages;
  /** The drafts of several planners, for the agent that chooses one. */
  readonly drafts?: readonly { readonly number: number; readonly content: string }[];
  /** A UUID for a new conversation, if the program lets us choose it. */
  readonly newConversation: string;
}

/** A task with the wave that makes its number unique. */
export interface BriefTask {
  readonly wave: number;
  readonly task: PlanTask;
}

/**
 * The tasks of a run, in order: its own, or all tasks of the plan if it has none (a small plan's one coder, the coordinators). Throws `agent_unusable` if the
 * document has no such task.
 */
export function tasksOf({ run, document, plan }: Pick<RunBrief, 'run' | 'document' | 'plan'>): BriefTask[] {
  const all = document.waves.flatMap((wave) => wave.tasks.map((task) => ({ wave: wave.number, task })));
  if (run.wave === null || run.task === null) return all;
  const own = all.filter(({ wave, task }) => wave === run.wave && task.number === run.task);
  if (own.length > 0) return own;
  throw new EngineError(
    'agent_unusable',
    `the document of plan "${plan}" has no wave ${run.wave} task ${run.task}`,
    `see what it holds: stator plan show ${plan}; if the task was taken out of the document, put it back`,
  );
}

/** The name of a task in messages: the text for which a person searches in the document. */
export function taskName({ wave, task }: BriefTask): string {
  return `wave ${wave} task ${task.number} "${task.title}"`;
}
