/** `stator machine history`. */
import { defineVerb } from '../command.ts';
import { wholeNumber } from '../number.ts';
import { clockTime } from '../text.ts';
import { treeArgs, withMachines } from './own.ts';

export default defineVerb({
  summary: 'What happened to a tree of a machine of your own, refusals too.',
  args: {
    ...treeArgs,
    after: { type: 'string', valueHint: 'seq', description: 'only what came after that line' },
  },
  examples: ['stator machine history release 1.2'],
  async run({ machine, id, after }, call) {
    const { out } = call;
    const options = after === undefined ? {} : { after: after === '0' ? 0 : wholeNumber('--after', after) };
    const entries = await withMachines(call, (client) => client.machineHistory(machine, id, options));
    out.answer(entries, () =>
      out.table(
        ['seq', 'at', 'by', 'event', 'from', 'to'],
        entries.map(({ seq, at, origin, event, from, to, refused }) => [
          String(seq),
          `${at.slice(0, 10)} ${clockTime(at)}`,
          origin,
          event,
          from,
          refused === null ? to : { text: `refused${refused.guard === null ? '' : `: ${refused.guard}`}`, tone: 'bad' },
        ]),
        'nothing happened yet',
      ),
    );
    return 0;
  },
});
