/** A receiver that fails three times in ten, and an engine that is killed in between. */
import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { tryHooks } from '../support/hook-trial.ts';

// Takes some seconds: each of the failures that is waited out takes its time limit.
it('gets every event, in order, each under one id, whatever fails and however often the engine is killed', async () => {
  await tryHooks({ plans: 12, rounds: 5, kills: 3, seed: seedOf('hooks') });
  expect.hasAssertions();
});
