/** What charts emit: in the facts of their tree, and to listeners of a program. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { assign, emit, setup } from 'xstate';
import { z } from 'zod';
import type { ListLook } from '../../cli/output.ts';
import views from '../../cli/views/machine.ts';
import type { HistoryEntry } from '../../runtime/api/contract/plans.ts';
import * as durable from '../../runtime/engine/durable.ts';
import { createEngine, defineMachine } from '../../runtime/engine/engine.ts';
import { afterwards, ground } from '../support/engine.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-emitted-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const log = { debug() {}, info() {}, warn() {}, error() {} };
const receipt = setup({ types: { emitted: {} as { type: 'printed' } } }).createMachine({
  entry: emit({ type: 'printed' }),
  type: 'final',
});
const shop = {
  name: 'shop',
  version: 1,
  machine: setup({
    types: {
      context: {} as { sold: number },
      events: {} as { type: 'sell'; amount: number } | { type: 'close' },
      emitted: {} as { type: 'sold'; amount: number } | { type: 'closed' },
    },
    actors: { receipt },
  }).createMachine({
    context: { sold: 0 },
    initial: 'open',
    states: {
      open: {
        on: {
          sell: {
            actions: [
              assign({ sold: ({ context, event }) => context.sold + event.amount }),
              emit(({ event }) => ({ type: 'sold', amount: event.amount })),
            ],
          },
          close: 'closing',
        },
      },
      closing: { invoke: { src: 'receipt', onDone: 'closed' } },
      closed: { type: 'final', entry: emit({ type: 'closed' }) },
    },
  }),
  signals: { sell: z.strictObject({ amount: z.number() }), close: z.strictObject({}) },
} as const;
const durableShop = durable.defineMachine(shop);

async function emittedOf(facts: AsyncIterable<{ readonly actor: string; readonly emitted?: object | undefined }>) {
  const found: [string, object][] = [];
  for await (const { actor, emitted } of facts)
    if (emitted !== undefined) found.push([actor === '' ? 'root' : 'below', emitted]);
  return found;
}

const all = [
  ['root', { type: 'sold', amount: 3 }],
  ['root', { type: 'sold', amount: 4 }],
  ['below', { type: 'printed' }],
  ['root', { type: 'closed' }],
];

it('an emitted event is in the facts with its payload, over a restart, and reaches listeners from their subscription on', async () => {
  const file = join(folder, 'shop.db');
  const open = () => durable.createEngine({ file, machines: [durableShop], log });
  const first = await open();
  afterwards(() => first.stop());
  const heard: unknown[] = [];
  // Before there is such a tree.
  const listening = await first.machines.shop.on('1', '*', (event) => heard.push(event));
  const others = await first.machines.shop.on('2', '*', () => heard.push('of another tree'));
  await first.machines.shop.start('1');
  await first.machines.shop.send('1', { type: 'sell', amount: 3 });
  await expect.poll(() => heard).toEqual([{ type: 'sold', amount: 3 }]);
  listening.unsubscribe();
  listening.unsubscribe();
  others.unsubscribe();
  await first.stop();
  const second = await open();
  afterwards(() => second.stop());
  const sold: number[] = [];
  await second.machines.shop.on('1', 'sold', ({ amount }) => sold.push(amount));
  await second.machines.shop.on('1', 'closed', () => heard.push('closed'));
  await second.machines.shop.send('1', { type: 'sell', amount: 4 });
  await second.machines.shop.send('1', { type: 'close' });
  // What actors below the root emit is in the facts alone, as in XState.
  await expect.poll(() => heard).toEqual([{ type: 'sold', amount: 3 }, 'closed']);
  expect(sold).toEqual([4]);
  expect(await emittedOf(second.machines.shop.facts('1'))).toEqual(all);
  expect(
    (await second.machines.shop.history('1')).flatMap(({ event, from, to, emitted }) =>
      emitted === undefined ? [] : [[event, from, to]],
    ),
  ).toEqual([
    ['sold', '', ''],
    ['sold', '', ''],
    ['printed', '', ''],
    ['closed', '', ''],
  ]);
});

it('a listener that throws is an uncaught exception, and the others go on', async () => {
  const engine = await durable.createEngine({ file: ':memory:', machines: [durableShop], log });
  afterwards(() => engine.stop());
  const thrown: unknown[] = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', (error) => thrown.push(error));
  afterwards(() => {
    process.removeAllListeners('uncaughtException');
    for (const each of before) process.on('uncaughtException', each);
  });
  const fault = new Error('a listener of the program');
  await engine.machines.shop.on('1', 'sold', () => {
    throw fault;
  });
  const listener = vi.fn();
  await engine.machines.shop.on('1', 'sold', listener);
  await engine.machines.shop.start('1');
  for (const amount of [1, 2]) await engine.machines.shop.send('1', { type: 'sell', amount });
  await expect.poll(() => [listener.mock.calls.length, thrown]).toEqual([2, [fault, fault]]);
});

it('is the same in an engine of stator: facts, listeners, the journal that the control API answers, and its check', async () => {
  const { home, env } = ground();
  const engine = await createEngine({ home, env, serve: false, machines: [defineMachine(shop)] });
  afterwards(() => engine.stop());
  const heard: unknown[] = [];
  await engine.machines.shop.on('1', '*', (event) => heard.push(event));
  await engine.machines.shop.start('1');
  for (const amount of [3, 4]) await engine.machines.shop.send('1', { type: 'sell', amount });
  await engine.machines.shop.send('1', { type: 'close' });
  expect(await emittedOf(engine.machines.shop.facts('1'))).toEqual(all);
  await expect.poll(() => heard).toEqual(all.flatMap(([actor, event]) => (actor === 'root' ? [event] : [])));
  const { list } = views.machineHistory as { readonly list: ListLook<HistoryEntry> };
  const printed = (await engine.machines.shop.history('1')).map(list.row).map((cells) => [cells[3], cells[5]]);
  expect(printed).toContainEqual(['sold', 'emitted {"type":"sold","amount":3}']);
  expect(await engine.client.verifyMachine({ name: 'shop', id: '1' })).toMatchObject({ ok: true });
  await engine.stop();
  await expect(engine.machines.shop.on('1', '*', () => {})).rejects.toMatchObject({ code: 'stopped' });
});
