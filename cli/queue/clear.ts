/** `stator queue clear`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'Take ended runs off the list; what waits or runs stays.',
  args: {},
  examples: ['stator queue clear'],
  async run(_args, call) {
    const { out } = call;
    const answer = await withClient(call, 'write', (client) => client.clearQueue());
    if (out.json) out.print(JSON.stringify(answer));
    else out.say(`cleared ${answer.cleared} ended ${answer.cleared === 1 ? 'run' : 'runs'}`);
    return 0;
  },
});
