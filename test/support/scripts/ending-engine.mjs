/**
 * An engine with a machine whose trees end the process: the tree `timer` as its delay is over, the tree `effect` at the result of its promise. The tree
 * `other` only says that its delay is over. The argument of the process is JSON: `{home, start}`; `start`: the tree that is begun. It ends by itself once
 * `other` is over and no tree ends it any more, and prints the list of the trees and the warnings.
 */
import { fromPromise, setup } from 'xstate';
import { createEngine, defineMachine } from '../../../dist/bin/engine.js';

const { home, start = [] } = JSON.parse(process.argv[2]);
const end = () => process.kill(process.pid, 'SIGKILL');

const machine = setup({ actions: { end }, actors: { work: fromPromise(async () => 'done') } }).createMachine({
  initial: 'asked',
  context: ({ input }) => ({ way: input.way }),
  states: {
    asked: {
      always: [
        { guard: ({ context }) => context.way === 'effect', target: 'working' },
        { guard: ({ context }) => context.way === 'timer', target: 'waiting' },
        'resting',
      ],
    },
    working: { invoke: { src: 'work', onDone: { target: 'over', actions: 'end' }, onError: 'over' } },
    waiting: { after: { 20: { target: 'over', actions: 'end' } } },
    resting: { after: { 20: 'over' } },
    over: {},
  },
});
const ending = defineMachine({
  name: 'ending',
  machine,
  version: 1,
  signals: {},
  actors: { work: { attempts: 20 } },
});

const engine = await createEngine({ home, env: process.env, machines: [ending], waitForHomeMs: 5_000 });
const trees = engine.machines.ending;
for (const id of start) await trees.start(id, { way: id });
const isOver = async ({ id, set_aside: aside }) => (await trees.get(id)).value === 'over' || aside !== undefined;
for (;;) {
  const list = await trees.list();
  if ((await Promise.all(list.map(isOver))).every(Boolean)) break;
  await new Promise((resolve) => setTimeout(resolve, 10));
}
process.stdout.write(JSON.stringify({ list: await trees.list(), warnings: await engine.client.warnings() }));
await engine.stop();
