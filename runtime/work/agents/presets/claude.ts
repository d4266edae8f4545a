/** The preset `claude`: Claude Code in print mode. Each flag is justified in docs/agents.md. */
import { join } from 'node:path';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { isJudge } from '../../../../machines/vocabulary/ids.ts';
import type { CommandLine, CommandPlaces } from '../command-line.ts';
import type { RunBrief } from '../run-brief.ts';
import { rootEnvironment, rootProblem } from './claude-as-root.ts';
import { modelOf, programLine } from './program.ts';

/** Its own limit must be longer than a question's: the engine decides about an unanswered question. */
const graceMs = 300_000;
/** In its own sandbox it could neither write the repo's .git nor reach the socket of `stator`, so a sandbox from the user's settings is switched off here. */
const ownSandbox = ['--settings', JSON.stringify({ sandbox: { enabled: false } })];
/** Messages instead of one prompt; the program repeats each message when it reads it. */
const messageInput = ['--input-format', 'stream-json', '--replay-user-messages'];
/** With another format it reads its input to the end, or never reports the end of a turn. A judge's final messages must all have the same verdict, so it has only one turn. */
const otherFormat = /^--(?:in|out)put-format(?:=|$)/;
/** The data that the server for questions needs about its run. */
const serverVariables = [
  ...['PATH', 'HOME', 'STATOR', 'STATOR_HOME', 'STATOR_PROJECT', 'STATOR_PLAN', 'STATOR_ROLE', 'STATOR_TITLE'],
  ...['STATOR_RUN', 'STATOR_SOCKET', 'STATOR_TOKEN', 'STATOR_SANDBOX'],
];

/**
 * We choose the id of a new conversation, so that it is known even if the run is killed. Throws `agent_unusable` if the program would refuse to start as
 * root.
 */
export function claudeCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { conversation, newConversation, profile } = brief;
  const talk = conversation === null ? ['--session-id', newConversation] : ['--resume', conversation.id];
  const asks = profile.permissions === 'ask';
  const refusal = rootProblem(profile, places.env);
  if (refusal !== null) throw new EngineError('agent_unusable', refusal.message, refusal.hint);
  const permissions = asks
    ? [
        ...['--permission-mode', 'default', '--mcp-config', places.servers],
        ...['--permission-prompt-tool', 'mcp__stator__permission'],
      ]
    : ['--dangerously-skip-permissions'];
  const settings = places.loadsProject ? [] : ['--setting-sources', 'user', '--strict-mcp-config'];
  const takesMessages = !isJudge(profile.role) && !profile.flags.some((flag) => otherFormat.test(flag));
  const output = ['--print', '--output-format', 'stream-json', '--verbose', ...(takesMessages ? messageInput : [])];
  const before = [...output, ...ownSandbox, ...settings, ...permissions, ...modelOf(brief), ...talk];
  const line = {
    ...programLine('claude', brief, places, { before }),
    ...(takesMessages ? ({ messages: 'claude' } as const) : {}),
  };
  if (!asks) return { ...line, env: rootEnvironment(places.env) };
  const env = { MCP_TOOL_TIMEOUT: String(profile.permissionTimeoutMs + graceMs) };
  return { ...line, servers: questionServer(places), env };
}

/** Our own `stator`, over standard input and output. In a file, because it contains the run's token. */
function questionServer({ env }: CommandPlaces): string {
  const known = serverVariables.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  const server = {
    type: 'stdio',
    command: join(env.STATOR_HOME ?? '', 'bin', 'stator'),
    args: ['mcp', 'permissions'],
    env: Object.fromEntries(known),
  };
  return `${JSON.stringify({ mcpServers: { stator: server } }, null, 2)}\n`;
}
