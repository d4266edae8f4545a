/** `stator queue pause`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { partArgs, partText, resumeText, saidPart } from './part.ts';

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
    const answer = await withClient(call, 'write', async (client) =>
      client.pauseQueue(await saidPart(call, client, args)),
    );
    const what = answer.of === 'queue' ? '' : ` ${partText(answer)}`;
    out.answer(answer, () => [
      `paused${answer.changed ? '' : ' already'}${what}: ${answer.pending} wait; go on with: ${resumeText(answer)}`,
    ]);
    return 0;
  },
});
