/** `stator repo pause`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { repoArg, whichRepo } from './which.ts';

export default defineVerb({
  summary: 'Let none of its plans begin to implement; what implements goes on.',
  args: { repo: repoArg },
  examples: ['stator repo pause my-lib', 'stator repo resume my-lib'],
  async run({ repo }, call) {
    const { out } = call;
    const project = whichRepo(call, repo);
    const answer = await withClient(call, 'write', (client) => client.pauseRepo(project));
    if (out.json) out.print(JSON.stringify(answer));
    else out.say(`paused ${project}; go on with: stator repo resume ${project}`);
    return 0;
  },
});
