/** What a relay is told about an agent that speaks the Agent Client Protocol: a file of the run's folder, which the preset writes and the relay reads. */
import type { JsonObject } from '../reports/json-line.ts';

export interface AcpSettings {
  readonly role: string;
  /** Of stator, which the agent is told. */
  readonly version: string;
  readonly cwd: string;
  /** The conversation that is to be taken up; null: a new one begins. */
  readonly conversation: string | null;
  /** The agent's own names of the mode in which it is to work, or their ends after a `#`: the first that it has. `isChosen`: a person named it. */
  readonly mode: { readonly names: readonly string[]; readonly isChosen: boolean };
  /** Values of further options of the session, by their ids. */
  readonly options: Readonly<Record<string, string | boolean>>;
  readonly model: string | null;
  /** Whether a person is asked what the agent asks, or it is allowed. */
  readonly permissions: 'skip' | 'ask';
  /** As `session/new` takes them. */
  readonly mcpServers: readonly JsonObject[];
}

/** The names of that file, and of the prompt for a conversation that could not be taken up, beside the prompt. */
export const acpSettingsName = 'acp.json';
export const wholePromptName = 'whole-prompt';

/** How a run ends whose agent ended its turn well and used no tool: it counts only where something was changed. */
export const idleCode = 3;
