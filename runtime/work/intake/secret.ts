/** A secret of an intake: from a variable in a private file, or in the engine's environment. It is read at each use, and is in no message. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { readEnvFile } from '../agents/env-file.ts';
import { mustBeOwn } from './own-path.ts';
import type { SourceParts } from './source.ts';

const form = /^[\x21-\x7e]{1,4096}$/;

export interface SecretPlace {
  /** The name of the intake. */
  readonly name: string;
  /** The key of its table that names the variable. */
  readonly key: string;
  /** `env:NAME`. */
  readonly variable: string;
  /** An absolute path, which is searched first. */
  readonly envFile: string | undefined;
  /** A shorter one is refused; default: 1. */
  readonly minChars?: number;
}

/** Throws `no_token` if it is nowhere, `bad_config` for a file that others can write or that a repo holds, `agent_unusable` for one that is no env file. */
export async function readSecret(
  { name, key, variable, envFile, minChars = 1 }: SecretPlace,
  { env, projects }: Pick<SourceParts, 'env' | 'projects'>,
): Promise<string> {
  const wanted = variable.slice('env:'.length);
  const places: NodeJS.ProcessEnv[] = [env];
  if (envFile !== undefined) {
    await mustBeOwn({ path: envFile, is: 'file' }, projects);
    places.unshift(readEnvFile(envFile, '/', `[intake.${name}] of daemon.toml`).variables);
  }
  for (const place of places) {
    const found = place[wanted]?.trim() ?? '';
    if (form.test(found) && found.length >= minChars) return found;
    if (found !== '')
      throw new EngineError(
        'bad_config',
        `${wanted}, which [intake.${name}] ${key} names, is no secret of ${minChars} to 4096 printed characters`,
        'make one: openssl rand -base64 32',
      );
  }
  throw new EngineError(
    'no_token',
    `there is no ${wanted}, which [intake.${name}] ${key} names`,
    envFile === undefined
      ? `write ${wanted}=<value> into a file of your own and name it as env_file of [intake.${name}]; or set ${wanted} where the engine is started: stator daemon restart`
      : `write ${wanted}=<value> into ${envFile}; it is taken as soon as it is there`,
  );
}
