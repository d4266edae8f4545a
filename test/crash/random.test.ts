import { describe, it } from 'vitest';
import { randomOf, seedOf } from '../support/crash.ts';
import { killAtMoments } from '../support/crash-kills.ts';
import { momentsOf } from '../support/crash-moments.ts';

describe('whatever is killed, and whenever', () => {
  const random = randomOf(seedOf('moments'));
  // One victim of each kind; the soak takes many more.
  const moments = momentsOf(random, 5);

  it('loses no work, does nothing twice, and leaves nobody behind', () => killAtMoments(moments), 240_000);
});
