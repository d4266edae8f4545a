/** Ids of deliveries to others: unique everywhere, and sorted by time as text. */
import { randomBytes } from 'node:crypto';

/** Crockford's base 32: no letters that are taken for digits. */
const digits = '0123456789abcdefghjkmnpqrstvwxyz';
/** 50 bits of milliseconds, 80 random bits. */
const timeLength = 10;
const chanceBytes = 16;

/** `msg_` and a ULID in small letters: 30 characters. */
export function newDeliveryId(atMs: number): string {
  const time = Array.from({ length: timeLength }, (_, index) => {
    const place = 32 ** (timeLength - 1 - index);
    return digits[Math.floor(atMs / place) % 32];
  });
  const chance = [...randomBytes(chanceBytes)].map((byte) => digits[byte % 32]);
  return `msg_${[...time, ...chance].join('')}`;
}
