/**
 * An engine with a machine of one's own that kills itself at a named point. Its argument is JSON: `{home, ledger, point, nth}`. It begins the tree, says
 * `approve` once, and prints `done` when the tree is out. Each try of the effect leaves a line in the ledger.
 */
import { appendFileSync } from 'node:fs';
import { setup } from 'xstate';
import { z } from 'zod';
import { createEngine, defineMachine } from '../../../dist/bin/engine.js';

const { home, ledger, point = null, nth = 1 } = JSON.parse(process.argv[2]);
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

let seen = 0;
const faults = (at) => {
  if (at !== point) return;
  seen += 1;
  if (seen === nth) process.kill(process.pid, 'SIGKILL');
};
const engine = await createEngine({ home, env: process.env, machines: [release], faults, waitForHomeMs: 5_000 });
const tree = engine.machines.release;
await tree.start('1.2');
if ((await tree.get('1.2')).value === 'asking')
  await tree.send('1.2', { type: 'approve' }, { dedupeKey: 'approve 1.2' });
while ((await tree.get('1.2')).status === 'active') await new Promise((resolve) => setTimeout(resolve, 10));
process.stdout.write(`${JSON.stringify(await tree.history('1.2'))}\n`);
await engine.stop();
