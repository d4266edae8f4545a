/** Durable actors on several hosts that share a database of PostgreSQL. A host counts as lost after 12 s without a sign, and the test waits for that. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assign, emit, fromPromise, setup } from 'xstate';
import { z } from 'zod';
import { createEngine, defineMachine } from '../../runtime/engine/durable.ts';
import { type OwnPostgres, startPostgres } from '../../scripts/postgres.ts';
import { afterwards } from '../support/engine.ts';

let server: OwnPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const log = { debug() {}, info() {}, warn() {}, error() {} };

/** It works once, on whichever host, and then waits for a short time. */
const jobMachine = setup({
  types: { context: {} as { by: string | null } },
  actors: { work: fromPromise(async () => 'b') },
}).createMachine({
  context: { by: null },
  initial: 'working',
  states: {
    working: {
      invoke: { src: 'work', onDone: { target: 'resting', actions: assign({ by: ({ event }) => event.output }) } },
    },
    resting: { after: { 100: 'done' } },
    done: { type: 'final' },
  },
});

async function database(name: string): Promise<string> {
  await server.createDatabase(name);
  return server.urlOf(name);
}

it('two hosts take the events of the same actors, and both see the results', async () => {
  const store = await database('two');
  const counter = defineMachine({
    name: 'counter',
    version: 1,
    machine: setup({ types: { events: {} as { type: 'flip' } } }).createMachine({
      initial: 'off',
      states: { off: { on: { flip: 'on' } }, on: { on: { flip: 'off' } } },
    }),
    signals: { flip: z.strictObject({}) },
  });
  const open = async (host: string) => {
    const engine = await createEngine({ store, host, machines: [counter], log });
    afterwards(() => engine.stop());
    return engine.machines.counter;
  };
  const [a, b] = [await open('a'), await open('b')];
  await a.start('one');
  for (const [engine, value] of [
    [b, 'on'],
    [a, 'off'],
    [b, 'on'],
  ] as const) {
    await engine.send('one', { type: 'flip' });
    for (const each of [a, b]) await expect.poll(async () => (await each.get('one')).value).toBe(value);
  }
  const twice = createEngine({ store, host: 'a', machines: [counter], log });
  await expect(twice).rejects.toMatchObject({ code: 'owner_taken' });
});

it('what a tree emits on one host is in the facts of the other one, and is heard there', async () => {
  const store = await database('emitting');
  const shop = defineMachine({
    name: 'shop',
    version: 1,
    machine: setup({
      types: { events: {} as { type: 'sell'; amount: number }, emitted: {} as { type: 'sold'; amount: number } },
    }).createMachine({ on: { sell: { actions: emit(({ event }) => ({ type: 'sold', amount: event.amount })) } } }),
    signals: { sell: z.strictObject({ amount: z.number() }) },
  });
  const open = async (host: string) => {
    const engine = await createEngine({ store, host, machines: [shop], log });
    afterwards(() => engine.stop());
    return engine.machines.shop;
  };
  const [a, b] = [await open('a'), await open('b')];
  const heard: number[] = [];
  await b.on('one', 'sold', ({ amount }) => heard.push(amount));
  await a.start('one');
  for (const amount of [1, 2, 3]) await a.send('one', { type: 'sell', amount });
  await expect.poll(() => heard).toEqual([1, 2, 3]);
  for (const each of [a, b])
    expect((await each.history('one')).flatMap(({ emitted }) => (emitted === undefined ? [] : [emitted]))).toEqual(
      [1, 2, 3].map((amount) => ({ type: 'sold', amount })),
    );
});

it('what a killed host had begun is carried out by another one', async () => {
  const store = await database('lost');
  const script = join(import.meta.dirname, '../support/scripts/durable-host.mjs');
  const killed = spawn(process.execPath, [script, store, 'a'], { stdio: ['ignore', 'pipe', 'inherit'] });
  afterwards(() => void killed.kill('SIGKILL'));
  await once(killed.stdout, 'data');
  const job = defineMachine({ name: 'job', machine: jobMachine, version: 1 });
  const engine = await createEngine({ store, host: 'b', machines: [job], log });
  afterwards(() => engine.stop());
  expect((await engine.machines.job.explain('one')).effects).toMatchObject([{ status: 'running', tries: 1 }]);
  killed.kill('SIGKILL');
  await expect
    .poll(async () => engine.machines.job.get('one'), { interval: 250 })
    .toMatchObject({ value: 'done', context: { by: 'b' } });
});
