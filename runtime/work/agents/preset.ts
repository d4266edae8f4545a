/** Turns a role's profile into a program's command. */
import type { CommandLine, CommandPlaces } from './command-line.ts';
import { programCommand } from './preset-command.ts';
import { shellCommand } from './preset-sh.ts';
import { programOf } from './presets/programs.ts';
import type { RunBrief } from './run-brief.ts';

/**
 * The command of a run's agent. The launch checks that the program exists. Throws `agent_unusable`: a task without an `sh` block, a `command` without a
 * program, a role that its preset does not support.
 */
export function commandLine(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { preset } = brief.profile;
  if (preset === 'function' || preset === 'custom') throw new Error(`the preset "${preset}" is one of preset-own.ts`);
  if (preset === 'sh') return shellCommand(brief, places);
  if (preset === 'command') return programCommand(brief, places);
  return programOf(preset).start(brief, places);
}
