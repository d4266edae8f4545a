/** The simulation finds what is wrong with an engine: faults that are put in on purpose. */
import { describe, expect, it } from 'vitest';
import { type EngineFault, engineFaults } from './engine-faults.ts';
import { play } from './run.ts';
import { shrink } from './shrink.ts';
import { storyOf } from './story.ts';

const seedLimit = 500;

async function firstFound(fault: EngineFault): Promise<{ seed: number; failure: string }> {
  for (let seed = 1; seed <= seedLimit; seed += 1) {
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
    const fault: EngineFault = engineFaults[name as keyof typeof engineFaults]; // a key of it
    const { seed, failure } = await firstFound(fault);
    process.stdout.write(`${name}: seed ${seed}: ${failure.slice(0, 200)}\n`);
    expect(failure).toMatch(says);
  });

  it('a fault fails with the fewest happenings that it takes', async () => {
    const fault = engineFaults['a timer that is kept in wall time'];
    const { seed } = await firstFound(fault);
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
