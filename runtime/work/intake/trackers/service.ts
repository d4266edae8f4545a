/** Requests to a service that is no forge, with the token that its intake names. */

import { readSecret } from '../../agents/secret.ts';
import { type CallOptions, createForgeCall, type ForgeCall } from '../../forges/forge-call.ts';
import { placeOfIntake } from '../secret-place.ts';
import type { SourceParts } from '../source.ts';
import type { TrackerConfig } from '../tracker.ts';

export type ServiceConfig = Extract<TrackerConfig, { readonly token: string }>;

/** Throws as `readSecret`. */
export async function openService(
  config: ServiceConfig,
  parts: Pick<SourceParts, 'env' | 'projects'>,
  optionsOf: (token: string) => Omit<CallOptions, 'hints'>,
): Promise<ForgeCall> {
  const { name, url, allow_private: allowPrivate } = config;
  const token = readSecret(placeOfIntake(config, config.token), parts);
  const hints = {
    token: `give [intake.${name}] a token that may do this; see docs/intake.md`,
    kind: `see whether url of [intake.${name}] is right`,
  };
  return createForgeCall({ server: { name, url, allowPrivate }, token }, { ...optionsOf(token), hints });
}
