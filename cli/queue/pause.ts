/** `stator queue pause`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'Start no agent in any repo until it is resumed; what runs goes on.',
  args: {},
  examples: ['stator queue pause', 'stator queue resume'],
  more: 'It outlives the engine: one that is started later starts no agent either.',
  async run(_args, call) {
    const { out } = call;
    const answer = await withClient(call, 'write', (client) => client.pauseQueue());
    if (out.json) out.print(JSON.stringify(answer));
    else
      out.say(
        `${answer.changed ? 'paused' : 'paused already'}: ${answer.pending} wait; go on with: stator queue resume`,
      );
    return 0;
  },
});
