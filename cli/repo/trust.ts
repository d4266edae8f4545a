/** `stator repo trust`. */
import { defineVerb } from '../command.ts';
import { plainKept } from '../registered.ts';
import { withClient } from '../session.ts';
import { repoArg, whichRepo } from './which.ts';

export default defineVerb({
  summary: "Put the repo's files in force as they are now, with what they start, and what they leave out.",
  args: {
    repo: repoArg,
    digest: { type: 'string', description: 'only where this is the digest of what is there now' },
  },
  examples: ['stator repo trust my-lib'],
  more: 'See first what it would change: stator trust show.',
  async run({ repo, digest }, call) {
    const { out } = call;
    const project = whichRepo(call, repo);
    const trusted = await withClient(call, 'write', (client) => client.trustRepo(project, digest));
    if (out.json) out.print(JSON.stringify(trusted));
    else {
      const { path, changes, notes } = trusted;
      out.say(`trusted ${project} (${path})${changes.length === 0 ? '; it starts what it did before' : ''}`);
      for (const change of changes) out.say(`  ${plainKept(change)}`);
      out.say(`  digest ${trusted.digest}`);
      for (const note of notes) out.note(note);
    }
    return 0;
  },
});
