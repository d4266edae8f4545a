/** `stator repo resume`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { repoArg, whichRepo } from './which.ts';

export default defineVerb({
  summary: 'Let its plans begin again.',
  args: { repo: repoArg },
  examples: ['stator repo resume my-lib'],
  async run({ repo }, call) {
    const { out } = call;
    const project = whichRepo(call, repo);
    const answer = await withClient(call, 'write', (client) => client.resumeRepo(project));
    if (out.json) out.print(JSON.stringify(answer));
    else out.say(`resumed ${project}`);
    return 0;
  },
});
