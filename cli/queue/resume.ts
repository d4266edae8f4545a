/** `stator queue resume`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'Start agents again after a pause of the queue.',
  args: {},
  examples: ['stator queue resume'],
  async run(_args, call) {
    const { out } = call;
    const answer = await withClient(call, 'write', (client) => client.resumeQueue());
    if (out.json) out.print(JSON.stringify(answer));
    else out.say(`${answer.changed ? 'resumed' : 'it was not paused'}: ${answer.pending} wait`);
    return 0;
  },
});
