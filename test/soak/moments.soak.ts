import { describe, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { killAtMoments } from '../support/crash-kills.ts';
import { momentsOf } from '../support/crash-moments.ts';
import { randomOf } from '../support/random.ts';
import { isShort } from './length.ts';

const perPlan = 5;

describe('whatever is killed, and whenever', () => {
  const random = randomOf(seedOf('moments'));
  const moments = momentsOf(random, Number(process.env.STATOR_SOAK_MOMENTS ?? (isShort ? 20 : 200)));

  for (let first = 0; first < moments.length; first += perPlan) {
    const some = moments.slice(first, first + perPlan);
    it(`moments ${first + 1} to ${first + some.length}`, () => killAtMoments(some));
  }
});
