/** `stator repo add`. */
import { resolve } from 'node:path';
import { defineVerb } from '../command.ts';
import { addRepo } from '../registered.ts';
import { withClient } from '../session.ts';
import { plain } from '../text.ts';

export default defineVerb({
  summary: 'Register a repo.',
  args: {
    path: { type: 'positional', description: 'a folder inside of it' },
    trust: { type: 'boolean', description: "let the repo's configuration start its programs" },
  },
  examples: ['stator repo add .'],
  async run({ path, trust = false }, call) {
    const { out } = call;
    const folder = resolve(call.cwd, path);
    const added = await withClient(call, 'write', (client) => addRepo(call, client, { path: folder, trust }));
    if (out.json) out.print(JSON.stringify(added));
    else {
      out.say(`added ${added.project} (${added.path})`);
      for (const line of added.enables) out.say(`  ${plain(line)}`);
      for (const note of added.notes) out.note(note);
    }
    return 0;
  },
});
