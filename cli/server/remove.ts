/** `stator server remove`. */
import { defineVerb } from '../command.ts';
import { ownServers, tell } from './server.ts';

export default defineVerb({
  summary: 'Forget a forge that you named; nothing is asked there any more.',
  args: { name: { type: 'positional', required: true, description: 'its name in stator server list' } },
  examples: ['stator server remove work'],
  async run({ name }, call) {
    const removed = ownServers(call).remove(name);
    return tell(call, removed, `removed ${removed.name}`);
  },
});
