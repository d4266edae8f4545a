import { describe, expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { hostsGround } from '../support/hosts.ts';
import { playRound } from '../support/hosts-chaos.ts';

const ground = await hostsGround();

describe('hosts that share a store, while daemons, agents, the network and the database fail', () => {
  const seed = seedOf('hosts');

  // The soak plays many rounds.
  it('finish every plan, and do every task once', async () => {
    await playRound(ground, { seed, plansOfHost: 1, movesOfHost: 2 });
    expect.hasAssertions();
  });
});
