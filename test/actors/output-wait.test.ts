/** A chart waits for the output of another tree: what it asks that tree, who is remembered there, and what the answer is. */
import { expect, it } from 'vitest';
import { createActor, createMachine, fromPromise, waitFor as restOf } from 'xstate';
import { promisesOf } from '../../actors/durable-logic.ts';
import {
  awaitedMachine,
  outputAwaited,
  outputFor,
  outputOf,
  promiseSettled,
  storedWaiters,
  waiterOf,
  waitersLimit,
  waitFor,
} from '../../actors/output-wait.ts';
import { defineRelease } from '../support/own-machine.ts';

const waiter = { tree: 'order:7', run: 'payment#3' } as const;

it('the actor of an output is named after its machine, by its name or its definition', () => {
  const own = fromPromise(async () => 1);
  const chart = createMachine({
    type: 'parallel',
    states: {
      byName: { invoke: { src: outputOf('payment') } },
      byDefinition: { invoke: { src: outputOf(defineRelease()) } },
      other: { invoke: { src: own } },
    },
  });
  expect([...promisesOf(chart)].map(([label, promise]) => [label, awaitedMachine(promise)])).toEqual([
    ['byName:0', 'payment'],
    ['byDefinition:0', 'release'],
    ['other:0', null],
  ]);
  expect(awaitedMachine(undefined)).toBeNull();
  for (const odd of [undefined, null, 7, {}])
    expect(() => outputOf(odd as never)).toThrow(expect.objectContaining({ code: 'bad_machine' }));
  expect(awaitedMachine(Object.assign(async () => 1, { statorOutputOf: 7 }))).toBeNull();
});

it('outside of an engine such an actor fails, and says so', async () => {
  const actor = createActor(outputOf('payment'), { input: { id: '7' } });
  actor.subscribe({ error: () => {} });
  const { error } = await restOf(actor.start(), ({ status }) => status === 'error').catch(() => actor.getSnapshot());
  expect(error).toMatchObject({ message: expect.stringContaining('outputOf("payment") waits in an engine alone') });
});

it('the wait is a signal to the tree of that id, from the waiting tree', () => {
  expect(waitFor('payment', { id: 'inv-7' }, waiter)).toEqual({
    ...{ tree: 'payment:inv-7', type: 'output_awaited', payload: { run: 'payment#3' }, sender: 'order:7' },
  });
});

it.each([
  ['no input', undefined, 'undefined'],
  ['an input that is null', null, 'undefined'],
  ['an input without an id', {}, 'undefined'],
  ['an id that is a number', { id: 7 }, '7'],
  ['an id that no tree can have', { id: 'no/tree' }, '"no/tree"'],
  ['an empty id', { id: '' }, '""'],
])('%s is refused with what was given', (_, input, said) => {
  expect(() => waitFor('payment', input, waiter)).toThrow(
    `outputOf("payment") needs the input { id }, and ${said} cannot be the id of a payment`,
  );
});

it('the asked tree remembers who waits, and answers the very request', () => {
  const { payload, sender } = waitFor('payment', { id: 'inv-7' }, waiter);
  expect(waiterOf({ origin: `machine:${sender}`, payload })).toEqual(waiter);
  expect(outputFor(waiter, { paid: true })).toEqual({
    ...{ tree: 'order:7', type: 'promise_settled', payload: { output: { paid: true } }, run: 'payment#3' },
  });
  expect(outputFor(waiter, null).payload).toEqual({ output: null });
  expect(outputFor(waiter, undefined).payload).toStrictEqual({});
});

it('the waiting trees are read from a stored tree, and a tree of an engine’s own kind has none', () => {
  expect(storedWaiters({ value: 'a', stator: { waiters: [waiter] } })).toEqual([waiter]);
  expect(storedWaiters({ value: 'a', stator: {} })).toEqual([]);
  expect(storedWaiters({ value: 'a' })).toEqual([]);
});

it('rows and other engines know these words and this limit', () => {
  expect([outputAwaited, promiseSettled, waitersLimit]).toEqual(['output_awaited', 'promise_settled', 1_000]);
});
