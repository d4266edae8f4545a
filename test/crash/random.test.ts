import { describe, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { killAtMoments } from '../support/crash-kills.ts';
import { momentsOf } from '../support/crash-moments.ts';
import { drawn } from '../support/drawn.ts';
import { randomOf } from '../support/random.ts';

describe('whatever is killed, and whenever', () => {
  const random = randomOf(seedOf('moments'));
  // The soak takes many, of every kind of victim.
  const moments = drawn(momentsOf(random, 5), 3, random);

  it('loses no work, does nothing twice, and leaves nobody behind', () => killAtMoments(moments));
});
