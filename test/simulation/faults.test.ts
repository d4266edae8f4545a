/** The simulation finds what is wrong with an engine: faults that are put in on purpose. */
import { describe, expect, it } from 'vitest';
import { type EngineFault, engineFaults } from './engine-faults.ts';
import { play } from './run.ts';
import { shrink } from './shrink.ts';
import { storyOf } from './story.ts';

const seedLimit = 500;
/** Seeds that have found it: they are played first, because the search for another one may take a minute. */
const known: Partial<Record<keyof typeof engineFaults, number>> = {
  'a settle before its commit': 122,
  'a timer that is kept in wall time': 3,
  'a hook numbered before its commit': 3,
};

async function firstFound(name: keyof typeof engineFaults): Promise<{ seed: number; failure: string }> {
  const fault: EngineFault = engineFaults[name];
  const seeds = Array.from({ length: seedLimit }, (_, index) => index + 1);
  for (const seed of [known[name] ?? 1, ...seeds]) {
    const { failure } = await play(storyOf(seed), { fault });
    if (failure !== null) return { seed, failure };
  }
  throw new Error(`no seed up to ${seedLimit} finds it`);
}

describe('an engine with', () => {
  const found: Record<keyof typeof engineFaults, RegExp> = {
    'a lost fence': /./,
    'a settle before its commit': /./,
    'a timer that is kept in wall time': /the timer .* (early|late)/,
    'a slot freed too early': /./,
    'a hook numbered before its commit': /is told of/,
    'a request forgotten on restore': /./,
  };
  it.each(Object.entries(found))('%s is found out', async (name, says) => {
    const { seed, failure } = await firstFound(name as keyof typeof engineFaults); // a key of it
    process.stdout.write(`${name}: seed ${seed}: ${failure.slice(0, 200)}\n`);
    expect(failure).toMatch(says);
  });

  it('a fault fails with the fewest happenings that it takes', async () => {
    const name = 'a timer that is kept in wall time';
    const fault = engineFaults[name];
    const { seed } = await firstFound(name);
    const shortest = await shrink(storyOf(seed), { fault });
    expect(shortest.happenings.length).toBeGreaterThan(0);
    expect(shortest.happenings.length).toBeLessThanOrEqual(storyOf(seed).happenings.length);
    expect((await play(shortest, { fault })).failure).not.toBeNull();
    for (const left of shortest.happenings) {
      const fewer = shortest.happenings.filter((one) => one !== left);
      expect((await play({ ...shortest, happenings: fewer }, { fault })).failure).toBeNull();
    }
  });
});
