/** The preset `claude`: Claude Code in print mode. Each flag is justified in docs/agents.md. */
import { join } from 'node:path';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { isJudge } from '../../../../machines/vocabulary/ids.ts';
import type { CommandLine, CommandPlaces } from '../command-line.ts';
import type { RunBrief } from '../run-brief.ts';
import { rootEnvironment, rootProblem } from './claude-as-root.ts';
import { modelOf, programLine } from './program.ts';

/** Its own limit is to be longer than a question's: the engine says what becomes of one that nobody answers. */
const graceMs = 300_000;
/** In a sandbox of its own neither the repo's .git could be written nor the socket of `stator` reached: one that its user's settings switch on is off here. */
const ownSandbox = ['--settings', JSON.stringify({ sandbox: { enabled: false } })];
/** Messages instead of one prompt, each of which it repeats when it reads it. */
const messageInput = ['--input-format', 'stream-json', '--replay-user-messages'];
/** With another format it reads its input to the end, or never says that a turn is over. A judge's messages at the end must all say the same verdict, so it has one turn alone. */
const otherFormat = /^--(?:in|out)put-format(?:=|$)/;
/** What the server of the questions needs to know of its run. */
const serverVariables = [
  ...['PATH', 'HOME', 'STATOR', 'STATOR_HOME', 'STATOR_PROJECT', 'STATOR_PLAN', 'STATOR_ROLE', 'STATOR_TITLE'],
  ...['STATOR_RUN', 'STATOR_SOCKET', 'STATOR_TOKEN', 'STATOR_SANDBOX'],
];

/** We choose the id of a new conversation, so that it is known whatever kills the run. Throws `agent_unusable` where it would refuse to start as root. */
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

/** Our own `stator`, over standard input and output. In a file, since it holds the run's token. */
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
