/**
 * An order as a saga: goods are reserved, the card is charged, the parcel is sent. If a step fails, the earlier steps are undone, the last one first.
 * Each call of a service has a key of the order and its step, so a repeated call does nothing twice.
 *
 * @typedef {{ order: string }} Order
 * @typedef {(step: string, key: string) => Promise<void>} Service
 */
import { defineMachine } from 'stator/durable';
import { assign, fromPromise, setup } from 'xstate';

/** @param {Service} service */
export function orderSaga(service) {
  const step = (/** @type {string} */ name) =>
    fromPromise(async (/** @type {{ input: Order }} */ { input: { order } }) => service(name, `${order}/${name}`));
  const machine = setup({
    types: {
      context: /** @type {Order & { why: string | null }} */ ({}),
      input: /** @type {Order} */ ({}),
      output: /** @type {{ why: string | null }} */ ({}),
    },
    actors: {
      reserve: step('reserve'),
      charge: step('charge'),
      ship: step('ship'),
      refund: step('refund'),
      release: step('release'),
    },
    actions: {
      noteWhy: assign({ why: ({ event }) => ('error' in event ? /** @type {Error} */ (event.error).message : null) }),
    },
  }).createMachine({
    id: 'order',
    context: ({ input }) => ({ ...input, why: null }),
    initial: 'reserving',
    states: {
      reserving: {
        invoke: {
          src: 'reserve',
          input: ({ context }) => context,
          onDone: 'charging',
          onError: { target: 'failed', actions: 'noteWhy' },
        },
      },
      charging: {
        invoke: {
          src: 'charge',
          input: ({ context }) => context,
          onDone: 'shipping',
          onError: { target: 'releasing', actions: 'noteWhy' },
        },
      },
      shipping: {
        invoke: {
          src: 'ship',
          input: ({ context }) => context,
          onDone: 'sent',
          onError: { target: 'refunding', actions: 'noteWhy' },
        },
      },
      refunding: { invoke: { src: 'refund', input: ({ context }) => context, onDone: 'releasing' } },
      releasing: { invoke: { src: 'release', input: ({ context }) => context, onDone: 'failed' } },
      sent: { type: 'final' },
      failed: { type: 'final' },
    },
    output: ({ context }) => ({ why: context.why }),
  });
  // Undoing a step is retried until it succeeds.
  const persistent = { attempts: 100, timeoutMs: 30_000 };
  return defineMachine({
    name: 'order',
    machine,
    version: 1,
    actors: { charge: { attempts: 3, timeoutMs: 30_000 }, refund: persistent, release: persistent },
  });
}
