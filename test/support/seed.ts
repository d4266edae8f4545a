/**
 * Random values of tests follow from the commit: two runs of one commit draw the same, and other commits draw others. `STATOR_CRASH_SEED` (a whole
 * number) replaces the seed.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';

/** A commit as a number: its first seven digits. */
export function seedNumberOf(commit: string): number {
  const digits = /^[0-9a-f]{7,40}$/.exec(commit)?.[0];
  if (digits === undefined) throw new Error(`${commit} is no commit: 7 to 40 hexadecimal digits are accepted`);
  return Number.parseInt(digits.slice(0, 7), 16);
}

/** For the environment of the tests. Outside of a git repository it is a new one each time. */
export function seedOfHead(): string {
  const given = process.env.STATOR_CRASH_SEED;
  if (given !== undefined) return given;
  try {
    return String(seedNumberOf(execFileSync('git', ['rev-parse', 'HEAD'], { stdio: 'pipe' }).toString().trim()));
  } catch {
    return String(randomInt(1_000_000));
  }
}
