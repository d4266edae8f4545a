import { describe, it } from 'vitest';
import { killedThroughPlan } from '../support/acp-killed.ts';
import { seedOf } from '../support/crash.ts';
import { randomOf } from '../support/random.ts';
import { noWallsHere } from '../support/walls.ts';
import { isShort } from './length.ts';

describe('an agent of the Agent Client Protocol that misbehaves in each way', () => {
  const random = randomOf(seedOf('acp'));
  for (const sandbox of noWallsHere === null ? (['off', 'bwrap'] as const) : (['off'] as const))
    it(`works through its plan while engines are killed, sandbox = "${sandbox}"`, () =>
      killedThroughPlan({ kills: isShort ? 10 : 60, sandbox, random }));
});
