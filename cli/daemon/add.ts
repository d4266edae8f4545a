/** `stator daemon add`. */
import { resolve } from 'node:path';
import { defineVerb } from '../command.ts';
import { addRepo, tellAdded } from '../registered.ts';
import { requireEngine } from './presence.ts';

export default defineVerb({
  summary: 'Register a repo with the running daemon: active at once, and remembered.',
  args: {
    path: { type: 'positional', description: 'a folder inside of it; a worktree means its main repository' },
    trust: { type: 'boolean', description: "let the repo's configuration start its programs" },
  },
  examples: ['stator daemon add ~/code/my-lib'],
  more: 'Without a daemon: stator repo add <path>.',
  async run({ path, trust = false }, call) {
    const { client } = await requireEngine(call);
    const added = await addRepo(call, client, { path: resolve(call.cwd, path), trust, mustBeNew: true });
    tellAdded(call, added);
    return 0;
  },
});
