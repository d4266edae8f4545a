/** The data of a run before it starts, from which its prompt and its command line are built, and that command line: presets make it for the launcher. */

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

/** How a program takes messages while it works. */
export type MessageProtocol = 'claude' | 'acp';

export interface CommandLine {
  readonly argv: readonly [string, ...string[]];
  readonly stdin: 'prompt' | 'none';
  /** The program accepts messages while it works, and the prompt is the first one; missing: `stdin` is its standard input. */
  readonly messages?: MessageProtocol;
  /** The content of the run's script file, written before the start; `argv` names that file. */
  readonly script: string | null;
  /** The content of the run's file of MCP servers, also written before the start; missing: none. */
  readonly servers?: string;
  /** true: it writes its last message to the file in its places. */
  readonly writesLastMessage?: true;
  /** Further files for the run's folder, by name; missing: none. */
  readonly beside?: Readonly<Record<string, string>>;
  /** Further variables; the places' environment overrides them. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files of the main folder that the command line names: they must be visible inside walls, like the program itself. */
  readonly files?: readonly string[];
}

/** Absolute paths, and the program's environment. */
export interface CommandPlaces {
  readonly prompt: string;
  readonly script: string;
  /** The file with the program's MCP servers. */
  readonly servers: string;
  /** The file for the program's last message. */
  readonly lastMessage: string;
  /** The program's working folder. */
  readonly worktree: string;
  readonly repo: string;
  /** Whether the program may load settings from its working folder. */
  readonly loadsProject: boolean;
  readonly env: Readonly<Record<string, string>>;
}

export type Starter = (brief: RunBrief, places: CommandPlaces) => CommandLine;
