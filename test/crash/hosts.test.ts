import { describe, expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { hostsGround } from '../support/hosts.ts';
import { playRound } from '../support/hosts-chaos.ts';

const ground = await hostsGround();

describe('hosts that share a store, while daemons, agents, the network and the database fail', () => {
  const seed = seedOf('hosts');

  // The soak plays many.
  for (const round of [0, 1])
    it(`finish every plan, and do every task once: round ${round + 1}`, async () => {
      await playRound(ground, { seed: seed + round, plansOfHost: 2, movesOfHost: 3 });
      expect.hasAssertions();
    });
});
