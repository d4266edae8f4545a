/** `stator daemon add`. */
import { resolve } from 'node:path';
import { defineVerb } from '../command.ts';
import { addRepo, tellAdded } from '../registered.ts';
import { trustArg, trustOf } from '../trust/flag.ts';
import { requireEngine } from './presence.ts';

export default defineVerb({
  summary: 'Register a repo with the running daemon: active at once, and remembered.',
  args: {
    path: { type: 'positional', description: 'a folder inside of it; a worktree means its main repository' },
    trust: trustArg,
  },
  examples: ['stator daemon add ~/code/my-lib'],
  more: 'Without a daemon: stator repo add <path>.',
  async run({ path, trust: given }, call) {
    const { client } = await requireEngine(call);
    const folder = resolve(call.cwd, path);
    const added = await addRepo(call, client, {
      path: folder,
      trust: trustOf(given),
      way: 'daemon add',
      mustBeNew: true,
    });
    tellAdded(call, added);
    return 0;
  },
});
