import { expect, it } from 'vitest';
import { landUnderKills } from '../support/landing-kills.ts';
import { isShort } from './length.ts';

const plans = isShort ? 10 : 40;
const kills = isShort ? 40 : 200;

it.each([1, 4])(
  `${plans} plans land each once and checked, though their engine is killed ${kills} times: batch = %i`,
  async (batch) => {
    const seed = Number(process.env.STATOR_CRASH_SEED ?? Date.now() % 1_000_000);
    console.log(`landing: STATOR_CRASH_SEED=${seed}`);
    await landUnderKills({ plans, points: [], kills, seed, batch });
    expect.hasAssertions();
  },
  3_600_000,
);
