import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { landUnderKills } from '../support/landing-kills.ts';
import { isShort } from './length.ts';

const plans = isShort ? 10 : 40;
const kills = isShort ? 40 : 200;

it.each(['github', 'gitea', 'gitlab'] as const)(
  `${plans} plans land by %s, which fails at random, though their engine is killed ${kills} times`,
  async (forge) => {
    await landUnderKills({ plans, points: [], kills, seed: seedOf(`landing by ${forge}`), batch: 1, forge });
    expect.hasAssertions();
  },
  3_600_000,
);
