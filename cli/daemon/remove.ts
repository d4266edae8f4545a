/** `stator daemon remove`. */
import { resolve } from 'node:path';
import { defineVerb } from '../command.ts';
import { requireEngine } from './presence.ts';

export default defineVerb({
  summary: 'Take a repo out. Its plans are kept, and adding it again brings them back.',
  args: {
    repo: { type: 'positional', valueHint: 'project|path', description: 'its name or its folder' },
    stop: { type: 'boolean', description: 'stop its agents first, no attempt spent' },
  },
  examples: ['stator daemon remove my-lib', 'stator daemon remove . --stop'],
  async run({ repo, stop = false }, call) {
    const { out } = call;
    const { client } = await requireEngine(call);
    // A name has no slash, and is no folder of this one.
    const name = repo.includes('/') || repo === '.' || repo === '..' ? resolve(call.cwd, repo) : repo;
    const removed = await client.removeRepo(name, { stop });
    if (out.json) out.print(JSON.stringify(removed));
    else {
      out.say(`removed ${removed.project} (${removed.path})`);
      for (const note of removed.notes) out.note(note);
    }
    return 0;
  },
});
