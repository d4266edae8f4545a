/** From a role's profile to the program that plays it. One starter for each preset that can be started; adding one is adding a line here. */
import { EngineError } from '../../machines/errors.ts';
import { isWorker, type Role } from '../../machines/policy.ts';
import type { Preset } from '../config.ts';
import type { CommandLine, CommandPlaces, Starter } from './command-line.ts';
import { programCommand } from './preset-command.ts';
import { shellCommand } from './preset-sh.ts';
import type { RunBrief } from './run-brief.ts';

export const presets = { sh: shellCommand, command: programCommand } satisfies { readonly [name in Preset]?: Starter };

/**
 * How the agent of a run is started. That the program exists is asked when it is launched. Throws `agent_unusable`: a task without an `sh` block, a
 * `command` without a program, a role that its preset cannot play, a preset that has no starter.
 */
export function commandLine(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { preset, role } = brief.profile;
  const starters: { readonly [name in Preset]?: Starter } = presets;
  const start = starters[preset];
  if (start === undefined) throw notStartable(preset, role);
  return start(brief, places);
}

function notStartable(preset: Preset, role: Role): EngineError {
  const runsBlocks = isWorker(role) && role !== 'fixer';
  const instead = runsBlocks ? 'use preset = "sh" or preset = "command"' : 'use preset = "command"';
  const snippet = ['', `[agents.${role}]`, 'preset = "command"', 'program = "your-agent --its-flags"', ''].join('\n');
  const what = 'the prompt comes on standard input and stands in $STATOR_PROMPT_FILE';
  const blocks = runsBlocks ? '; preset = "sh" runs the fenced sh blocks of the task instead' : '';
  return new EngineError(
    'agent_unusable',
    `the ${role} has preset "${preset}", and preset "${preset}" cannot be started by this version of stator; ${instead}`,
    `in .stator/config.toml of the repo, or in daemon.toml:\n${snippet}\n${what}${blocks}`,
  );
}
