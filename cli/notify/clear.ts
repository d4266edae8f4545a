/** `stator notify clear`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'What you were told up to now is read; it is kept, and stands under `stator notify list --all`.',
  args: {},
  examples: ['stator notify clear'],
  async run(_args, call) {
    const { out } = call;
    const answer = await withClient(call, 'write', (client) => client.readNotifications());
    if (out.json) out.print(JSON.stringify(answer));
    else out.say(`read: ${answer.read} ${answer.read === 1 ? 'notification' : 'notifications'}`);
    return 0;
  },
});
