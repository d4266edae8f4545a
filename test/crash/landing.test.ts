import { expect, it } from 'vitest';
import { landUnderKills, updateUnderKill } from '../support/landing-kills.ts';

// Nine engines, one after the other.
it('plans that conflict land each once and checked, though their engine is killed at each step of a line', async () => {
  const points = [
    'landing.after-prepare',
    'landing.after-checkout',
    'landing.after-check',
    'landing.before-merge',
    'landing.after-merge',
  ] as const;
  await landUnderKills({ plans: 3, points, kills: 3, seed: 7 });
  expect.hasAssertions();
});

it('a plan that was brought up to date is judged as it is now, though the engine is killed before it knows', async () => {
  await updateUnderKill();
  expect.hasAssertions();
});
