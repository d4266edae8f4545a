/** The presets of the Agent Client Protocol: `acp` for any program that supports it, and those of known agents. */

import { join } from 'node:path';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import {
  type AcpPreset,
  acpAgent,
  acpSpeech,
  isAcpOnly,
  isAcpPreset,
  withoutAcp,
} from '../../../base/config/acp/agents.ts';
import { type McpServer, unplayable } from '../../../base/config/config.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import { programCommand, programFile } from '../preset-command.ts';
import { type AcpSettings, acpSettingsName } from '../relay/acp-settings.ts';
import { createAcpReader } from '../reports/acp.ts';
import { objectAt } from '../reports/json-line.ts';
import { acpSteps } from '../reports/steps.ts';
import type { CommandLine, CommandPlaces, RunBrief } from '../run-brief.ts';
import type { AgentProgram } from './agent-program.ts';
import { gemini, geminiVariables } from './gemini.ts';
import { opencode, opencodeVariables } from './opencode.ts';
import { noPlaces, under } from './places.ts';
import { programLine } from './program.ts';

/** The facts about a program that uses the protocol. */
export function acpProgram(preset: AcpPreset): AgentProgram {
  const { args = [], modelFlag = null } = acpSpeech(preset) ?? {};
  const names = [...args.filter((arg) => arg.startsWith('-')), ...(modelFlag === null ? [] : [modelFlag])];
  return {
    ...factsOf(preset),
    start: acpCommand,
    flags: { help: [...args.filter((arg) => !arg.startsWith('-')), '--help'], flags: names },
    createReader: createAcpReader,
    stepsOf: acpSteps,
    // Input and output of tools appear unescaped in these lines.
    end: { form: /"stopReason"\s*:/, is: (event) => objectAt(event, 'result') !== null, isQuoted: true },
    refusedArgument:
      /^(?:error: )?(?:unknown (?:option|argument|command)s?|unexpected argument|unrecognized (?:option|subcommand)|no such (?:option|command))\b/i,
    // The protocol has no error for these.
    fullContext: [],
    refusedModel: [],
  };
}

type Facts = Pick<
  AgentProgram,
  'variables' | 'account' | 'hasServiceOfModel' | 'hosts' | 'settings' | 'leavesSettingsOut' | 'places' | 'isRenewed'
>;

/** The facts that do not depend on the protocol. */
function factsOf(preset: AcpPreset): Facts {
  const own = withoutAcp(preset);
  if (!isAcpOnly(own)) {
    const program: AgentProgram = { gemini, opencode }[own];
    const { choosesConversation: _chosen, refusalText: _text, limitIn: _limit, ...facts } = program; // these belong to the program's own output format
    return facts;
  }
  const agent = acpAgent(own);
  if (agent === null)
    return {
      ...{ variables: [], account: { address: [], keys: [], places: [] }, hosts: [], settings: [] },
      ...{ leavesSettingsOut: false, places: () => noPlaces },
    };
  const { variables, keys, addresses, hosts, settings, home } = agent;
  const { folder, variable, conversations, logins, readable } = home;
  return {
    ...{ variables, hosts, settings, leavesSettingsOut: false },
    account: { address: addresses, keys, places: variable === null ? [] : [variable] },
    places({ env, userHome }) {
      const place = (variable === null ? undefined : env[variable]) || join(userHome, folder);
      return {
        conversations: conversations === null ? null : join(place, conversations),
        ...{ logins: [], readable: under(place, readable), closed: [], copied: under(place, logins) },
      };
    },
  };
}

/** The session's settings are in a file for the relay, which is the client. Throws `agent_unusable` for a judge, and if no program is named. */
function acpCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
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
