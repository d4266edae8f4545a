import { describe, it } from 'vitest';
import type { Fault } from './support/crash.ts';
import { killAtEach } from './support/crash-kills.ts';
import { atEachPoint } from './support/crash-moments.ts';

describe('an engine that is killed between two of its writes', () => {
  it('loses nothing and does nothing twice, whichever two they are', () => killAtEach(atEachPoint(1)), 240_000);

  it('nor when it is killed there later on', () => killAtEach(atEachPoint(2).reverse()), 240_000);

  it('starts no agent twice when it is killed right after it spawned one', async () => {
    await killAtEach([1, 2, 1].map((nth): Fault => ({ point: 'agent-run.before-spawn', nth, isLate: true })));
  }, 120_000);
});
