/** Words by which a program is known: made by chance, kept as their hash only. What is looked for is the hash, so how long that takes tells nothing of the token. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { textDigest } from './text-digest.ts';

/** 256 bits: nobody guesses one, however long they try. */
const tokenBytes = 32;

/** A new token: 43 characters of `A-Z a-z 0-9 - _`. */
export function newToken(): string {
  return randomBytes(tokenBytes).toString('base64url');
}

/** The SHA-256 of a token in hex, which is all that is kept of it. */
export function tokenHash(token: string): string {
  return textDigest(token);
}

/** Whether two texts are the same, in a time that tells nothing of either: what is compared is their hashes. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(tokenHash(one)), Buffer.from(tokenHash(other)));
}
