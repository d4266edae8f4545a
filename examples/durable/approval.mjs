/**
 * A request that a person approves or rejects. While nobody answers, the person is reminded; after three reminders the request goes to another
 * person. It may wait for months: while it waits it is a row in a file.
 *
 * @typedef {{ what: string, from: string, boss: string, everyMs: number }} Request
 * @typedef {(mail: { to: string, text: string, key: string }) => Promise<void>} Mailer
 */
import { defineMachine } from 'stator/durable';
import { assign, setup } from 'xstate';
import { z } from 'zod';

const reminders = 3;

/** @param {Mailer} mail */
export function approvals(mail) {
  const machine = setup({
    types: {
      context: /** @type {Request & { reminded: number, by: string | null }} */ ({}),
      input: /** @type {Request} */ ({}),
      events:
        /** @type {{ type: 'approve', by: string } | { type: 'reject', by: string } | { type: 'effect_failed' }} */ ({}),
      tags: /** @type {'needs a person'} */ (''),
    },
    actions: {
      ask: (_, /** @type {{ to: string, text: string }} */ _params) => {},
      count: assign({ reminded: ({ context }) => context.reminded + 1 }),
      noteWho: assign({ by: ({ event }) => ('by' in event ? event.by : null) }),
    },
    guards: { mayRemind: ({ context }) => context.reminded < reminders },
    delays: { every: ({ context }) => context.everyMs },
  }).createMachine({
    id: 'approval',
    context: ({ input }) => ({ ...input, reminded: 0, by: null }),
    initial: 'asking',
    on: {
      approve: { target: '.approved', actions: 'noteWho' },
      reject: { target: '.rejected', actions: 'noteWho' },
    },
    states: {
      asking: {
        tags: ['needs a person'],
        entry: {
          type: 'ask',
          params: ({ context }) => ({
            to: context.from,
            text: `${context.reminded === 0 ? 'please decide' : `reminder ${context.reminded}`}: ${context.what}`,
          }),
        },
        after: {
          every: [{ guard: 'mayRemind', target: 'asking', reenter: true, actions: 'count' }, { target: 'escalated' }],
        },
      },
      escalated: {
        tags: ['needs a person'],
        entry: {
          type: 'ask',
          params: ({ context }) => ({ to: context.boss, text: `nobody decides: ${context.what}` }),
        },
      },
      approved: { type: 'final' },
      rejected: { type: 'final' },
    },
  });
  const who = z.strictObject({ by: z.string().min(1).max(100) });
  return defineMachine({
    name: 'approval',
    machine,
    version: 1,
    signals: { approve: who, reject: who },
    effects: {
      ask: {
        run: async ({ input, key }) => {
          await mail({ ...input, key });
          return undefined;
        },
      },
    },
    view: ({ context }) => ({ what: context.what, reminded: context.reminded }),
  });
}
