/** `stator machine start`. */
import { defineVerb } from '../command.ts';
import { objectOf, treeArgs, verdictText, withMachines } from './own.ts';

export default defineVerb({
  summary: 'Begin a tree of a machine of your own; one that is there stays as it is.',
  args: { ...treeArgs, input: { type: 'string', valueHint: 'JSON', description: 'what its machine begins with' } },
  examples: [`stator machine start release 1.2 --input '{"version": "1.2.0"}'`],
  async run({ machine, id, input }, call) {
    const given = objectOf('--input', input);
    const verdict = await withMachines(call, (client) => client.startMachine(machine, id, given));
    call.out.answer(verdict, () => [verdictText(verdict, machine, id)]);
    return 0;
  },
});
