/** `stator machine list`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'The statecharts that decide everything.',
  args: {},
  examples: ['stator machine list'],
  async run(_args, call) {
    const { out } = call;
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
