import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { drawn } from '../support/drawn.ts';
import { landUnderKills } from '../support/landing-kills.ts';
import { randomOf } from '../support/random.ts';
import { seedNumberOf } from '../support/seed.ts';
import { isShort } from './length.ts';

const plans = isShort ? 10 : 40;
const kills = isShort ? 40 : 200;
const forges = ['github', 'gitea', 'gitlab'] as const;
/** A commit chooses one of them. */
const commit = process.env.STATOR_SOAK_SEED;
const played = commit === undefined ? forges : drawn(forges, 1, randomOf(seedNumberOf(commit)));

it.each(played)(
  `${plans} plans land by %s, which fails at random, though their engine is killed ${kills} times`,
  async (forge) => {
    await landUnderKills({ plans, points: [], kills, seed: seedOf(`landing by ${forge}`), batch: 1, forge });
    expect.hasAssertions();
  },
  3_600_000,
);
