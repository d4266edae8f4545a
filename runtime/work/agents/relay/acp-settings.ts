/** A relay's settings for an agent of the Agent Client Protocol: a file in the run's folder, which the preset writes and the relay reads. */
import type { JsonObject } from '../reports/json-line.ts';

export interface AcpSettings {
  readonly role: string;
  /** stator's version, which is sent to the agent. */
  readonly version: string;
  readonly cwd: string;
  /** The conversation to resume; null: a new one begins. */
  readonly conversation: string | null;
  /** The agent's names for its mode, or their ends after a `#`; the first known one is used. `isChosen`: a person named it. */
  readonly mode: { readonly names: readonly string[]; readonly isChosen: boolean };
  /** The values of further session options, by their ids. */
  readonly options: Readonly<Record<string, string | boolean>>;
  readonly model: string | null;
  /** Whether the agent's permission requests go to a person, or are allowed. */
  readonly permissions: 'skip' | 'ask';
  /** The servers in the form of `session/new`. */
  readonly mcpServers: readonly JsonObject[];
}

/** The names of that file, and of the prompt for a failed resumption; both are beside the prompt. */
export const acpSettingsName = 'acp.json';
export const wholePromptName = 'whole-prompt';

/** The end of a run whose agent ended its turn well without a tool: it counts only if something was changed. */
export const idleCode = 3;
