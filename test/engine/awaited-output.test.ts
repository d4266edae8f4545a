/** A chart that waits for the output of another tree: over stops, for one that has ended, for one that is not there or goes, and for one that it no longer wants. */
import { mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import { createEngine, defineMachine, outputOf } from '../../runtime/engine/engine.ts';
import { afterwards, ground } from '../support/engine.ts';
import { type Ground, until } from '../support/ground.ts';

const payment = defineMachine({
  name: 'payment',
  machine: setup({
    types: { context: {} as { paid: number }, events: {} as { type: 'pay' }, output: {} as { paid: number } },
  }).createMachine({
    id: 'payment',
    context: { paid: 0 },
    initial: 'open',
    states: { open: { on: { pay: { target: 'over', actions: assign({ paid: 7 }) } } }, over: { type: 'final' } },
    output: ({ context }) => ({ paid: context.paid }),
  }),
  version: 1,
  signals: { pay: z.strictObject({}) },
});

const order = defineMachine({
  name: 'order',
  machine: setup({
    types: {
      context: {} as { paid: number | null; why: string | null },
      input: {} as { id: string },
      events: {} as { type: 'leave' } | { type: '*' },
    },
    actors: { payment: outputOf(payment) },
  }).createMachine({
    id: 'order',
    context: { paid: null, why: null },
    initial: 'waiting',
    states: {
      waiting: {
        invoke: {
          src: 'payment',
          input: { id: '1' },
          onDone: { target: 'paid', actions: assign({ paid: ({ event }) => event.output.paid }) },
          onError: { target: 'unpaid', actions: assign({ why: ({ event }) => (event.error as Error).message }) },
        },
        on: { leave: 'left' },
      },
      paid: {},
      unpaid: {},
      left: { on: { '*': 'paid' } },
    },
  }),
  version: 1,
  signals: { leave: z.strictObject({}) },
});

async function startWith(on: Ground = ground()) {
  mkdirSync(on.home, { recursive: true, mode: 0o700 });
  const engine = await createEngine({ home: on.home, env: on.env, machines: [order, payment] });
  afterwards(() => engine.stop());
  const { order: orders, payment: payments } = engine.machines;
  const untilValue = (id: string, value: string) => until(async () => (await orders.get(id)).value === value);
  const isWaiting = (count: number) =>
    until(async () => (await payments.history('1')).filter(({ event }) => event === 'output_awaited').length === count);
  return { on, engine, orders, payments, untilValue, isWaiting };
}

it('several trees get the output when it is there, one engine later, and one that asks later gets it at once', async () => {
  const first = await startWith();
  await first.payments.start('1');
  await first.orders.start('a', { id: 'a' });
  await first.orders.start('b', { id: 'b' });
  await first.isWaiting(2);
  expect(await first.payments.get('1')).toMatchObject({ status: 'active', context: { paid: 0 } });
  expect((await first.orders.explain('a')).effects).toEqual([]);
  await first.engine.stop();
  const { engine, orders, payments, untilValue } = await startWith(first.on);
  await payments.send('1', { type: 'pay' });
  for (const id of ['a', 'b']) await untilValue(id, 'paid');
  expect((await orders.get('a')).context).toEqual({ paid: 7, why: null });
  await orders.start('late', { id: 'late' });
  await untilValue('late', 'paid');
  for (const id of ['a', 'late'])
    expect(await engine.client.verifyMachine({ name: 'order', id })).toMatchObject({ ok: true });
  expect(await engine.client.verifyMachine({ name: 'payment', id: '1' })).toMatchObject({ ok: true });
});

it('fails if the tree does not exist or is deleted; a chart that has left its state receives nothing more of it', async () => {
  const { orders, payments, untilValue, isWaiting } = await startWith();
  await orders.start('early', { id: 'early' });
  await untilValue('early', 'unpaid');
  expect((await orders.get('early')).context.why).toBe('there is no payment:1');
  await payments.start('1');
  await orders.start('a', { id: 'a' });
  await orders.start('gone', { id: 'gone' });
  await isWaiting(2);
  await orders.send('gone', { type: 'leave' });
  await payments.delete('1', { force: true });
  await untilValue('a', 'unpaid');
  expect((await orders.get('a')).context.why).toBe('payment:1 was deleted');
  expect((await orders.get('gone')).value).toBe('left');
});
