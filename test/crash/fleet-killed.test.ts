import { expect, it } from 'vitest';
import { killUnderLoad } from '../support/fleet-kills.ts';

it('a daemon that is killed under load loses no word, no file, no agent and no event, and does nothing twice', async () => {
  await killUnderLoad(1);
  expect.hasAssertions();
});
