/** Makes a repo whose folders contain the files of other repos: `stator repo compose`. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { folderName, type MemberConfig } from '../../base/config/config.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { ownGit, tryOwnGit } from '../git/git.ts';
import { identity } from '../git/identity.ts';
import { commitTree } from '../git/objects.ts';
import type { Repository } from '../git/repository.ts';

/** Throws `bad_request` if one of these registered repos cannot be the name of a folder. */
export function mustBeMembers(names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new EngineError(
      'bad_request',
      `${twice} is named twice`,
      'name each repo once, in the order in which they land',
    );
  const odd = names.find((name) => !folderName.test(name));
  if (odd !== undefined) {
    const hint = `make the repo without it, and write [members.<folder>] repo = ${JSON.stringify(odd)} into its .stator/config.toml`;
    throw new EngineError('bad_request', `${odd} cannot be the name of a folder`, hint);
  }
}

/**
 * Makes the folder, with a first commit that contains the configuration. The author is the user, or otherwise the author of `like`. `undo` removes
 * everything that it made; an error does the same: `bad_config` without an identity, or git's errors.
 */
export async function makeComposite(
  path: string,
  { members, like }: { readonly members: readonly MemberConfig[]; readonly like: Pick<Repository, 'path'> },
): Promise<{ undo(): Promise<void> }> {
  const wasThere = existsSync(path);
  const undo = () => removeMade(path, wasThere);
  mkdirSync(path, { recursive: true });
  try {
    await ownGit(path, ['init', '-q', '-b', 'main', '.']);
    await setIdentity(path, like);
    const tables = members.map(
      ({ folder, branch }) =>
        `[members.${/^[\w-]+$/.test(folder) ? folder : JSON.stringify(folder)}]\nbranch = ${JSON.stringify(branch)}\n`,
    );
    mkdirSync(join(path, '.stator'));
    writeFileSync(
      join(path, '.stator', 'config.toml'),
      `# The repos in the folders of this one, in the order in which they land.\n${tables.join('\n')}`,
    );
    await ownGit(path, ['add', '--', '.stator/config.toml']);
    const tree = await ownGit(path, ['write-tree']);
    const commit = await commitTree(
      { path },
      { tree, parents: [], message: `A repo of ${members.map(({ folder }) => folder).join(', ')}` },
    );
    await ownGit(path, ['update-ref', '--no-deref', 'refs/heads/main', commit, '0'.repeat(commit.length)]);
    return { undo };
  } catch (thrown) {
    await undo();
    throw thrown;
  }
}

/** An author who is configured only in a member also commits here. */
async function setIdentity(path: string, like: Pick<Repository, 'path'>): Promise<void> {
  const known = await identity({ path }).catch(() => null);
  if (known !== null) return;
  const { name, email } = await identity(like);
  await ownGit(path, ['config', 'user.name', name]);
  await ownGit(path, ['config', 'user.email', email]);
}

/** Removes only what `makeComposite` has just made. */
async function removeMade(path: string, keepsFolder: boolean): Promise<void> {
  for (const name of readdirSync(path)) await removeTree(join(path, name));
  if (!keepsFolder) rmdirSync(path);
}

/** Throws `bad_repo` unless it is an empty or missing folder outside of every repository. */
export async function mustBeFree(path: string): Promise<void> {
  if (!isAbsolute(path))
    throw new EngineError('bad_repo', `the path of a repo must be absolute, not ${path}`, 'give it from the root on');
  if (existsSync(path) && readdirSync(path).length > 0)
    throw new EngineError(
      'bad_repo',
      `${path} is not empty`,
      `name a folder that does not exist yet; or if that is the repo of them already, add it: stator repo add ${shellWord(path)}`,
    );
  const parent = nearestFolder(path);
  const inside = await tryOwnGit(parent, ['rev-parse', '--show-toplevel']);
  if (inside.exitCode !== 0) return;
  const hint = `name a folder beside it: ${shellWord(`${inside.stdout}-all`)}`;
  throw new EngineError('bad_repo', `${path} is inside of the repository ${inside.stdout}`, hint);
}

function nearestFolder(path: string): string {
  let at = path;
  while (!existsSync(at)) at = join(at, '..');
  return at;
}
