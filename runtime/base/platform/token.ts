/** The tokens of programs: random, stored only as a hash. The hash is looked up, so how long that takes reveals nothing about the token. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { textDigest } from './text-digest.ts';

/** 256 bits: nobody guesses one, however long they try. */
const tokenBytes = 32;

/** A new token: 43 characters of `A-Z a-z 0-9 - _`. */
export function newToken(): string {
  return randomBytes(tokenBytes).toString('base64url');
}

/** The SHA-256 of a token in hex, the only form in which it is stored. */
export function tokenHash(token: string): string {
  return textDigest(token);
}

/** Whether two texts are the same, in a time that reveals nothing about either: their hashes are compared. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(tokenHash(one)), Buffer.from(tokenHash(other)));
}
