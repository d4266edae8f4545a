import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { playNight } from '../support/night.ts';
import { isShort } from './length.ts';

const night = isShort
  ? { items: 9, repos: 3, questions: 3, kills: 3, limitMs: 8_000 }
  : { items: 60, repos: 3, questions: 3, kills: 30, limitMs: 120_000 };

it(`${night.items} items over ${night.repos} repositories are done and landed by the morning, under ${night.kills} kills`, async () => {
  await playNight({ ...night, seed: seedOf('a whole night') });
  expect.hasAssertions();
});
