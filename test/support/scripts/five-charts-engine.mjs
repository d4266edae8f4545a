/**
 * An engine with five charts that a stranger to stator could have written: an order with compensation, an approval with reminders, a scheduler, a transfer by
 * children, and a machine whose effects notify another one. It begins a tree of each under `id`, prints `up`, and works until it is killed. What is done outside
 * leaves a line in the ledger. The argument of the process is JSON: `{home, ledger, id}`.
 */
import { appendFileSync } from 'node:fs';
import { argv, env, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { assign, fromPromise, raise, sendParent, setup } from 'xstate';
import { z } from 'zod';
import { createEngine, defineMachine, FatalError } from '../../../dist/bin/engine.js';

let ledger = '';
/** More tries than there are kills. */
const attempts = 1_000;
const none = z.strictObject({});
const note = (tree, step, key = '') => appendFileSync(ledger, `${tree} ${step} ${key}\n`);
const doneOutside = fromPromise(async ({ input: { tree, step, fails = false } }) => {
  note(tree, step);
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (fails) throw new FatalError(`${step} is out of stock`);
  return step;
});
const begun = ({ input: { tree } }) => ({ tree, steps: [] });
const noteStep = (word) => assign({ steps: ({ context }) => [...context.steps, word] });
const call = (step, onDone, onError = 'stuck', fails = () => false) => ({
  src: 'doneOutside',
  input: ({ context }) => ({ tree: context.tree, step, fails: fails(context) }),
  onDone: { target: onDone, actions: noteStep(step) },
  onError: { target: onError, actions: noteStep(`no ${step}`) },
});
const output = ({ context }) => context.steps;

const order = setup({ actors: { doneOutside } }).createMachine({
  context: begun,
  output,
  initial: 'reserving',
  states: {
    reserving: { invoke: call('reserve', 'charging') },
    charging: { invoke: call('charge', 'pausing') },
    pausing: { after: { 20: 'shipping' } },
    shipping: { invoke: call('ship', 'shipped', 'refunding', ({ tree }) => tree.endsWith('1')) },
    refunding: { invoke: call('refund', 'releasing') },
    releasing: { invoke: call('release', 'cancelled') },
    shipped: { type: 'final' },
    cancelled: { type: 'final' },
    stuck: { type: 'final' },
  },
});

const approval = setup({}).createMachine({
  context: begun,
  output,
  initial: 'open',
  states: {
    open: {
      initial: 'asking',
      // A reminder does not restart it.
      after: { 10000000: 'stuck' },
      states: {
        asking: { after: { 15: { target: 'reminding' } } },
        reminding: {
          entry: [noteStep('reminded'), raise({ type: 'next' }, { delay: 5 })],
          on: { next: [{ guard: ({ context }) => context.steps.length < 3, target: 'asking' }, { target: '#over' }] },
        },
      },
    },
    over: { id: 'over', type: 'final', entry: noteStep('escalated') },
    stuck: { type: 'final' },
  },
});

const job = setup({ actors: { doneOutside } }).createMachine({
  context: ({ input }) => ({ ...input, steps: [] }),
  output,
  initial: 'working',
  states: {
    working: {
      invoke: {
        src: 'doneOutside',
        input: ({ context: { tree, step } }) => ({ tree, step }),
        onDone: { target: 'resting', actions: assign({ steps: ({ event }) => [event.output] }) },
      },
    },
    resting: { after: { 10: 'over' } },
    over: { type: 'final' },
  },
});
const scheduler = setup({
  actors: { job },
  delays: { pause: ({ context }) => 5 * (1 + context.steps.length) },
}).createMachine({
  context: begun,
  output,
  initial: 'waiting',
  states: {
    waiting: { after: { pause: 'running' } },
    running: {
      invoke: {
        src: 'job',
        input: ({ context: { tree, steps: before } }) => ({ tree, step: `round-${before.length}` }),
        onDone: [
          {
            guard: ({ context }) => context.steps.length === 2,
            target: 'over',
            actions: assign({ steps: ({ context, event }) => [...context.steps, ...event.output] }),
          },
          {
            target: 'waiting',
            actions: assign({ steps: ({ context, event }) => [...context.steps, ...event.output] }),
          },
        ],
      },
    },
    over: { type: 'final' },
  },
});

const part = setup({ actors: { doneOutside } }).createMachine({
  context: ({ input }) => ({ ...input, steps: [] }),
  initial: 'moving',
  states: {
    moving: { invoke: call('move', 'moved') },
    moved: { entry: sendParent(({ context }) => ({ type: 'moved', part: context.part })), type: 'final' },
    stuck: { type: 'final' },
  },
});
const transfer = setup({ actors: { part } }).createMachine({
  context: ({ input, spawn }) => {
    for (const name of ['a', 'b', 'c'])
      spawn('part', { id: name, input: { tree: `${input.tree}.${name}`, part: name } });
    return { tree: input.tree, steps: [] };
  },
  output: ({ context }) => context.steps.toSorted(),
  initial: 'gathering',
  states: {
    gathering: {
      always: { guard: ({ context }) => context.steps.length === 3, target: 'over' },
      on: { moved: { actions: assign({ steps: ({ context, event }) => [...context.steps, event.part] }) } },
    },
    over: { type: 'final' },
  },
});

const ledgerKeeper = setup({ actions: { enter: () => {} } }).createMachine({
  context: begun,
  output,
  initial: 'entering',
  states: {
    entering: {
      entry: { type: 'enter', params: ({ context }) => ({ tree: context.tree }) },
      on: { entered: 'waiting' },
    },
    waiting: { entry: noteStep('entered'), after: { 10: 'again' } },
    again: { entry: { type: 'enter', params: ({ context }) => ({ tree: context.tree }) }, on: { entered: 'over' } },
    over: { entry: noteStep('entered'), type: 'final' },
  },
});

const actors = { doneOutside: { attempts } };
const enter = {
  attempts,
  run: async ({ input, key }) => {
    note(input.tree, 'enter', key);
    return { type: 'entered' };
  },
};
const charts = { order, approval, scheduler, transfer };
const definitions = [
  ...Object.entries(charts).map(([name, machine]) => {
    const promises = name === 'approval' ? {} : { actors };
    return defineMachine({ name, machine, version: 1, signals: { never: none }, ...promises });
  }),
  defineMachine({ name: 'ledger', machine: ledgerKeeper, version: 1, signals: { never: none }, effects: { enter } }),
];

const log = { debug() {}, info() {}, warn() {}, error: (message) => process.stderr.write(`${message}\n`) };
const names = definitions.map(({ name }) => name);

async function begin({ home, ledger: file, id, env }, say = () => {}) {
  ledger = file;
  const engine = await createEngine({ home, env, machines: definitions, serve: false, waitForHomeMs: 5_000, log });
  say('up\n');
  for (const name of names) await engine.machines[name].start(id, { tree: `${name}-${id}` });
  return engine;
}

/** For a life that is not killed, in the test's own process: it ends when all trees have ended, and returns them. */
export async function finish(of) {
  const engine = await begin(of);
  const all = async () => (await Promise.all(names.map((name) => engine.machines[name].list()))).flat();
  while ((await all()).some(({ status }) => status === 'active'))
    await new Promise((resolve) => setTimeout(resolve, 20));
  const ends = [];
  for (const { machine, id: tree } of await all()) {
    const { value, output } = await engine.machines[machine].get(tree);
    const lines = await engine.machines[machine].history(tree);
    ends.push({ machine, tree, value, output, moves: lines.map(({ actor, event, to }) => `${actor} ${event} ${to}`) });
  }
  const { ok } = await engine.client.verify();
  await engine.stop();
  return { ends, ok };
}

if (argv[1] === fileURLToPath(import.meta.url))
  await begin({ ...JSON.parse(argv[2]), env }, (text) => stdout.write(text));
