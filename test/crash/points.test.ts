import { describe, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { killAtEach } from '../support/crash-kills.ts';
import { atEachPoint } from '../support/crash-moments.ts';
import { drawn } from '../support/drawn.ts';
import { randomOf } from '../support/random.ts';

describe('an engine that is killed between two of its writes', () => {
  const random = randomOf(seedOf('points'));
  const faults = drawn([...atEachPoint(1), ...atEachPoint(2)], 4, random);

  it(
    'loses nothing and does nothing twice, at some of its points (the soak takes each)',
    () => killAtEach(faults),
    240_000,
  );

  it('R10: starts no agent twice when it is killed right after it spawned one', async () => {
    await killAtEach([{ point: 'agent-run.before-spawn', nth: random() < 0.5 ? 1 : 2, isLate: true }]);
  });
});
