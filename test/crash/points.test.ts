import { describe, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { killAtEach } from '../support/crash-kills.ts';
import { atEachPoint } from '../support/crash-moments.ts';
import { drawn } from '../support/drawn.ts';
import { randomOf } from '../support/random.ts';

describe('an engine that is killed between two of its writes', () => {
  const random = randomOf(seedOf('points'));
  const faults = drawn([...atEachPoint(1), ...atEachPoint(2)], 4, random);

  const ofR10 = [
    { point: 'agent-run.before-spawn', nth: random() < 0.5 ? 1 : 2, isLate: true },
    { point: 'lanes.after-claim', nth: 2 },
    { point: 'agent-run.after-spawn', nth: 1 },
  ] as const;

  it(
    'loses nothing and does nothing twice, at some of its points (the soak takes each); R10: starts no agent twice when it is killed right after it spawned one, or between its claim and its record',
    () => killAtEach([...ofR10, ...faults]),
    240_000,
  );
});
