/** The presets of the Agent Client Protocol: `acp` for any program that speaks it, and those of the agents that are known. */

import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { acpAgent, isAcpPreset } from '../../../base/config/acp/agents.ts';
import { unplayable } from '../../../base/config/config.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import type { CommandLine, CommandPlaces } from '../command-line.ts';
import { programCommand } from '../preset-command.ts';
import { type AcpSettings, acpSettingsName } from '../relay/acp-settings.ts';
import type { RunBrief } from '../run-brief.ts';
import { programLine } from './program.ts';

/** What is set in the session stands in a file for the relay, which is the client. Throws `agent_unusable` for a judge, and where no program is named. */
export function acpCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { profile, conversation } = brief;
  const { preset, role, model, mode, permissions } = profile;
  if (!isAcpPreset(preset)) throw new Error(`the preset "${preset}" does not speak the Agent Client Protocol`);
  const refusal = unplayable(profile);
  if (refusal !== null)
    throw new EngineError('agent_unusable', refusal, `give it another agent: preset = "claude" under [agents.${role}]`);
  const agent = acpAgent(preset);
  const modelFlag = agent?.modelFlag ?? null;
  const own = agent?.modeOf[permissions];
  const settings: AcpSettings = {
    role,
    version: statorVersion(),
    cwd: places.worktree,
    conversation: conversation?.id ?? null,
    mode: mode === null ? { names: own?.modes ?? [], isChosen: false } : { names: [mode], isChosen: true },
    options: own?.options ?? {},
    model: modelFlag === null ? model : null,
    permissions,
    mcpServers: [],
  };
  const modelArgs = modelFlag === null || model === null ? [] : [modelFlag, model];
  const line =
    agent === null
      ? programCommand(brief, places)
      : programLine(preset, brief, places, { before: [...agent.args, ...modelArgs] });
  return { ...line, messages: 'acp', beside: { [acpSettingsName]: JSON.stringify(settings) } };
}
