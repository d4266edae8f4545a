/** The forge that a repo's own remote is at, ready to be asked: the first of its remotes that a person's list of servers knows, `origin` before the others. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { later } from '../platform/later.ts';
import type { Forge } from './forge.ts';
import { remotesOf, serverOf } from './remote.ts';
import { readServers } from './servers.ts';
import { findToken, tokenVariables } from './tokens.ts';

const loadForges = later(() => import('./create-forge.ts'));

export interface ForgePlace {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** The main folder of the repo. */
  readonly repo: string;
  readonly signal?: AbortSignal | undefined;
}

export interface RepoForge {
  readonly forge: Forge;
  /** The name of the remote. */
  readonly remote: string;
}

/** `no_forge` where no remote is at a known server, or there is no token for it, with what to do; also what `readServers` and `findToken` throw. */
export async function forgeOfRepo({ home, env, repo, signal }: ForgePlace): Promise<RepoForge> {
  const { list } = readServers(home);
  const remotes = await remotesOf(repo);
  for (const { remote, ...address } of remotes) {
    const found = serverOf(address, list);
    if (found === null) continue;
    const server = list.find(({ name }) => name === found.server.name);
    if (server === undefined) continue;
    const token = await findToken(server, env);
    if (token !== null) {
      // What speaks to forges is loaded with the first question to one.
      const { createForge } = await loadForges();
      return { remote, forge: createForge({ ...found, token: token.token, signal }) };
    }
    const [variable = ''] = tokenVariables(server);
    throw new EngineError(
      'no_forge',
      `there is no token for ${server.name}, where ${remote} of ${repo} is`,
      `set ${variable} where the engine is started; see docs/forges.md`,
    );
  }
  const hosts = [...new Set(remotes.map(({ host }) => host))];
  const what =
    hosts.length === 0
      ? `${repo} has no remote at a forge`
      : `${repo} has remotes at ${hosts.join(', ')} only, and none is a known server`;
  const hint =
    hosts.length === 0
      ? `add one: git -C ${shellWord(repo)} remote add origin <url>`
      : `name it: stator server add <name> https://${hosts[0]}`;
  throw new EngineError('no_forge', what, hint);
}
