/**
 * A job that runs again and again: it waits, works, and waits. A failed run is recorded, and the next one follows anyway. If no engine runs at the
 * time of a run, it begins once, as soon as an engine starts. `pause` and `resume` are ordinary events.
 *
 * @typedef {{ job: string, everyMs: number }} Schedule
 * @typedef {(job: string) => Promise<string>} Work
 */
import { defineMachine } from 'stator/durable';
import { assign, fromPromise, setup } from 'xstate';
import { z } from 'zod';

/** @param {Work} work */
export function scheduler(work) {
  const machine = setup({
    types: {
      context: /** @type {Schedule & { runs: number, last: string | null }} */ ({}),
      input: /** @type {Schedule} */ ({}),
      events: /** @type {{ type: 'pause' } | { type: 'resume' } | { type: 'stop' }} */ ({}),
    },
    actors: { work: fromPromise(async (/** @type {{ input: { job: string } }} */ { input }) => work(input.job)) },
    actions: {
      note: assign({
        runs: ({ context }) => context.runs + 1,
        last: (_, /** @type {{ text: string }} */ { text }) => text,
      }),
    },
    delays: { every: ({ context }) => context.everyMs },
  }).createMachine({
    id: 'schedule',
    context: ({ input }) => ({ ...input, runs: 0, last: null }),
    initial: 'waiting',
    on: { stop: '.stopped' },
    states: {
      waiting: { after: { every: 'working' }, on: { pause: 'paused' } },
      working: {
        // A `pause` or `resume` during a run waits for the end of the run.
        meta: { holds: ['pause', 'resume'] },
        invoke: {
          src: 'work',
          input: ({ context }) => ({ job: context.job }),
          onDone: { target: 'waiting', actions: { type: 'note', params: ({ event }) => ({ text: event.output }) } },
          onError: {
            target: 'waiting',
            actions: {
              type: 'note',
              params: ({ event }) => ({ text: String(/** @type {Error} */ (event.error).message) }),
            },
          },
        },
      },
      paused: { on: { resume: 'waiting' } },
      stopped: { type: 'final' },
    },
  });
  const nothing = z.strictObject({});
  return defineMachine({
    name: 'schedule',
    machine,
    version: 1,
    signals: { pause: nothing, resume: nothing, stop: nothing },
    actors: { work: { timeoutMs: 60_000 } },
  });
}
