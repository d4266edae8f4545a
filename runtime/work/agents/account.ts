/** The account of an agent: the unit for which a service counts its limits. */
import { basename } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { acpAgent, eachOwnAcp, withoutAcp } from '../../base/config/acp/agents.ts';
import type { AgentProfile } from '../../base/config/config.ts';
import {
  isProgramPreset,
  type OwnProgramPreset,
  type ProgramPreset,
  presetProgram,
} from '../../base/config/preset-programs.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import { readEnvFile } from './env-file.ts';
import { givenEnvironment } from './environment.ts';

/** The documented variables that determine a program's account. */
interface AccountVariables {
  readonly address: readonly string[];
  /** With one of these variables the program uses no stored login. */
  readonly keys: readonly string[];
  /** The folder of its login and its conversations: the first variable that is set, otherwise HOME. */
  readonly places: readonly string[];
}

const variables: { readonly [preset in OwnProgramPreset]: AccountVariables } = {
  claude: {
    address: [
      'ANTHROPIC_BASE_URL',
      'CLAUDE_CODE_USE_BEDROCK',
      'CLAUDE_CODE_USE_VERTEX',
      'ANTHROPIC_BEDROCK_BASE_URL',
      'ANTHROPIC_VERTEX_BASE_URL',
      'ANTHROPIC_VERTEX_PROJECT_ID',
    ],
    keys: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN'],
    places: ['CLAUDE_CONFIG_DIR'],
  },
  codex: { address: ['OPENAI_BASE_URL'], keys: ['CODEX_API_KEY', 'OPENAI_API_KEY'], places: ['CODEX_HOME'] },
  gemini: {
    address: ['GOOGLE_GEMINI_BASE_URL', 'GOOGLE_GENAI_USE_VERTEXAI', 'GOOGLE_CLOUD_PROJECT'],
    keys: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    places: ['GEMINI_CLI_HOME'],
  },
  opencode: {
    address: ['OPENCODE_CONFIG'],
    keys: [
      ...['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
      ...['OPENROUTER_API_KEY', 'GROQ_API_KEY', 'MISTRAL_API_KEY', 'DEEPSEEK_API_KEY', 'XAI_API_KEY'],
    ],
    places: ['XDG_DATA_HOME'],
  },
  ...eachOwnAcp((preset) => {
    const agent = acpAgent(preset);
    const place = agent?.home.variable ?? null;
    return { address: agent?.addresses ?? [], keys: agent?.keys ?? [], places: place === null ? [] : [place] };
  }),
};
const digestLength = 10;

interface AccountContext {
  readonly repo: string;
  /** The environment of the process that starts the agent. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The account's name: from the profile, otherwise the program and a digest of the address and the key, or of the login's folder, so that no key is shown or
 * stored. null: stator knows no limits of this program. An unreadable env file is ignored here: the start reports it.
 */
export function accountOf(profile: AgentProfile, context: AccountContext): string | null {
  const { program, model } = profile;
  if (!isProgramPreset(profile.preset)) return null;
  if (profile.account !== null) return profile.account;
  const preset = withoutAcp(profile.preset);
  const { address, keys } = variables[preset];
  const env = environmentOf(profile, context);
  const valuesOf = (names: readonly string[]) => names.flatMap((name) => (env[name] ? [`${name}=${env[name]}`] : []));
  const login = valuesOf(keys);
  const known = [
    basename(program ?? presetProgram(preset).program ?? ''),
    ...valuesOf(address),
    // opencode uses the service of its model.
    ...(preset === 'opencode' ? [(model ?? '').split('/')[0] ?? ''] : []),
    ...(login.length > 0 ? login : [placeOf(preset, env)]),
  ];
  const digest = textDigest(JSON.stringify(known));
  return `${preset}-${digest.slice(0, digestLength)}`;
}

/** Whether one profile can resume a conversation of the other: the same program, with the same folder of conversations. */
export function sharesConversations(a: AgentProfile, b: AgentProfile, context: AccountContext): boolean {
  if (a.preset !== b.preset || !isProgramPreset(a.preset)) return false;
  const place = (profile: AgentProfile) => placeOf(profile.preset as ProgramPreset, environmentOf(profile, context)); // the line above excludes sh and command
  return place(a) === place(b);
}

function placeOf(preset: ProgramPreset, env: Readonly<Record<string, string>>): string {
  const name = variables[withoutAcp(preset)].places.find((each) => env[each]) ?? 'HOME';
  return `${name}=${env[name] ?? ''}`;
}

function environmentOf({ preset, env: names, envFile }: AgentProfile, { repo, env: base }: AccountContext) {
  const given = givenEnvironment(base, { preset, names });
  try {
    return envFile === null ? given : { ...given, ...readEnvFile(envFile, repo).variables };
  } catch (thrown) {
    if (thrown instanceof EngineError) return given;
    throw thrown;
  }
}
