/** The preset `claude`: Claude Code in print mode. Each flag is justified in docs/agents.md. */
import { join } from 'node:path';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { isJudge } from '../../../../machines/vocabulary/ids.ts';
import type { AgentProfile } from '../../../base/config/config.ts';
import { createClaudeReader } from '../reports/claude.ts';
import { claudeLimitIn } from '../reports/claude-limit.ts';
import { ofTypes } from '../reports/spoilt-lines.ts';
import { claudeSteps } from '../reports/steps.ts';
import type { CommandLine, CommandPlaces, RunBrief } from '../run-brief.ts';
import type { AgentProgram } from './agent-program.ts';
import { type PlacesOf, type PresetPlaces, under } from './places.ts';
import { modelOf, programLine } from './program.ts';
import { isDue, isSameBut, type Json, tableOf } from './renewal.ts';

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

export const claude = {
  start: claudeCommand,
  variables: [
    'ANTHROPIC_',
    'CLAUDE_',
    'IS_SANDBOX',
    'DISABLE_AUTOUPDATER',
    'DISABLE_TELEMETRY',
    'MAX_THINKING_TOKENS',
    'MCP_TIMEOUT',
    'MCP_TOOL_TIMEOUT',
  ],
  account: {
    address: [
      ...['ANTHROPIC_BASE_URL', 'ANTHROPIC_PROFILE', 'CLAUDE_CODE_USE_GATEWAY'],
      ...['CLAUDE_CODE_USE_BEDROCK', 'ANTHROPIC_BEDROCK_BASE_URL'],
      ...['CLAUDE_CODE_USE_MANTLE', 'ANTHROPIC_BEDROCK_MANTLE_BASE_URL'],
      ...['CLAUDE_CODE_USE_VERTEX', 'ANTHROPIC_VERTEX_BASE_URL', 'ANTHROPIC_VERTEX_PROJECT_ID'],
      ...['CLAUDE_CODE_USE_ANTHROPIC_AWS', 'ANTHROPIC_AWS_BASE_URL', 'ANTHROPIC_AWS_API_KEY'],
      ...['CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD', 'ANTHROPIC_GOOGLE_CLOUD_BASE_URL'],
      ...['CLAUDE_CODE_USE_FOUNDRY', 'ANTHROPIC_FOUNDRY_BASE_URL', 'ANTHROPIC_FOUNDRY_RESOURCE'],
      // Read only where its service is chosen; otherwise the stored login counts.
      ...['ANTHROPIC_FOUNDRY_API_KEY', 'ANTHROPIC_FOUNDRY_AUTH_TOKEN'],
    ],
    keys: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'],
    places: ['CLAUDE_CONFIG_DIR'],
  },
  hosts: ['api.anthropic.com', 'claude.ai', 'platform.claude.com', 'console.anthropic.com'],
  settings: ['.claude', '.mcp.json'],
  leavesSettingsOut: true,
  // `--permission-prompt-tool` is not in the list: 2.1.197 knows it but does not list it.
  flags: {
    help: ['--help'],
    flags: [
      ...['--print', '--output-format', '--verbose', '--input-format', '--replay-user-messages'],
      ...['--session-id', '--resume', '--model'],
      ...['--dangerously-skip-permissions', '--permission-mode', '--mcp-config'],
      ...['--settings', '--setting-sources', '--strict-mcp-config'],
    ],
  },
  places: ({ env, userHome, worktree }) => claudePlaces(env, userHome, worktree),
  isRenewed: isRenewedClaude,
  choosesConversation: true,
  startProblem: rootProblem,
  limitIn: claudeLimitIn,
  createReader: createClaudeReader,
  stepsOf: claudeSteps,
  end: ofTypes('result'),
  refusedArgument: /^error: (?:unknown option|option|too many arguments) /,
  fullContext: [/^(?:API Error: 400 [\s\S]*)?prompt is too long\b/i, /^(?:Error: )?Conversation too long\b/],
  refusedModel: [/^There['\u2019]s an issue with the selected model \(/],
} as const satisfies AgentProgram;

/**
 * We choose the id of a new conversation, so that it is known even if the run is killed. Throws `agent_unusable` if the program would refuse to start as
 * root.
 */
function claudeCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
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

/** It stores conversations by folder, named by the folder's path with `-` for all but letters and digits: those of other folders are not visible. */
function claudePlaces(env: PlacesOf['env'], userHome: string, worktree: string): PresetPlaces {
  const own = env.CLAUDE_CONFIG_DIR || join(userHome, '.claude');
  const state = env.CLAUDE_CONFIG_DIR ? join(own, '.claude.json') : join(userHome, '.claude.json');
  return {
    conversations: join(own, 'projects', worktree.replace(/[^A-Za-z0-9]/g, '-')),
    logins: under(own, ['.credentials.json']),
    readable: under(own, [
      'settings.json',
      'CLAUDE.md',
      'agents',
      'commands',
      'skills',
      'plugins',
      'output-styles',
      'rules',
    ]),
    closed: [],
    copied: [state],
  };
}

/** `{claudeAiOauth: {accessToken, refreshToken, expiresAt, …}}`: its tokens do not name an account. */
function isRenewedClaude(before: Json, after: Json, nowMs: number): boolean {
  const [old, fresh] = [tableOf(before.claudeAiOauth), tableOf(after.claudeAiOauth)];
  if (old === null || fresh === null || !isSameBut(before, after, ['claudeAiOauth'])) return false;
  return (
    isSameBut(old, fresh, ['accessToken', 'refreshToken', 'refreshTokenExpiresAt', 'expiresAt']) &&
    isDue(old.expiresAt, fresh.expiresAt, nowMs)
  );
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that the program needs as root. The engine sets it only if it is true: inside walls. */
function rootEnvironment({ STATOR_SANDBOX }: Environment): Readonly<Record<string, string>> {
  return isRoot() && STATOR_SANDBOX === 'bwrap' ? { IS_SANDBOX: '1' } : {};
}

/** Why it would not start, with the remedy; null: it would. `env` is the run's environment. */
function rootProblem(
  { role, permissions }: Pick<AgentProfile, 'permissions' | 'role'>,
  env: Environment,
): { readonly message: string; readonly hint: string } | null {
  if (!isRoot() || permissions === 'ask' || env.STATOR_SANDBOX === 'bwrap' || env.IS_SANDBOX === '1') return null;
  return {
    message: 'claude does not work without questions as root, and it has no walls here',
    hint: `run stator as another user; or let the agent run inside walls: install bubblewrap, and set neither sandbox nor STATOR_SANDBOX to off; or, in a container of its own, put IS_SANDBOX=1 into the env_file of [agents.${role}]`,
  };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
