/** Makes sure that the repo which a plan is for is registered; what its configuration may start is shown first. */
import { EngineError } from '../machines/errors.ts';
import type { Client, RepoAdded } from '../runtime/control/client.ts';
import { canAsk, confirm } from './ask.ts';
import type { Call } from './command.ts';

export interface Registering {
  /** The main repository's absolute path; for `addRepo` any path inside of it. */
  readonly path: string;
  readonly trust: boolean;
}

/**
 * Answers the project's name. Asks on a terminal where the repo's configuration starts programs; throws `untrusted` where nobody says yes,
 * and what registering throws.
 */
export async function ensureRegistered(call: Call, client: Client, { path, trust }: Registering): Promise<string> {
  const known = (await client.repos()).find((repo) => repo.path === path);
  if (known !== undefined) {
    if (trust) await trustAgain(client, path);
    return known.project;
  }
  const added = await addRepo(call, client, { path, trust });
  call.out.note(`registered ${added.project} (${added.path})`);
  return added.project;
}

/** Registers the repo, asking as above. */
export async function addRepo(call: Call, client: Client, { path, trust }: Registering): Promise<RepoAdded> {
  try {
    return await client.addRepo(path, { trust });
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code !== 'untrusted' || !canAsk(call)) throw thrown;
    call.out.stderr.write(`${thrown.message}\n`);
    if (!(await confirm(call, 'let it start these programs?'))) throw thrown;
    return client.addRepo(path, { trust: true });
  }
}

/** Its configuration may have changed since it was trusted. */
async function trustAgain(client: Client, path: string): Promise<void> {
  try {
    await client.addRepo(path, { trust: true });
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code !== 'conflict') throw thrown;
  }
}
