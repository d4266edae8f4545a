/** The preset `gemini`: Gemini CLI without a terminal. Each flag is justified in docs/agents.md. */
import { join } from 'node:path';
import { createGeminiReader } from '../reports/gemini.ts';
import { ofTypes } from '../reports/spoilt-lines.ts';
import { geminiSteps } from '../reports/steps.ts';
import type { CommandLine, CommandPlaces, RunBrief } from '../run-brief.ts';
import type { AgentProgram } from './agent-program.ts';
import { type PresetPlaces, under } from './places.ts';
import { modelOf, programLine } from './program.ts';
import { isSameAccount, isSameBut, type Json } from './renewal.ts';

export const gemini = {
  start: geminiCommand,
  variables: [
    'GEMINI_',
    'GOOGLE_API_KEY',
    'GOOGLE_CLOUD_PROJECT',
    'GOOGLE_CLOUD_LOCATION',
    'GOOGLE_GENAI_USE_VERTEXAI',
  ],
  account: {
    address: ['GOOGLE_GEMINI_BASE_URL', 'GOOGLE_GENAI_USE_VERTEXAI', 'GOOGLE_CLOUD_PROJECT'],
    keys: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    places: ['GEMINI_CLI_HOME'],
  },
  hosts: [
    'generativelanguage.googleapis.com',
    'cloudcode-pa.googleapis.com',
    'aiplatform.googleapis.com',
    'oauth2.googleapis.com',
    'www.googleapis.com',
    'accounts.google.com',
  ],
  // Its own `.env` comes first; without one it reads the project's, which may name another service.
  settings: ['.gemini', '.agents', '.env'],
  leavesSettingsOut: false,
  flags: {
    help: ['--help'],
    flags: ['--output-format', '--approval-mode', '--skip-trust', '--session-id', '--resume', '--model'],
  },
  places: ({ userHome }) => geminiPlaces(userHome),
  isRenewed: isRenewedGemini,
  choosesConversation: true,
  createReader: createGeminiReader,
  stepsOf: geminiSteps,
  end: ofTypes('result'),
  refusedArgument: /^(?:Unknown arguments?|Not enough arguments following): |^\s*Argument: [\w-]+, Given: /,
  fullContext: [
    /\bexceeds the maximum number of tokens allowed\b/,
    /\bmight exceed the remaining context window limit\b/,
  ],
  refusedModel: [
    /\bmodels\/\S+ is not found for API version\b/,
    /^\[API Error: [\s\S]*\bRequested entity was not found\b/,
  ],
} as const satisfies AgentProgram;

/** Without `--skip-trust` it asks for every tool in an untrusted folder, and a worktree is always new. */
function geminiCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { conversation, newConversation } = brief;
  const talk = conversation === null ? ['--session-id', newConversation] : ['--resume', conversation.id];
  const before = [
    '--output-format',
    'stream-json',
    '--approval-mode',
    'yolo',
    '--skip-trust',
    ...modelOf(brief),
    ...talk,
  ];
  return { ...programLine('gemini', brief, places, { before }), env: geminiVariables(brief) };
}

/** Without its own sandbox, unless its flags request one. */
export function geminiVariables({ profile }: RunBrief): Readonly<Record<string, string>> {
  return profile.flags.some((flag) => ownSandbox.test(flag)) ? {} : { GEMINI_SANDBOX: 'false' };
}

/** Its own sandbox is a container without the repo's .git and the socket of `stator`, so a sandbox from the user's settings is switched off here. */
const ownSandbox = /^(?:-s|--sandbox)(?:=|$)/;

function geminiPlaces(userHome: string): PresetPlaces {
  const own = join(userHome, '.gemini');
  return {
    conversations: join(own, 'tmp'),
    logins: under(own, ['oauth_creds.json']),
    readable: under(own, ['settings.json', 'GEMINI.md', '.env', 'commands', 'extensions', 'installation_id']),
    closed: [],
    copied: under(own, ['projects.json', 'state.json', 'google_accounts.json']),
  };
}

/** `{access_token, refresh_token, id_token, expiry_date, …}`: Google issues no new refresh token, so it identifies the account. */
function isRenewedGemini(before: Json, after: Json): boolean {
  return (
    isSameBut(before, after, ['access_token', 'id_token', 'expiry_date']) &&
    typeof after.refresh_token === 'string' &&
    isSameAccount(before.id_token, after.id_token)
  );
}
