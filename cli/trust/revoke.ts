/** `stator trust revoke`. */
import { defineVerb } from '../command.ts';
import { repoArg, whichRepo } from '../repo/which.ts';
import { withClient } from '../session.ts';

export default defineVerb({
  summary: 'Take the trust in a repo back: nothing new of it starts. What runs goes on to its end.',
  args: { repo: repoArg },
  examples: ['stator trust revoke my-lib', 'stator repo trust my-lib'],
  more: 'Its plans stay as they are, and go on when it is trusted again.',
  async run({ repo }, call) {
    const { out } = call;
    const named = whichRepo(call, repo);
    const answer = await withClient(call, 'write', (client) => client.revokeTrust(named));
    if (out.json) out.print(JSON.stringify(answer));
    else {
      out.say(`${answer.project} is not trusted any more; give it back with: stator repo trust ${answer.project}`);
      for (const note of answer.notes) out.note(note);
    }
    return 0;
  },
});
