import { describe, expect, it } from 'vitest';
import { tryHooks } from '../support/hook-trial.ts';
import { isShort } from './length.ts';

const rounds = isShort ? 10 : 100;

describe('hooks whose receiver fails three times in ten', () => {
  it(`${50 * rounds * 2} events and 10 kills: none lost, none out of order`, async () => {
    const seed = Number(process.env.STATOR_CRASH_SEED ?? Date.now() % 1_000_000);
    console.log(`hooks: STATOR_CRASH_SEED=${seed}`);
    await tryHooks({ plans: 50, rounds, kills: 10, seed });
    expect.hasAssertions();
  }, 1_200_000);
});
