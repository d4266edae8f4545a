import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { playNight } from '../support/night.ts';

// A limit lasts for seconds here, and the watchers of a daemon look every two.
it('items that come at night are done and landed by the morning: the quota runs out and comes back, a person answers in a chat, the daemon is killed', async () => {
  await playNight({ items: 6, repos: 1, questions: 1, kills: 2, limitMs: 6_000, seed: seedOf('night') });
  expect.hasAssertions();
});
