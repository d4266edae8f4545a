/** `stator repo remove`. */
import { resolve } from 'node:path';
import type { RepoRemoved } from '../../runtime/api/client/client.ts';
import { type Call, defineVerb } from '../command.ts';
import { withClient } from '../session.ts';

export const removeArgs = {
  repo: { type: 'positional', valueHint: 'project|path', description: 'its name or its folder' },
  stop: { type: 'boolean', description: 'stop its agents first, no attempt spent' },
} as const;

export default defineVerb({
  summary: 'Take a repo out, also where no daemon runs. Its plans are kept, and adding it again brings them back.',
  args: removeArgs,
  examples: ['stator repo remove my-lib', 'stator repo remove . --stop'],
  async run({ repo, stop = false }, call) {
    const name = removedName(call, repo);
    tellRemoved(call, await withClient(call, 'write', (client) => client.removeRepo(name, { stop })));
    return 0;
  },
});

/** A name has no slash, and is no folder of this one. */
export function removedName({ cwd }: Call, repo: string): string {
  return repo.includes('/') || repo === '.' || repo === '..' ? resolve(cwd, repo) : repo;
}

export function tellRemoved({ out }: Call, removed: RepoRemoved): void {
  if (out.json) out.print(JSON.stringify(removed));
  else {
    out.say(`removed ${removed.project} (${removed.path})`);
    for (const note of removed.notes) out.note(note);
  }
}
