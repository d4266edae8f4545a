/** The coding agents that a repo can be configured for, and which of them are installed. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type ProgramPreset, presetProgram, programPresets } from '../../runtime/base/config/preset-programs.ts';

export interface KnownAgent {
  /** The name as a person types it, which is also the name of the program on PATH. */
  readonly name: string;
  /** The lines of its table, as TOML. */
  readonly settings: readonly string[];
  /** The command that installs it; null: none is needed. */
  readonly install: string | null;
}

function presetAgent(preset: ProgramPreset): KnownAgent {
  return { name: preset, settings: [`preset = "${preset}"`], install: presetProgram(preset).installCommand };
}

function recipe(name: string, program: string, install: string): KnownAgent {
  return { name, settings: ['preset = "command"', `program = '${program}'`], install };
}

/** The first installed agent in this order is chosen. */
export const knownAgents: readonly KnownAgent[] = [
  ...programPresets.filter((preset) => presetProgram(preset).program !== null).map(presetAgent),
  // These programs read the prompt from standard input, or from the file that the variable names.
  recipe('amp', 'amp --execute --dangerously-allow-all', 'npm install -g @sourcegraph/amp'),
  recipe(
    'aider',
    'aider --yes-always --no-check-update --no-gitignore --no-suggest-shell-commands --no-pretty --message-file "$STATOR_PROMPT_FILE"',
    'pipx install aider-chat',
  ),
];

/** Presets without a program of their own: they run the plan's own code blocks, or a program that the user names. */
const others: readonly KnownAgent[] = [
  { name: 'acp', settings: ['preset = "acp"', 'program = "your-agent --acp"'], install: null },
  { name: 'sh', settings: ['preset = "sh"'], install: null },
  { name: 'command', settings: ['preset = "command"', 'program = "your-agent --its-flags"'], install: null },
];

export const namedAgents: readonly KnownAgent[] = [...knownAgents, ...others];

/** The known agents that are on the PATH of `env`. */
export function installedAgents(env: NodeJS.ProcessEnv): KnownAgent[] {
  return knownAgents.filter(({ name }) => isOnPath(name, env));
}

/** Whether a program of that name is on PATH. Folders that cannot be read are skipped. */
export function isOnPath(name: string, env: NodeJS.ProcessEnv): boolean {
  return (env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && isProgram(join(folder, name)));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // missing and not allowed are the same answer here
  }
}
