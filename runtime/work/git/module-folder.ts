/**
 * Finds the repository of a submodule, if git may run there. An agent can write all of it: the submodule's folder may be a link into another repository of
 * the user, its `.git` may name one, and a link among git's own files may lead into one. Then nothing is run or changed there.
 */
import { existsSync } from 'node:fs';
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { entriesInBytes, inside } from '../../base/platform/entry-names.ts';
import { ifMissing } from '../../base/platform/system-code.ts';
import { isWithin } from './worktree-folder.ts';
import { isOwnFolder } from './worktree-list.ts';

/** The limit for a clone with all its history, unpacked; a larger one is left alone. */
const maxEntries = 200_000;
const linkLimitBytes = 8_192;

/**
 * The git folder of the submodule in `folder`, a path below a worktree; null: there is none, or parts of it belong to others. `modules`: the folder of the
 * worktree's submodule clones. `stores`: the folders from which a clone may borrow objects.
 */
export async function moduleGitDir(
  folder: string,
  { modules, stores }: { modules: string; stores: string },
): Promise<string | null> {
  if (!isOwnFolder(folder)) return null;
  const link = join(folder, '.git');
  const found = await lstat(link).catch(() => null);
  if (found?.isDirectory() === true) return (await isAllItsOwn(link, stores)) ? link : null;
  if (found?.isFile() !== true || found.size > linkLimitBytes) return null;
  const named = targetOf(await readFile(link, 'utf8'));
  if (named === null) return null;
  const gitDir = await realpath(resolve(folder, named)).catch(() => null);
  const root = await realpath(modules).catch(() => null);
  if (gitDir === null || root === null || gitDir === root || !isWithin(root, gitDir)) return null;
  return (await isAllItsOwn(gitDir, stores)) ? gitDir : null;
}

/** The path in a `.git` file; null: it names none. */
export function targetOf(text: string): string | null {
  const opening = 'gitdir: ';
  if (!text.startsWith(opening)) return null;
  let end = text.length;
  while (text[end - 1] === '\n') end -= 1;
  return end > opening.length ? text.slice(opening.length, end) : null;
}

/** Whether it contains no link and no pipe, is no worktree of another repository, and borrows no foreign objects. */
async function isAllItsOwn(gitDir: string, stores: string): Promise<boolean> {
  if (existsSync(join(gitDir, 'commondir'))) return false;
  let count = 0;
  for (const folders: Buffer[] = [Buffer.from(gitDir)]; ; ) {
    const folder = folders.pop();
    if (folder === undefined) break;
    for (const entry of await readdir(folder, entriesInBytes)) {
      count += 1;
      if (count > maxEntries || !(entry.isDirectory() || entry.isFile())) return false;
      if (entry.isDirectory()) folders.push(inside(folder, entry.name));
    }
  }
  return borrowsFrom(join(gitDir, 'objects'), stores);
}

async function borrowsFrom(objects: string, stores: string): Promise<boolean> {
  const file = join(objects, 'info', 'alternates');
  const found = await lstat(file).catch(ifMissing(null, 'ENOTDIR'));
  if (found === null) return true;
  // What is not read here, git may read.
  if (!found.isFile() || found.size > linkLimitBytes) return false;
  const text = await readFile(file, 'utf8');
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const real = await realpath(resolve(objects, line)).catch(() => null);
    if (real === null || !isWithin(stores, real)) return false;
  }
  return true;
}

/** Whether a submodule of that name has its own place: a folder inside the git folder of another submodule would be written among its files. */
export function hasOwnStore(stores: string, name: string): boolean {
  for (let above = dirname(name); above !== '.' && above !== '/'; above = dirname(above))
    if (existsSync(join(stores, above, 'HEAD'))) return false;
  return true;
}
