/** An unchanged XState chart: delays, a promise, emitted events, and a child machine with its own delay. Each try of the promise calls `note`. */
import { assign, emit, fromPromise, setup } from 'xstate';
import { z } from 'zod';

const rest = setup({}).createMachine({
  initial: 'asleep',
  states: { asleep: { after: { 100: 'awake' }, exit: emit({ type: 'woke' }) }, awake: { type: 'final' } },
  output: 'well',
});
const chart = (note) => {
  const publish = fromPromise(async ({ input: { version } }) => {
    note(version);
    return { url: `https://registry.example/${version}` };
  });
  return setup({ actors: { publish, rest } }).createMachine({
    initial: 'asking',
    context: ({ input }) => ({ version: input.version, url: null, ended: null }),
    states: {
      asking: { on: { approve: 'waiting' } },
      waiting: {
        entry: emit(({ context }) => ({ type: 'approved', version: context.version })),
        after: { 300: 'publishing' },
      },
      publishing: {
        invoke: {
          src: 'publish',
          input: ({ context }) => ({ version: context.version }),
          onDone: { target: 'resting', actions: assign({ url: ({ event }) => event.output.url }) },
          onError: 'failed',
        },
      },
      resting: {
        invoke: { src: 'rest', onDone: { target: 'out', actions: assign({ ended: ({ event }) => event.output }) } },
      },
      failed: { type: 'final' },
      out: { type: 'final', entry: emit(({ context }) => ({ type: 'published', url: context.url })) },
    },
  });
};

export const input = { version: '1.2.0' };
export const release = ({ defineMachine }, note) =>
  defineMachine({
    name: 'release',
    machine: chart(note),
    version: 1,
    signals: { approve: z.strictObject({}) },
    actors: { publish: { attempts: 5 } },
  });
