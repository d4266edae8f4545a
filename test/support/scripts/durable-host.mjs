/** One host of several: an engine with the job of durable-hosts.test.ts, whose work never ends here, and which says when it has begun. `node durable-host.mjs <url> <host>` */
import { fromPromise, setup } from 'xstate';
import { createEngine, defineMachine } from '../../../dist/bin/durable.js';

const [store, host] = process.argv.slice(2);
const work = fromPromise(async () => {
  console.log('working');
  await new Promise(() => {});
});
const machine = setup({ actors: { work } }).createMachine({
  context: { by: null },
  initial: 'working',
  states: { working: { invoke: { src: 'work' } } },
});
const engine = await createEngine({ store, host, machines: [defineMachine({ name: 'job', machine, version: 1 })] });
await engine.machines.job.start('one');
