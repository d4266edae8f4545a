/** `stator repo trust`. */
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { plain } from '../text.ts';
import { repoArg, whichRepo } from './which.ts';

export default defineVerb({
  summary: "Put the repo's configuration in force as its file is now, with the programs that it starts.",
  args: { repo: repoArg },
  examples: ['stator repo trust my-lib'],
  more: 'See first what it would change: stator repo show.',
  async run({ repo }, call) {
    const { out } = call;
    const project = whichRepo(call, repo);
    const trusted = await withClient(call, 'write', (client) => client.trustRepo(project));
    if (out.json) out.print(JSON.stringify(trusted));
    else {
      const { path, changes, notes } = trusted;
      out.say(`trusted ${project} (${path})${changes.length === 0 ? '; it starts what it did before' : ''}`);
      for (const change of changes) out.say(`  ${plain(change)}`);
      for (const note of notes) out.note(note);
    }
    return 0;
  },
});
