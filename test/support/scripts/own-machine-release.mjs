/** A user-defined machine with a timer and an effect. Each try of the effect passes its key to `note`. */
import { setup } from 'xstate';
import { z } from 'zod';

const machine = setup({ actions: { publish: () => {}, remind: () => {} } }).createMachine({
  id: 'release',
  initial: 'asking',
  states: {
    asking: { on: { approve: 'waiting' } },
    waiting: { entry: 'remind', on: { reminded: 'publishing' } },
    publishing: { entry: 'publish', on: { published: 'out' } },
    out: { type: 'final' },
  },
});
export const release = ({ defineMachine }, note) =>
  defineMachine({
    name: 'release',
    machine,
    version: 1,
    signals: { approve: z.strictObject({}) },
    effects: {
      remind: { afterMs: 300, event: 'reminded' },
      publish: {
        run: async ({ key }) => {
          note(key);
          return { type: 'published' };
        },
      },
    },
  });
