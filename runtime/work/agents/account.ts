/** The account of an agent: the unit for which a service counts its limits. */
import { basename } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { withoutAcp } from '../../base/config/acp/agents.ts';
import type { AgentProfile } from '../../base/config/config.ts';
import { isProgramPreset, type ProgramPreset, presetProgram } from '../../base/config/preset-programs.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import { readEnvFile } from './env-file.ts';
import { givenEnvironment } from './environment.ts';
import { programOf } from './presets/programs.ts';

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
  const { account, hasServiceOfModel = false } = programOf(profile.preset);
  const { address, keys } = account;
  const env = environmentOf(profile, context);
  const valuesOf = (names: readonly string[]) => names.flatMap((name) => (env[name] ? [`${name}=${env[name]}`] : []));
  const login = valuesOf(keys);
  const known = [
    basename(program ?? presetProgram(preset).program ?? ''),
    ...valuesOf(address),
    ...(hasServiceOfModel ? [(model ?? '').split('/')[0] ?? ''] : []),
    ...(login.length > 0 ? login : [placeOf(profile.preset, env)]),
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
  const name = programOf(preset).account.places.find((each) => env[each]) ?? 'HOME';
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
