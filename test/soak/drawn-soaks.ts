/**
 * The soaks that `.ci/run` plays: as many as fit into its time, chosen by the commit, so that each is played sooner or later. `STATOR_SOAK_SEED` is
 * the commit in hexadecimal digits. The random numbers in the soaks follow from it too, so the same seed plays the same again.
 */
import { readdirSync } from 'node:fs';
import { drawn } from '../support/drawn.ts';
import { randomOf } from '../support/random.ts';
import { seedNumberOf } from '../support/seed.ts';
import { realShortS, soaks, wholeInSoak } from './left-out.ts';

/** The longest of them fits. They run side by side, and take five minutes at most. */
export const drawnS = 240;

/** The files in their order, each with its seconds in the short form. */
export function drawnSoaks(seed: string): readonly (readonly [file: string, seconds: number])[] {
  const real = readdirSync('test/real').filter((name) => name.endsWith('.test.ts'));
  const all = [
    ...Object.entries(soaks).map(([file, { shortS }]) => [file, shortS] as const),
    ...Object.entries(wholeInSoak),
    ...real.map((name) => [`test/real/${name}`, realShortS] as const),
  ];
  let left = drawnS;
  return drawn(all, all.length, randomOf(seedNumberOf(seed))).filter(([, seconds]) => {
    if (seconds === 0 || seconds > left) return false;
    left -= seconds;
    return true;
  });
}
