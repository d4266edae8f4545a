/** Where the secrets of an intake are. */
import type { SecretPlace } from '../agents/secret.ts';

export interface SecretOwner {
  readonly name: string;
  readonly env_file?: string | undefined;
}

/** `variable`: `env:NAME`. */
export function placeOfIntake({ name, env_file: envFile = undefined }: SecretOwner, variable: string): SecretPlace {
  const variables = [variable.slice('env:'.length)];
  return { of: `[intake.${name}] in daemon.toml`, variables, envFile: envFile ?? null };
}
