/** `stator machine list`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { plain } from '../text.ts';
import { stateText, withMachines } from './own.ts';

export default defineVerb({
  summary: 'The statecharts that decide everything; of a machine of your own its trees.',
  args: { machine: { type: 'positional', required: false, description: 'a machine of your own' } },
  examples: ['stator machine list', 'stator machine list release'],
  async run({ machine }, call) {
    const { out } = call;
    if (machine !== undefined) {
      const trees = await withMachines(call, (client) => client.machineTrees(machine));
      out.answer(trees, () =>
        out.table(
          [machine, 'status', 'state', 'shows'],
          trees.map(({ id, status, value, view }) => [
            id,
            status,
            stateText(value),
            Object.entries(view)
              .map(([key, shown]) => plain(`${key} ${typeof shown === 'string' ? shown : JSON.stringify(shown)}`))
              .join(', '),
          ]),
          `there are none: stator machine start ${machine} <id>`,
        ),
      );
      return 0;
    }
    const quiet = { ...call, out: { ...out, noteOnce: () => undefined } }; // they are the same with and without an engine
    const machines = await withClient(quiet, 'read', (client) => client.machines());
    out.answer(machines, () =>
      out.table(
        ['machine', 'what it is', 'version', 'states', 'transitions'],
        machines.map(({ name, description, version, states, transitions }) => [
          name,
          description,
          version,
          String(states),
          String(transitions),
        ]),
        'there are none',
      ),
    );
    return 0;
  },
});
