/**
 * An engine with an unchanged chart of XState's that kills itself at a named point: delays, a promise, and a machine below it with a delay of its own. Its
 * argument is JSON: `{home, ledger, point, nth}`. Each try of the promise leaves a line in the ledger.
 */
import { appendFileSync } from 'node:fs';
import { assign, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { createEngine, defineMachine } from '../../../dist/bin/engine.js';

const { home, ledger, point = null, nth = 1 } = JSON.parse(process.argv[2]);
const rest = setup({}).createMachine({
  initial: 'asleep',
  states: { asleep: { after: { 100: 'awake' } }, awake: { type: 'final' } },
  output: 'well',
});
const publish = fromPromise(async ({ input: { version } }) => {
  appendFileSync(ledger, `${version}\n`);
  return { url: `https://registry.example/${version}` };
});
const machine = setup({ actors: { publish, rest } }).createMachine({
  initial: 'asking',
  context: ({ input }) => ({ version: input.version, url: null, ended: null }),
  states: {
    asking: { on: { approve: 'waiting' } },
    waiting: { after: { 300: 'publishing' } },
    publishing: {
      invoke: {
        src: 'publish',
        input: ({ context }) => ({ version: context.version }),
        onDone: { target: 'resting', actions: assign({ url: ({ event }) => event.output.url }) },
        onError: 'failed',
      },
    },
    resting: {
      invoke: { src: 'rest', onDone: { target: 'out', actions: assign({ ended: ({ event }) => event.output }) } },
    },
    failed: { type: 'final' },
    out: { type: 'final' },
  },
});
const release = defineMachine({
  name: 'release',
  machine,
  version: 1,
  signals: { approve: z.strictObject({}) },
  actors: { publish: { attempts: 5 } },
});

let seen = 0;
const faults = (at) => {
  if (at !== point) return;
  seen += 1;
  if (seen === nth) process.kill(process.pid, 'SIGKILL');
};
const engine = await createEngine({ home, env: process.env, machines: [release], faults, waitForHomeMs: 5_000 });
const tree = engine.machines.release;
await tree.start('1.2', { version: '1.2.0' });
if ((await tree.get('1.2')).value === 'asking')
  await tree.send('1.2', { type: 'approve' }, { dedupeKey: 'approve 1.2' });
while ((await tree.get('1.2')).status === 'active') await new Promise((resolve) => setTimeout(resolve, 10));
const { value, context } = await tree.get('1.2');
process.stdout.write(`${JSON.stringify({ value, context, lines: await tree.history('1.2') })}\n`);
await engine.stop();
