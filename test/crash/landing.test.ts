import { expect, it } from 'vitest';
import {
  claimUnderKills,
  landInMembersUnderKills,
  landUnderKills,
  linkUnderKills,
  updateUnderKill,
} from '../support/landing-kills.ts';

const points = [
  'landing.after-prepare',
  'landing.after-checkout',
  'landing.after-check',
  'landing.before-merge',
  'landing.after-merge',
] as const;

// Seven engines, one after the other.
it('plans that conflict land each once and checked, though their engine is killed at each step of a line', async () => {
  await landUnderKills({ plans: 3, points, kills: 1, seed: 7, batch: 1 });
  expect.hasAssertions();
});

it('plans that are tried together land each once, on checked commits, though their engine is killed at each step', async () => {
  const ofBatch = ['landing.after-prepare', 'landing.after-check', 'landing.after-merge'] as const;
  await landUnderKills({ plans: 4, points: ofBatch, kills: 1, seed: 7, batch: 4 });
  expect.hasAssertions();
});

it('plans of several repos land in all of them or in none, though their engine is killed at each step, and people commit there', async () => {
  const ofMembers = ['members.after-note', 'members.after-move', 'members.after-moves', 'landing.after-check'] as const;
  await landInMembersUnderKills({ plans: 3, points: ofMembers, kills: 1, seed: 7 });
  expect.hasAssertions();
});

it('plans land by their forge each once and checked, though it often fails, people change their requests and branches by hand, and their engine is killed at each step and at other times', async () => {
  const points = ['landing.before-merge', 'landing.after-merge'] as const;
  await landUnderKills({ plans: 3, points, kills: 1, seed: 7, batch: 1, forge: 'gitea', hasPeople: true });
  expect.hasAssertions();
});

// Seven engines, one after the other: the points are played for the first member, or for the second.
it('a plan over two repos has one request in each and lands once in both, though its engine is killed between any two steps', async () => {
  await linkUnderKills([
    { point: 'plan-pull.after-create', nth: 1 },
    { point: 'plan-pull.after-push', nth: 2 },
    { point: 'plan-pull.after-create', nth: 2 },
    { point: 'landing.before-merge', nth: 1 },
    { point: 'landing.after-merge', nth: 1 },
    { point: 'landing.after-merge', nth: 1 },
  ]);
  expect.hasAssertions();
});

it('a plan that was brought up to date is judged as it is now, though the engine is killed before it knows', async () => {
  await updateUnderKill();
  expect.hasAssertions();
});

it('plans that declare the same file never work at the same time, though their engine is killed again and again', async () => {
  await claimUnderKills(2, 11);
  expect.hasAssertions();
});
