/**
 * An engine with a machine whose trees end the process: the tree `timer` as its delay is over, the tree `effect` at the result of its promise, the tree
 * `promise` in its promise. The tree `other` only says that its delay is over, the tree `slow` that its promise has settled. The argument of the process is
 * JSON: `{home, start, minutesPass}`; `start`: the trees that are begun. It ends by itself once no tree ends it any more, and prints the list of the trees,
 * the warnings and the notifications. The promise of the tree `stays` never settles: its process is killed from outside. `minutesPass`: timers of a minute are
 * over at once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { assign, fromPromise, setup } from 'xstate';
import { createEngine, defineMachine } from '../../../dist/bin/engine.js';

const { home, start = [], minutesPass = false } = JSON.parse(process.argv[2]);
const end = () => process.kill(process.pid, 'SIGKILL');

const actors = {
  work: fromPromise(async () => 'done'),
  ending: fromPromise(async () => end()),
  slow: fromPromise(() => delay(100)),
  stays: fromPromise(() => new Promise(() => {})),
};
const noteError = assign({ error: ({ event }) => event.error.message });

const machine = setup({ actions: { end, noteError }, actors }).createMachine({
  initial: 'asked',
  context: ({ input }) => ({ way: input.way }),
  states: {
    asked: {
      always: [
        { guard: ({ context }) => context.way === 'effect', target: 'working' },
        { guard: ({ context }) => context.way === 'timer', target: 'waiting' },
        { guard: ({ context }) => context.way === 'promise', target: 'ending' },
        { guard: ({ context }) => context.way === 'slow', target: 'slow' },
        { guard: ({ context }) => context.way === 'stays', target: 'staying' },
        'resting',
      ],
    },
    working: { invoke: { src: 'work', onDone: { target: 'over', actions: 'end' }, onError: 'over' } },
    ending: { invoke: { src: 'ending', onDone: 'resting', onError: { target: 'over', actions: 'noteError' } } },
    slow: { invoke: { src: 'slow', onDone: 'over' } },
    staying: { invoke: { src: 'stays', onDone: 'over' } },
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
  view: ({ context }) => ({ error: context.error ?? null }),
});

const after = (ms, act) => {
  const timer = setTimeout(act, ms === 60_000 ? 0 : ms);
  return () => clearTimeout(timer);
};
const clock = { nowMs: () => Date.now(), after };
const engine = await createEngine({
  ...{ home, env: process.env, machines: [ending], waitForHomeMs: 5_000 },
  ...(minutesPass ? { clock } : {}),
});
const trees = engine.machines.ending;
for (const id of start) await trees.start(id, { way: id });
const isOver = async ({ id, set_aside: aside }) => (await trees.get(id)).value === 'over' || aside !== undefined;
for (;;) {
  const list = await trees.list();
  if ((await Promise.all(list.map(isOver))).every(Boolean)) break;
  await new Promise((resolve) => setTimeout(resolve, 10));
}
const [warnings, notifications] = [await engine.client.warnings(), await engine.client.notifications()];
process.stdout.write(JSON.stringify({ list: await trees.list(), warnings, notifications }));
await engine.stop();
