/** Turns a role's profile into a program's command. Each preset has one starter; a new preset is a new line here. */
import { eachAcp } from '../../base/config/acp/agents.ts';
import type { Preset } from '../../base/config/config.ts';
import type { CommandLine, CommandPlaces, Starter } from './command-line.ts';
import { programCommand } from './preset-command.ts';
import { shellCommand } from './preset-sh.ts';
import { acpCommand } from './presets/acp.ts';
import { claudeCommand } from './presets/claude.ts';
import { codexCommand } from './presets/codex.ts';
import { geminiCommand } from './presets/gemini.ts';
import { opencodeCommand } from './presets/opencode.ts';
import type { RunBrief } from './run-brief.ts';

const presets = {
  claude: claudeCommand,
  codex: codexCommand,
  opencode: opencodeCommand,
  gemini: geminiCommand,
  ...eachAcp(() => acpCommand),
  sh: shellCommand,
  command: programCommand,
} satisfies { readonly [name in FilePreset]: Starter };

type FilePreset = Exclude<Preset, 'function' | 'custom'>;

/**
 * The command of a run's agent. The launch checks that the program exists. Throws `agent_unusable`: a task without an `sh` block, a `command` without a
 * program, a role that its preset does not support.
 */
export function commandLine(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { preset } = brief.profile;
  if (preset === 'function' || preset === 'custom') throw new Error(`the preset "${preset}" is one of preset-own.ts`);
  return presets[preset](brief, places);
}
