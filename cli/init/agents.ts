/** The coding agents that a repo can be set up for, and which of them this machine has. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type ProgramPreset, presetProgram, programPresets } from '../../runtime/base/config/preset-programs.ts';

export interface KnownAgent {
  /** As it is typed; that of the program on PATH, too. */
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

/** In the order in which the first one found is taken. */
export const knownAgents: readonly KnownAgent[] = [
  ...programPresets.filter((preset) => presetProgram(preset).program !== null).map(presetAgent),
  // The prompt is on their standard input, or in the file that the variable names.
  recipe('amp', 'amp --execute --dangerously-allow-all', 'npm install -g @sourcegraph/amp'),
  recipe(
    'aider',
    'aider --yes-always --no-gitignore --no-check-update --message-file "$STATOR_PROMPT_FILE"',
    'pipx install aider-chat',
  ),
];

/** Presets that need no program of their own: the blocks of the plan itself, or a program that the user names. */
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

/** Whether a program of that name would be found; a folder that cannot be read has none. */
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
