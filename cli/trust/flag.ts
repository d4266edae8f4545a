/** `--trust`: yes to a repo as it is now, or as somebody has seen it. */

/** A text is the digest of what is trusted. */
export type TrustFlag = boolean | string;

export const trustArg = {
  type: 'boolean',
  valueHint: 'digest',
  description: 'let what its files enable act, and print it; with a digest only that very state',
} as const;
