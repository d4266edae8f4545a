/** `stator repo`: the registered repos. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { Client, RepoMoved } from '../runtime/api/client/client.ts';
import { type Call, defineVerb, type Verbs } from './command.ts';
import { addRepo, plainKept, printAdded } from './registered.ts';
import { isFolder, namedRepo, repoArg, repoOrFolderArg, whichRepo } from './repo/which.ts';
import { withClient } from './session.ts';
import { isDigest, trustArg, trustOf } from './trust/flag.ts';
import { listTrust, revokeTrust, showTrust } from './trust.ts';

const add = defineVerb({
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
    printAdded(call, added);
  },
});

const compose = defineVerb({
  summary:
    'Make a repo of several: each is a folder of it. A plan there changes them together, and lands in all or none.',
  args: {
    path: { type: 'positional', description: 'the folder to make; it does not exist, or is empty' },
    repos: { type: 'positional', description: 'registered repos, in the order in which they land' },
  },
  mayRepeat: true,
  examples: ['stator repo compose ../shop api web'],
  more: 'A task names its repo with **Repo:** api. See docs/several-repos.md.',
  async run({ path }, call, [, ...repos]) {
    const folder = resolve(call.cwd, path);
    const members = repos.map((name) => namedRepo(call, name));
    printAdded(call, await withClient(call, 'write', (client) => client.composeRepo({ path: folder, members })));
  },
});

export const removeArgs = {
  repo: repoOrFolderArg,
  stop: { type: 'boolean', description: 'stop its agents first; this costs no attempt' },
} as const;

const move = defineVerb({
  summary: 'Say where the folder of a repo was moved to, or give it to another host of the store. Its plans go along.',
  args: {
    repo: removeArgs.repo,
    to: {
      type: 'positional',
      valueHint: 'path|host',
      description: 'its new folder, with a slash in it; or the host, as stator host list shows it',
    },
    stop: removeArgs.stop,
  },
  examples: ['stator repo move my-lib ../my-library', 'stator repo move my-lib build-2 --stop'],
  more: 'Move or rename the folder first. The repo keeps its name, and its plans, branches and history go on in the new folder. Another host needs clones under [host] in its daemon.toml. It clones the repo where it does not have it, fetches the branches of the plans, and continues. Worktrees stay here as they are.',
  async run({ repo, to, stop = false }, call) {
    const isPath = isFolder(to);
    const place = isPath ? { path: resolve(call.cwd, to) } : { host: to };
    const moved = await withClient(call, 'write', (client) =>
      client.moveRepo({ project: namedRepo(call, repo), ...place, stop }).catch((thrown: unknown) => {
        throw isPath ? thrown : unlessFolder(call, { repo, to, thrown });
      }),
    );
    printMoved(call, moved);
  },
});

/** A folder of that name may have been meant instead of a host. */
function unlessFolder({ cwd }: Call, { repo, to, thrown }: { repo: string; to: string; thrown: unknown }): unknown {
  if (!(thrown instanceof EngineError) || thrown.code !== 'not_found' || !existsSync(resolve(cwd, to))) return thrown;
  return new EngineError(
    'not_found',
    thrown.message,
    `where the folder is meant, write it with a slash: stator repo move ${shellWord(repo)} ${shellWord(`./${to}`)}`,
  );
}

export function printMoved({ out }: Call, moved: RepoMoved): void {
  const { status, project, to, active_plans: plans } = moved;
  const along = plans === 0 ? '' : `, with ${plans} ${plans === 1 ? 'plan' : 'plans'} under way`;
  const lines = {
    there: `${project} is ${to.startsWith('/') ? 'in' : 'on'} ${to} already`,
    moved: `${project} goes on in ${to}${along}`,
    moving: `moving ${project} to ${to}${along}; see when it is there: stator repo list`,
  };
  out.done(moved, lines[status]);
}

const trust = defineVerb({
  summary: "Trust the repo's files in their present state, with everything that they start or turn off.",
  args: {
    repo: repoArg,
    digest: { type: 'string', description: 'only if this is the digest of the present state' },
    show: { type: 'boolean', description: 'only show what is trusted, since when, and what has changed since' },
    list: { type: 'boolean', description: 'only list the trusted repos, since when and by which command' },
    revoke: { type: 'boolean', description: 'take it back: nothing new starts; running agents continue to their end' },
  },
  examples: ['stator repo trust my-lib --show', 'stator repo trust my-lib', 'stator repo trust my-lib --revoke'],
  more: 'The plans of a repo that is not trusted do not change, and continue when it is trusted again.',
  async run({ repo, digest, show, list, revoke }, call) {
    const { out } = call;
    const said = Object.entries({ digest, show, list, revoke }).flatMap(([name, value]) =>
      value ? [`--${name}`] : [],
    );
    const [first, second] = said;
    if (second !== undefined)
      throw new EngineError('usage', `${first} and ${second} do not go together`, 'leave out one of the two');
    if (list === true && repo !== undefined)
      throw new EngineError('usage', `--list is of all repos, and "${repo}" is one`, 'see that one with --show');
    if (digest !== undefined && !isDigest(digest))
      throw new EngineError(
        'usage',
        `--digest is "${digest}"`,
        'give all 64 hex digits, as stator repo trust --show has them',
      );
    if (list === true) return void (await listTrust(call));
    const named = (client: Client) => whichRepo(call, client, repo);
    if (show === true) return void (await showTrust(call, named));
    if (revoke === true) return void (await revokeTrust(call, named));
    const trusted = await withClient(call, 'write', async (client) =>
      client.trustRepo({ project: await named(client), digest }),
    );
    const { project, path, changes, notes, digest: taken } = trusted;
    const how = changes.length === 0 ? '; it starts what it did before' : '';
    const lines = [...changes.map(plainKept), `digest ${taken}`].map((line) => `  ${line}`);
    out.done(trusted, `trusted ${project} (${path})${how}`, ...lines);
    for (const note of notes) out.note(note);
    return undefined;
  },
});

export default { add, compose, move, trust } satisfies Verbs;
