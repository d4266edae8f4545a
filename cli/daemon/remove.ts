/** `stator daemon remove`. */
import { defineVerb } from '../command.ts';
import { removeArgs, removedName, tellRemoved } from '../repo/remove.ts';
import { requireEngine } from './presence.ts';

export default defineVerb({
  summary: 'Take a repo out. Its plans are kept, and adding it again brings them back.',
  args: removeArgs,
  examples: ['stator daemon remove my-lib', 'stator daemon remove . --stop'],
  async run({ repo, stop = false }, call) {
    const { client } = await requireEngine(call);
    tellRemoved(call, await client.removeRepo(removedName(call, repo), { stop }));
    return 0;
  },
});
