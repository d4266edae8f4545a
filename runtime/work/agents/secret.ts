/**
 * The secrets that stator itself uses: tokens of forges, trackers and chats, keys of webhooks. Each is in a variable of an env file or of the engine's
 * environment, is read anew at each use, and is in no message.
 */
import { existsSync, realpathSync } from 'node:fs';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Environment } from '../../base/platform/home.ts';
import { isWithin } from '../git/worktree-folder.ts';
import { readEnvFile } from './env-file.ts';

/** The accepted form of a secret. A blank secret counts as missing. */
export interface SecretForm {
  readonly pattern: RegExp;
  /** The text after `is no` in an error. */
  readonly is: string;
}

export interface SecretPlace {
  /** The table that names it, such as `[chats.team] in daemon.toml`. */
  readonly of: string;
  /** The variables that may contain it, in order. */
  readonly variables: readonly string[];
  /** The env file that is searched first; null: none. */
  readonly envFile: string | null;
  /**
   * The repo whose configuration this is: it may name an env file of its own. Default: a person's own configuration, for which no repo may provide
   * the file.
   */
  readonly repo?: string;
  readonly form?: SecretForm;
}

export interface SecretParts {
  readonly env: Environment;
  /** The registered repos: a person who can push to one must not choose the secret. */
  readonly projects?: { all(): readonly { readonly path: string }[] };
}

export interface FoundSecret {
  readonly value: string;
  readonly from: string;
}

/** Printable characters only. */
export function secretForm(minChars: number): SecretForm {
  return {
    pattern: new RegExp(`^[\\x21-\\x7e]{${minChars},4096}$`),
    is: `secret of ${minChars} to 4096 printed characters without blanks`,
  };
}

const usual = secretForm(1);

/**
 * null: the secret was not found. Throws `bad_config` for a secret of another form, and for an env file in a repo; also the errors of `readEnvFile`.
 */
export function findSecret(
  { of, variables, envFile, repo, form = usual }: SecretPlace,
  { env, projects }: SecretParts,
): FoundSecret | null {
  const places = [{ values: env, in: 'the environment' }];
  if (envFile !== null) {
    if (repo === undefined) refuseRepos({ envFile, of }, projects?.all() ?? []);
    places.unshift({ values: readEnvFile(envFile, repo ?? '/', of).variables, in: envFile });
  }
  for (const name of variables)
    for (const place of places) {
      const value = place.values[name]?.trim() ?? '';
      if (value === '') continue;
      if (form.pattern.test(value)) return { value, from: place.values === env ? name : `${name} in ${envFile}` };
      throw new EngineError(
        'bad_config',
        `${name} in ${place.in} is no ${form.is}; ${of} needs it`,
        `correct ${name} there`,
      );
    }
  return null;
}

/** As `findSecret`, and throws `no_token` if it is not found. */
export function readSecret(place: SecretPlace, parts: SecretParts): string {
  const found = findSecret(place, parts);
  if (found !== null) return found.value;
  const { of, variables } = place;
  throw new EngineError(
    'no_token',
    `there is no ${variables.join(' or ')}, which ${of} needs`,
    secretWays(place).join('; or '),
  );
}

/** The ways in which a person can provide it. */
export function secretWays({ of, variables: [name = ''], envFile }: SecretPlace): readonly string[] {
  return [
    envFile === null
      ? `write ${name}=<value> into a file that only you can read, and name it as env_file of ${of}`
      : `write ${name}=<value> into ${envFile}; it is taken as soon as it is there`,
    `set ${name} where the engine is started: stator daemon restart`,
  ];
}

function refuseRepos(
  { envFile, of }: { envFile: string; of: string },
  repos: readonly { readonly path: string }[],
): void {
  const real = (path: string) => (existsSync(path) ? realpathSync(path) : path);
  const repo = repos.find(({ path }) => isWithin(real(path), real(envFile)));
  if (repo === undefined) return;
  throw new EngineError(
    'bad_config',
    `the env file ${envFile} of ${of} is in the repo ${repo.path}: who can push to that could choose the secret`,
    'move it out of every repo, and name it by its absolute path',
  );
}
