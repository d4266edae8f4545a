/** The presets of the Agent Client Protocol: `acp` for any program that supports it, and those of known agents. */

import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { acpSpeech, isAcpPreset } from '../../../base/config/acp/agents.ts';
import { type McpServer, unplayable } from '../../../base/config/config.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import type { CommandLine, CommandPlaces } from '../command-line.ts';
import { programCommand, programFile } from '../preset-command.ts';
import { type AcpSettings, acpSettingsName } from '../relay/acp-settings.ts';
import type { RunBrief } from '../run-brief.ts';
import { geminiVariables } from './gemini.ts';
import { opencodeVariables } from './opencode.ts';
import { programLine } from './program.ts';

/** The session's settings are in a file for the relay, which is the client. Throws `agent_unusable` for a judge, and if no program is named. */
export function acpCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { profile, conversation } = brief;
  const { preset, role, model, mode, permissions } = profile;
  if (!isAcpPreset(preset)) throw new Error(`the preset "${preset}" does not speak the Agent Client Protocol`);
  const refusal = unplayable(profile);
  if (refusal !== null)
    throw new EngineError('agent_unusable', refusal, `give it another agent: preset = "claude" under [agents.${role}]`);
  const servers = Object.entries(profile.mcp).map(([name, server]) => serverOf(name, server, { role, places }));
  const agent = acpSpeech(preset);
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
    mcpServers: servers,
  };
  const variables = {
    ...own?.env,
    ...(preset === 'opencode-acp' ? opencodeVariables(places) : {}),
    ...(preset === 'gemini-acp' ? geminiVariables(brief) : {}),
  };
  const modelArgs = modelFlag === null || model === null ? [] : [modelFlag, model];
  const line =
    agent === null
      ? programCommand(brief, places)
      : programLine(preset, brief, places, { before: [...agent.args, ...modelArgs] });
  const files = [...(line.files ?? []), ...servers.map(({ command }) => command)];
  return { ...line, env: variables, files, messages: 'acp', beside: { [acpSettingsName]: JSON.stringify(settings) } };
}

/** The server in the form of `session/new`, which needs an absolute path. The engine's own program gets the variables that identify its run. */
function serverOf(
  name: string,
  { command, args = [], env = [] }: McpServer,
  { role, places }: { readonly role: string; readonly places: CommandPlaces },
) {
  const file = programFile(command, places);
  if (file === null)
    throw new EngineError(
      'agent_unusable',
      `the MCP server "${name}" of the ${role} is not there: ${command}`,
      `install it, or correct \`command\` under [agents.${role}.mcp.${name}]`,
    );
  const own = command === 'stator' ? Object.keys(places.env).filter((variable) => /^STATOR(?:_|$)/.test(variable)) : [];
  const given = [...env, ...own].flatMap((variable) => {
    const value = places.env[variable];
    return value === undefined ? [] : [{ name: variable, value }];
  });
  return { name, command: file, args, env: given };
}
