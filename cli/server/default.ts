/** `stator server default`. */
import { defineVerb } from '../command.ts';
import { ownServers, tell } from './server.ts';

export default defineVerb({
  summary: 'The forge that owner/repo#n is on: shows it, or with a name chooses it.',
  args: { name: { type: 'positional', required: false, description: 'its name in stator server list' } },
  examples: ['stator server default', 'stator server default work'],
  async run({ name }, call) {
    const { out } = call;
    const servers = ownServers(call);
    if (name !== undefined) return tell(call, servers.choose(name), `owner/repo#n is on ${name} from here on`);
    const chosen = servers.list().find((entry) => entry.default);
    out.answer(chosen, () => [chosen?.name ?? '']);
    return 0;
  },
});
