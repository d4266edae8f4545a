/** `stator server`: the forges that a person has added, in a file of the home. No engine is needed. */

import { resolve } from 'node:path';
import { homeFolder } from '../runtime/base/platform/home.ts';
import { createServerList, type ServerList } from '../runtime/work/forges/server-list.ts';
import { type Call, defineVerb, type Verbs } from './command.ts';
import { refuseAgent } from './place.ts';

export function serverList({ env }: Pick<Call, 'env'>): ServerList {
  return createServerList({ home: homeFolder(env), env });
}

/** Opens the list for changes. Throws `not_allowed` inside a run: only a person decides which servers get a token. */
function ownServers(call: Call): ServerList {
  refuseAgent(call, 'change the list of forges');
  return serverList(call);
}

const nameArg = { type: 'positional', description: 'its name in stator server list' } as const;

const list = defineVerb({
  summary: 'List the known forges: first your own, then the built-in ones.',
  args: {},
  examples: ['stator server list', 'stator server list --json'],
  async run(_args, call) {
    call.out.list(serverList(call).list(), {
      headings: ['name', 'kind', 'url', 'token', ''],
      row: (entry) => [
        entry.name,
        entry.kind,
        entry.url,
        entry.token ?? 'usual places',
        [entry.default ? 'default' : '', entry.allow_private ? 'may be private' : '']
          .filter((word) => word !== '')
          .join(', '),
      ],
      empty: '',
    });
  },
});

const add = defineVerb({
  summary: 'Add a forge. Without --kind stator asks the server which kind it is.',
  args: {
    name: { type: 'positional', required: true, description: 'a name of your choice' },
    url: { type: 'positional', required: true, description: 'its address in a browser' },
    kind: { type: 'string', description: 'github, gitea, forgejo or gitlab' },
    token: { type: 'string', description: 'env:NAME, the variable that holds its token' },
    // The flag is not called `--env-file`, because node takes that flag for itself in any position.
    'env-from': { type: 'string', valueHint: 'file', description: 'a file of NAME=value lines that holds the token' },
    'allow-private': { type: 'boolean', description: 'allow a private address' },
  },
  examples: [
    'stator server add work https://git.example.com --token env:WORK_TOKEN',
    'stator server add lan http://10.0.0.7:3000 --kind gitea --allow-private',
  ],
  async run({ name, url, kind, token, 'env-from': envFile, 'allow-private': allowPrivate }, call) {
    const added = await ownServers(call).add({
      name,
      url,
      kind,
      token,
      envFile: envFile === undefined ? undefined : resolve(call.cwd, envFile),
      allowPrivate: allowPrivate === true,
    });
    call.out.done(added, `added ${added.name}: ${added.kind} at ${added.url}`);
  },
});

const remove = defineVerb({
  summary: 'Remove a forge that you added.',
  args: { name: nameArg },
  examples: ['stator server remove work'],
  async run({ name }, call) {
    const removed = ownServers(call).remove(name);
    call.out.done(removed, `removed ${removed.name}`);
  },
});

const defaultOne = defineVerb({
  summary: 'Show the default forge for owner/repo#n; with a name, set it.',
  args: { name: { ...nameArg, required: false } },
  examples: ['stator server default', 'stator server default work'],
  async run({ name }, call) {
    const { out } = call;
    const servers = ownServers(call);
    const chosen = name === undefined ? servers.list().find((entry) => entry.default) : servers.choose(name);
    if (name === undefined) out.answer(chosen, () => [chosen?.name ?? '']);
    else out.done(chosen, `owner/repo#n is on ${name} from here on`);
  },
});

const get = defineVerb({
  summary: 'Show a forge and where its token comes from; default: the default forge.',
  args: { name: { ...nameArg, required: false } },
  examples: ['stator server get', 'stator server get work --json'],
  more: 'The token itself is never shown. stator doctor checks whether the forge accepts it.',
  async run({ name }, call) {
    const { out } = call;
    const found = await serverList(call).show(name);
    const looked = found.token_variables.join(', ');
    out.answer(found, () => [
      `${found.name}  ${found.kind}  ${found.url}${found.default ? '  (default)' : ''}`,
      `token: ${found.token_from === null ? `none; looked for in ${looked}` : `from ${found.token_from}`}`,
      ...(found.env_file === null ? [] : [`env file: ${found.env_file}`]),
      ...(found.allow_private ? ['may be at a private address'] : []),
    ]);
  },
});

export default { list, add, remove, default: defaultOne, get } satisfies Verbs;
