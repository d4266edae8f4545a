/** A chart that starts another, slow tree, and waits for its output. */
import { assign, setup } from 'xstate';
import { z } from 'zod';

const chart = (outputOf) =>
  setup({ actors: { built: outputOf('release') }, actions: { begin: () => {} } }).createMachine({
    initial: 'begun',
    context: ({ input }) => ({ isPart: input.isPart === true, url: null }),
    states: {
      begun: { always: [{ guard: ({ context }) => context.isPart, target: 'building' }, 'asking'] },
      building: { after: { 200: 'out' } },
      asking: { on: { approve: 'waiting' } },
      waiting: {
        entry: 'begin',
        invoke: {
          src: 'built',
          input: { id: 'part' },
          onDone: { target: 'out', actions: assign({ url: ({ event }) => event.output.url }) },
          onError: 'failed',
        },
      },
      failed: { type: 'final' },
      out: { type: 'final' },
    },
    output: { url: 'https://registry.example/part' },
  });

export const input = {};
export const release = ({ defineMachine, outputOf }) =>
  defineMachine({
    name: 'release',
    machine: chart(outputOf),
    version: 1,
    signals: { approve: z.strictObject({}) },
    effects: { begin: { start: () => ({ machine: 'release', id: 'part', input: { isPart: true } }) } },
  });
