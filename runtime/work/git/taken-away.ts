/** Whether a worktree was taken away where its folder stays: inside walls an agent can remove everything but the folder itself and its `.git`. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { entriesInBytes, inside } from '../../base/platform/entry-names.ts';
import { createTimeSlice } from '../../base/platform/time-slice.ts';
import { ownGit } from './git.ts';
import { isThere, type OpenWorktree } from './worktree-list.ts';

export interface TakenAway {
  readonly isGone: boolean;
  /** Whether no file lies there, not even one that git ignores. */
  readonly isEmpty: boolean;
}

/**
 * Gone is a worktree in which no file of `head` is left, where its `.git` is gone too, or no other file lies there and `head` has several. A project's only
 * file may be deleted on purpose. All of several with what git ignores beside them are not, unless a commit says so.
 */
export async function takenAway(
  repo: { readonly path: string },
  { path }: Pick<OpenWorktree, 'path'>,
  head: string,
): Promise<TakenAway> {
  const isEmpty = !(await hasFile(Buffer.from(path), ['.git']));
  const isLinked = isThere(join(path, '.git'));
  if (isLinked && !isEmpty) return { isGone: false, isEmpty };
  const listing = await ownGit(repo.path, ['ls-tree', '-r', '-z', '--name-only', '--full-tree', head]);
  const files = listing.split('\0').filter((file) => file !== '');
  if (isEmpty) return { isGone: !isLinked || files.length > 1, isEmpty };
  const slice = createTimeSlice();
  for (const file of files) {
    if (slice.isOver()) await slice.yield();
    // A name that is no UTF-8 cannot be asked for here, so it counts as there.
    if (file.includes('\ufffd') || isThere(join(path, file))) return { isGone: false, isEmpty };
  }
  return { isGone: files.length > 0, isEmpty };
}

/** Whether anything but folders lies in a folder; one that cannot be read counts as a file. */
async function hasFile(folder: Buffer, except: readonly string[]): Promise<boolean> {
  const found = await readdir(folder, entriesInBytes).catch(() => null);
  if (found === null) return true;
  const entries = found.filter(({ name }) => !except.includes(name.toString()));
  if (entries.some((entry) => !entry.isDirectory())) return true;
  for (const { name } of entries) if (await hasFile(inside(folder, name), [])) return true;
  return false;
}
