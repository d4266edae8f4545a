/** `stator machine send`. */
import { defineVerb } from '../command.ts';
import { objectOf, treeArgs, verdictText, withMachines } from './own.ts';

export default defineVerb({
  summary: 'Send a message to a tree of a machine of your own.',
  args: {
    ...treeArgs,
    type: { type: 'positional', description: 'as its definition names it under signals' },
    payload: { type: 'string', valueHint: 'JSON', description: 'its fields' },
  },
  examples: [
    'stator machine send release 1.2 approve',
    `stator machine send release 1.2 refuse --payload '{"reason": "late"}'`,
  ],
  async run({ machine, id, type, payload }, call) {
    const given = objectOf('--payload', payload);
    const body = given === undefined ? {} : { payload: given };
    const verdict = await withMachines(call, (client) => client.sendMachine(machine, id, { type, ...body }));
    call.out.answer(verdict, () => [verdictText(verdict, machine, id)]);
    return 0;
  },
});
