/** `stator repo add`. */
import { resolve } from 'node:path';
import { defineVerb } from '../command.ts';
import { addRepo, tellAdded } from '../registered.ts';
import { withClient } from '../session.ts';
import { trustArg, trustOf } from '../trust/flag.ts';

export default defineVerb({
  summary: 'Register a repo.',
  args: {
    path: { type: 'positional', description: 'a folder inside of it' },
    trust: trustArg,
  },
  examples: ['stator repo add .'],
  async run({ path, trust: given }, call) {
    const folder = resolve(call.cwd, path);
    const added = await withClient(call, 'write', (client) =>
      addRepo(call, client, { path: folder, trust: trustOf(given), way: 'repo add' }),
    );
    tellAdded(call, added);
    return 0;
  },
});
