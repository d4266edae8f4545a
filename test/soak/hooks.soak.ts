import { describe, expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { tryHooks } from '../support/hook-trial.ts';
import { isShort } from './length.ts';

const rounds = isShort ? 10 : 100;

describe('hooks whose receiver fails three times in ten', () => {
  it(`${50 * rounds * 2} events and 10 kills: none lost, none out of order`, async () => {
    await tryHooks({ plans: 50, rounds, kills: 10, seed: seedOf('hooks') });
    expect.hasAssertions();
  }, 1_200_000);
});
