/** A machine of one's own in an engine that kills itself (play-release.mjs): a timer and an effect. Each try of the effect leaves its key in the ledger. */
import { appendFileSync } from 'node:fs';
import { setup } from 'xstate';
import { z } from 'zod';
import { defineMachine } from '../../../dist/bin/engine.js';
import { ledger, playRelease } from './play-release.mjs';

const machine = setup({ actions: { publish: () => {}, remind: () => {} } }).createMachine({
  id: 'release',
  initial: 'asking',
  states: {
    asking: { on: { approve: 'waiting' } },
    waiting: { entry: 'remind', on: { reminded: 'publishing' } },
    publishing: { entry: 'publish', on: { published: 'out' } },
    out: { type: 'final' },
  },
});
const release = defineMachine({
  name: 'release',
  machine,
  version: 1,
  signals: { approve: z.strictObject({}) },
  effects: {
    remind: { afterMs: 300, event: 'reminded' },
    publish: {
      run: async ({ key }) => {
        appendFileSync(ledger, `${key}\n`);
        return { type: 'published' };
      },
    },
  },
});

await playRelease(release);
