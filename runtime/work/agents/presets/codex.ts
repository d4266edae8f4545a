/** The preset `codex`: Codex CLI's `exec`. Each flag is justified in docs/agents.md. */
import { join } from 'node:path';
import { isJudge } from '../../../../machines/vocabulary/ids.ts';
import { createCodexReader } from '../reports/codex.ts';
import { codexQuotas } from '../reports/codex-session.ts';
import { ofTypes } from '../reports/spoilt-lines.ts';
import { codexSteps } from '../reports/steps.ts';
import type { CommandLine, CommandPlaces, RunBrief } from '../run-brief.ts';
import type { AgentProgram } from './agent-program.ts';
import { type PlacesOf, type PresetPlaces, under } from './places.ts';
import { modelOf, programLine } from './program.ts';
import { isSameAccount, isSameBut, type Json, tableOf } from './renewal.ts';

/** It starts commands in a login shell, whose profile may reset PATH (Debian's does): then the agent has no `stator`. */
const shell = ['--config', 'allow_login_shell=false'];

/** It accepts the option once. */
const ownFile = /^(?:-o|--output-last-message(?:=|$))/;

export const codex = {
  start: codexCommand,
  variables: ['OPENAI_', 'CODEX_'],
  account: {
    address: ['OPENAI_BASE_URL'],
    keys: ['CODEX_API_KEY', 'CODEX_ACCESS_TOKEN', 'OPENAI_API_KEY'],
    places: ['CODEX_HOME'],
  },
  hosts: ['api.openai.com', 'auth.openai.com', 'chatgpt.com'],
  settings: ['.codex', '.agents'],
  leavesSettingsOut: true,
  flags: {
    help: ['exec', '--help'],
    flags: ['--json', '--dangerously-bypass-approvals-and-sandbox', '--config', '--model', '--output-last-message'],
  },
  places: ({ env, userHome }) => codexPlaces(env, userHome),
  isRenewed: isRenewedCodex,
  createReader: createCodexReader,
  quotasIn: codexQuotas,
  stepsOf: codexSteps,
  end: ofTypes('turn.completed', 'turn.failed'),
  refusedArgument:
    /^error: (?:unexpected argument|invalid value|a value is required|the argument|unrecognized subcommand) |^Error parsing -c overrides: /,
  fullContext: [/\bran out of room in the model['\u2019]s context window\b/, /\bcontext_length_exceeded\b/],
  refusedModel: [
    /\bThe '[^']*' model is not supported when using Codex\b/,
    /\bThe model `[^`]*` does not exist or you do not have access to it\b/,
    /\bThe requested model '[^']*' does not exist\b/,
  ],
} as const satisfies AgentProgram;

/**
 * Its sandbox `workspace-write` forbids unix sockets and the repo's own .git, so an agent in it could neither report its end nor commit. All options come
 * before `resume`, which knows fewer options than `exec` and inherits the others: so the profile's flags fit every run.
 */
function codexCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { conversation, profile } = brief;
  const writes = isJudge(profile.role) && !profile.flags.some((flag) => ownFile.test(flag));
  const before = [
    'exec',
    '--json',
    '--dangerously-bypass-approvals-and-sandbox',
    ...shell,
    ...untrusted(places),
    ...(writes ? ['--output-last-message', places.lastMessage] : []),
    ...modelOf(brief),
  ];
  const after = conversation === null ? ['-'] : ['resume', conversation.id, '-'];
  const line = programLine('codex', brief, places, { before, after });
  return writes ? { ...line, writesLastMessage: true } : line;
}

/** It loads nothing from a folder that its user does not trust. A worktree has its repository's trust, unless it is listed itself. */
function untrusted({ loadsProject, worktree }: CommandPlaces): string[] {
  return loadsProject ? [] : ['--config', `projects={${JSON.stringify(worktree)}={trust_level="untrusted"}}`];
}

function codexPlaces(env: PlacesOf['env'], userHome: string): PresetPlaces {
  const own = env.CODEX_HOME || join(userHome, '.codex');
  return {
    conversations: join(own, 'sessions'),
    logins: under(own, ['auth.json']),
    readable: under(own, ['config.toml', 'AGENTS.md', 'prompts', 'rules', 'skills']),
    closed: [],
    copied: [],
  };
}

/** `{tokens: {id_token, access_token, refresh_token, account_id}, last_refresh}`: the first two are signed, and name the account. */
function isRenewedCodex(before: Json, after: Json): boolean {
  const [old, fresh] = [tableOf(before.tokens), tableOf(after.tokens)];
  if (old === null || fresh === null || !isSameBut(before, after, ['tokens', 'last_refresh'])) return false;
  return (
    isSameBut(old, fresh, ['id_token', 'access_token', 'refresh_token']) &&
    ['id_token', 'access_token'].every((name) => isSameAccount(old[name], fresh[name]))
  );
}
