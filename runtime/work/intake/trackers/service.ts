/** Requests to a service that is no forge, with the token that its intake names. */
import { type CallOptions, createForgeCall, type ForgeCall } from '../../forges/forge-call.ts';
import { readSecret } from '../secret.ts';
import type { SourceParts } from '../source.ts';
import type { TrackerConfig } from '../tracker.ts';

export type ServiceConfig = Extract<TrackerConfig, { readonly token: string }>;

/** Throws as `readSecret`. */
export async function openService(
  { name, url, token: variable, env_file: envFile, allow_private: allowPrivate }: ServiceConfig,
  parts: Pick<SourceParts, 'env' | 'projects'>,
  optionsOf: (token: string) => Omit<CallOptions, 'hints'>,
): Promise<ForgeCall> {
  const token = await readSecret({ name, key: 'token', variable, envFile }, parts);
  const hints = {
    token: `give [intake.${name}] a token that may do this; see docs/intake.md`,
    kind: `see whether url of [intake.${name}] is right`,
  };
  return createForgeCall({ server: { name, url, allowPrivate }, token }, { ...optionsOf(token), hints });
}
