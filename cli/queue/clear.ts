/** `stator queue clear`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'Take ended agents off the list; what waits or runs stays.',
  args: {},
  examples: ['stator queue clear'],
  async run(_args, call) {
    const { out } = call;
    if (call.project !== undefined)
      throw new EngineError(
        'usage',
        'queue clear takes no --project: it clears the list of all repos',
        'leave out --project',
      );
    const answer = await withClient(call, 'write', (client) => client.clearQueue());
    if (out.json) out.print(JSON.stringify(answer));
    else out.say(`cleared ${answer.cleared} ended ${answer.cleared === 1 ? 'agent' : 'agents'}`);
    return 0;
  },
});
