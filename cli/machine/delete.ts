/** `stator machine delete`. */
import { defineVerb } from '../command.ts';
import { mayDelete, sureArgs } from '../sure.ts';
import { treeArgs, withMachines } from './own.ts';

export default defineVerb({
  summary: 'Take a tree of a machine of your own away. One that has ended goes by itself when it is old enough.',
  args: {
    ...treeArgs,
    force: { type: 'boolean', description: 'also where it has not ended: all that it waits for is given up' },
    ...sureArgs,
  },
  more: 'Its journal stays until it is older than `retention` (stator gc). A tree that is begun later under its id is another one.',
  examples: ['stator machine delete release 1.2 --yes', 'stator machine delete release 1.2 --force --yes'],
  async run({ machine, id, force, yes }, call) {
    const { out } = call;
    if (!(await mayDelete(call, `${machine} ${id}`, { yes }))) return 1;
    const how = force === true ? { force } : {};
    const deleted = await withMachines(call, (client) => client.deleteMachineTree(machine, id, how));
    out.answer(deleted, () => [`deleted ${machine} ${id}`]);
    return 0;
  },
});
