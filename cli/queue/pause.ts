/** `stator queue pause`. */
import { defineVerb } from '../command.ts';
import { partArgs, partText, resumeText, waitText, withPart } from './part.ts';

export default defineVerb({
  summary:
    'Start no agent until it is resumed: none in any repo, or none of a repo, of a plan, or that one; what runs goes on.',
  args: partArgs,
  examples: [
    'stator queue pause',
    'stator queue pause --project shop     # of that repo',
    'stator queue pause --plan login       # of a plan of this repo',
    'stator queue pause --agent login-w1-t2',
    'stator queue resume --plan login      # ends that one, and no other',
  ],
  more:
    'It outlives the engine: one that is started later starts none of these agents either. Who waits for a pause keeps its attempts, and ' +
    'stator queue list, stator status and stator plan explain say which pause it is. An agent starts when nothing of it is paused.',
  async run(args, call) {
    const { out } = call;
    const answer = await withPart(call, args, (client, part) => client.pauseQueue(part));
    const what = answer.of === 'queue' ? '' : ` ${partText(answer)}`;
    out.answer(answer, () => [
      `paused${answer.changed ? '' : ' already'}${what}: ${waitText(answer.pending)}; go on with: ${resumeText(answer)}`,
    ]);
    return 0;
  },
});
