import { describe, it } from 'vitest';
import { randomOf, seedOf } from './support/crash.ts';
import { killAtMoments } from './support/crash-kills.ts';
import { momentsOf } from './support/crash-moments.ts';

describe('whatever is killed, and whenever', () => {
  const random = randomOf(seedOf('moments'));
  const moments = momentsOf(random, 20);

  it('loses no work, does nothing twice, and leaves nobody behind', async () => {
    await Promise.all([killAtMoments(moments.slice(0, 10)), killAtMoments(moments.slice(10))]);
  }, 240_000);
});
