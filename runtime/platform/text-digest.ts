/** What tells whether a plan's file is still the text that was taken from it. */
import { createHash } from 'node:crypto';

/** SHA-256 of the text in UTF-8, in hex. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
