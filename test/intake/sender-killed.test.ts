import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { killUnderSender } from '../support/sender-kills.ts';

it('what a webhook delivers becomes one plan, whatever is sent again and however often the engine is killed', async () => {
  await killUnderSender({ kills: 4, seed: seedOf('intake of a webhook') });
  expect.hasAssertions();
});
