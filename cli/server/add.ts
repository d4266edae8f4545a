/** `stator server add`. */
import { resolve } from 'node:path';
import { defineVerb } from '../command.ts';
import { ownServers, tell } from './server.ts';

export default defineVerb({
  summary: 'Name a forge. Without --kind it is asked which kind it is.',
  args: {
    name: { type: 'positional', required: true, description: 'what you call it' },
    url: { type: 'positional', required: true, description: 'where people look at it' },
    kind: { type: 'string', description: 'github, gitea, forgejo or gitlab' },
    token: { type: 'string', description: 'env:NAME, where its token is' },
    // Never `--env-file`: node takes that flag for its own, wherever it stands.
    'env-from': { type: 'string', valueHint: 'file', description: 'a file of NAME=value lines, for its token' },
    'allow-private': { type: 'boolean', description: 'it may be at a private address' },
  },
  examples: [
    'stator server add work https://git.example.com --token env:WORK_TOKEN',
    'stator server add lan http://10.0.0.7:3000 --kind gitea --allow-private',
  ],
  async run({ name, url, kind, token, 'env-from': envFile, 'allow-private': allowPrivate }, call) {
    const servers = ownServers(call);
    const added = await servers.add({
      name,
      url,
      kind,
      token,
      envFile: envFile === undefined ? undefined : resolve(call.cwd, envFile),
      allowPrivate: allowPrivate === true,
    });
    return tell(call, added, `added ${added.name}: ${added.kind} at ${added.url}`);
  },
});
