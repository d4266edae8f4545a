/** `--trust`: trusts a repo as it is now, or as a person has seen it. */
import { EngineError } from '../../machines/vocabulary/errors.ts';

/** A text is the digest of the trusted files. */
export type TrustFlag = boolean | string;

export const trustArg = {
  type: 'boolean',
  valueHint: 'digest',
  description: 'let its files start programs; <digest>: only if unchanged',
} as const;

/** The flag of `run`, which can also continue with the trusted version whatever the files contain now. */
export const runTrustArg = {
  type: 'boolean',
  valueHint: 'digest',
  description: 'let its files start programs; =before: as it was trusted',
} as const;

/** Throws `usage` for a text that is no digest, before anything is read. */
export function trustOf(given: TrustFlag | undefined): TrustFlag {
  if (typeof given !== 'string') return given ?? false;
  if (isDigest(given)) return given;
  throw new EngineError(
    'usage',
    `--trust is "${given}"`,
    'write --trust alone, or the digest of 64 hex digits that the same command shows without it',
  );
}

/** Lists print only its beginning. */
export function isDigest(given: string): boolean {
  return /^[0-9a-f]{64}$/i.test(given);
}
