/** The agents' programs that report their work, by preset. */
import { type AcpPreset, eachAcp } from '../../../base/config/acp/agents.ts';
import type { Preset } from '../../../base/config/config.ts';
import { isProgramPreset, type ProgramPreset, type StreamPreset } from '../../../base/config/preset-programs.ts';
import { acpProgram } from './acp.ts';
import type { AgentProgram } from './agent-program.ts';
import { claude } from './claude.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import { opencode } from './opencode.ts';

/** Programs with an output format of their own. */
const streams: Readonly<Record<StreamPreset, AgentProgram>> = { claude, codex, opencode, gemini };
const programs: Readonly<Record<StreamPreset | AcpPreset, AgentProgram>> = { ...streams, ...eachAcp(acpProgram) };

export function programOf(preset: ProgramPreset): AgentProgram {
  return programs[preset];
}

/** null: `sh`, `command`, and agents of the program that embeds the engine. */
export function knownProgram(preset: Preset): AgentProgram | null {
  return isProgramPreset(preset) ? programs[preset] : null;
}
