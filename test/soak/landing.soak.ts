import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { landInMembersUnderKills, landUnderKills } from '../support/landing-kills.ts';
import { isShort } from './length.ts';

const plans = isShort ? 10 : 40;
const kills = isShort ? 40 : 200;
const ofMembers = isShort ? { plans: 4, kills: 8 } : { plans: 20, kills };
/** People's manual changes must be repaired, which takes time. */
const withPeople = isShort ? { plans: 4, kills: 8 } : { plans, kills };

it.each([1, 4])(
  `${plans} plans land each once and checked, though their engine is killed ${kills} times: batch = %i`,
  async (batch) => {
    await landUnderKills({ plans, points: [], kills, seed: seedOf('landing'), batch });
    expect.hasAssertions();
  },
  3_600_000,
);

it(`${ofMembers.plans} plans of two repos land in both or in none, where people commit to both, and ${ofMembers.kills} kills come in between`, async () => {
  await landInMembersUnderKills({ ...ofMembers, points: [], seed: seedOf('members') });
  expect.hasAssertions();
}, 3_600_000);

it.each(['github', 'gitea', 'gitlab'] as const)(
  `${withPeople.plans} plans land by %s, where people push by force, close, edit and merge by hand, and ${withPeople.kills} kills come in between`,
  async (forge) => {
    const seed = seedOf(`people at ${forge}`);
    await landUnderKills({ ...withPeople, points: [], seed, batch: 1, forge, hasPeople: true });
    expect.hasAssertions();
  },
  3_600_000,
);
