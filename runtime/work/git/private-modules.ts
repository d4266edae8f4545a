/**
 * The submodules of a worktree for an agent inside walls. The clones of the user's checkout are offered as the worktree's own, so `git submodule update
 * --init` need not clone anything and needs no network. Their objects are borrowed, and are read only.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ownGit, tryOwnGit } from './git.ts';
import { entriesIn, isPlainFile, isPlainFolder } from './git-folder.ts';
import { isObjectId } from './object-memo.ts';
import { withoutPassword } from './private-settings.ts';
import { allRefs } from './ref-files.ts';
import type { Repository } from './repository.ts';

const maxModules = 64;
/** The most parts of a submodule's name; `libs/one/two` has three. */
const maxDepth = 8;

/**
 * Makes the clones that the worktree lacks, each completely or not at all, and returns the object folders from which they borrow. Only for a worktree in
 * which no agent works.
 */
export async function offerModules(
  { commonDir }: Pick<Repository, 'commonDir'>,
  { adminDir }: { readonly adminDir: string },
): Promise<string[]> {
  const names = storesIn(join(commonDir, 'modules'));
  for (const name of names) await offer(join(commonDir, 'modules', name), join(adminDir, 'modules', name));
  return names.map((name) => join(commonDir, 'modules', name, 'objects'));
}

/** The paths of the clones below a folder; the clones of a clone's own submodules follow it. */
function storesIn(root: string): string[] {
  const found: string[] = [];
  const folders = [{ way: '', depth: 0 }];
  for (const { way, depth } of folders) {
    for (const name of entriesIn(join(root, way))) {
      const below = join(way, name);
      if (!isPlainFolder(join(root, below))) continue;
      const isStore = isPlainFile(join(root, below, 'HEAD')) && isPlainFolder(join(root, below, 'objects', 'pack'));
      if (isStore) found.push(below);
      if (found.length === maxModules) return found;
      if (depth < maxDepth) folders.push({ way: isStore ? join(below, 'modules') : below, depth: depth + 1 });
    }
  }
  return found;
}

/** Makes a clone that borrows all of its objects. It has the other clone's refs, so that git finds nothing to fetch. */
async function offer(store: string, place: string): Promise<void> {
  if (existsSync(place)) return;
  const draft = `${place}.stator-new`;
  await rm(draft, { recursive: true, force: true });
  for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'info'])
    await mkdir(join(draft, folder), { recursive: true, mode: 0o700 });
  const refs = (await allRefs({ path: store, commonDir: store }, { isReftable: false })).filter(({ target }) =>
    isObjectId(target),
  );
  await writeFile(join(draft, 'HEAD'), 'ref: refs/heads/stator-none\n');
  await writeFile(join(draft, 'objects/info/alternates'), `${join(store, 'objects')}\n`);
  const lines = refs.map(({ name, target }) => `${target} ${name}\n`);
  await writeFile(join(draft, 'packed-refs'), `# pack-refs with: sorted \n${lines.join('')}`);
  await writeFile(join(draft, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = false\n');
  const settings = await tryOwnGit('/', [
    'config',
    '--file',
    join(store, 'config'),
    '--no-includes',
    '--get',
    'remote.origin.url',
  ]);
  const write = (name: string, value: string) => ownGit('/', ['config', '--file', join(draft, 'config'), name, value]);
  if (settings.exitCode === 0) {
    await write('remote.origin.url', withoutPassword(settings.stdout));
    await write('remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*');
  }
  await mkdir(dirname(place), { recursive: true });
  await rename(draft, place);
}
