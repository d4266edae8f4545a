import { describe, expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { hostsGround } from '../support/hosts.ts';
import { playRound } from '../support/hosts-chaos.ts';
import { isShort } from './length.ts';

const rounds = Number(process.env.STATOR_SOAK_HOSTS ?? (isShort ? 2 : 20));
const ground = await hostsGround();

describe('hosts that share a store, while daemons, agents, the network and the database fail', () => {
  const seed = seedOf('hosts');

  for (let round = 0; round < rounds; round += 1)
    it(`finish 30 plans, and do every task once: round ${round + 1}`, async () => {
      await playRound(ground, { seed: seed + round, plansOfHost: 10, movesOfHost: 8 });
      expect.hasAssertions();
    });
});
