/** `stator queue resume`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { defineVerb } from '../command.ts';
import { partArgs, partText, pauseLines, waitText, withPart } from './part.ts';

export default defineVerb({
  summary: 'Start agents again after a pause of the queue: of all of it, of a repo, of a plan, or of one agent.',
  args: { ...partArgs, all: { type: 'boolean', description: 'end every pause there is' } },
  examples: ['stator queue resume', 'stator queue resume --plan login', 'stator queue resume --all'],
  more: 'Each pause ends by itself: what else is paused stays so, and is shown.',
  async run({ all = false, ...args }, call) {
    const { out } = call;
    if (all && (args.plan !== undefined || args.agent !== undefined || call.project !== undefined))
      throw new EngineError(
        'usage',
        '--all ends every pause, so it takes no --project, --plan or --agent',
        'leave out --all, or what stands beside it',
      );
    const answer = await withPart(call, args, (client, part) => client.resumeQueue(all ? { all } : part));
    const what = answer.of === 'queue' ? '' : ` ${partText(answer)}`;
    const text = answer.changed ? `resumed${what}` : `${what === '' ? 'it' : partText(answer)} was not paused`;
    out.answer(answer, () => [
      `${text}: ${waitText(answer.pending)}`,
      ...pauseLines(answer.pauses).map((line) => `still ${line}`),
    ]);
    return 0;
  },
});
