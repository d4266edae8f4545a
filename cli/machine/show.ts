/** `stator machine show`. */
import { defineVerb } from '../command.ts';
import { fields } from '../table.ts';
import { plain } from '../text.ts';
import { stateText, treeArgs, withMachines } from './own.ts';

export default defineVerb({
  summary: 'Where a tree of a machine of your own stands, with its context.',
  args: treeArgs,
  examples: ['stator machine show release 1.2', 'stator machine show release 1.2 --json'],
  async run({ machine, id }, call) {
    const { out } = call;
    const tree = await withMachines(call, (client) => client.machineTree(machine, id));
    out.answer(tree, () =>
      fields(
        [
          ['machine', `${machine} ${id}`],
          ['status', tree.status],
          ['state', stateText(tree.value)],
          ['tags', tree.tags.join(', ') || null],
          ['context', plain(JSON.stringify(tree.context))],
          ['output', tree.output === null ? null : plain(JSON.stringify(tree.output))],
        ],
        out.paint,
      ),
    );
    return 0;
  },
});
