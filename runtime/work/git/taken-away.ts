/** Detects a removed worktree whose folder still exists: inside walls an agent can remove everything except the folder itself and its `.git`. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { entriesInBytes, inside } from '../../base/platform/entry-names.ts';
import { createTimeSlice } from '../../base/platform/time-slice.ts';
import { ownGit } from './git.ts';
import { isThere, type OpenWorktree } from './worktree-list.ts';

export interface TakenAway {
  readonly isGone: boolean;
  /** Whether there is no file, not even an ignored one. */
  readonly isEmpty: boolean;
}

/**
 * A worktree counts as removed if no file of `head` is left, and its `.git` is also gone, or no other file is left and `head` has several. An agent may
 * delete a project's only file on purpose. Deleting several files with all ignored ones is not on purpose unless it is committed.
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
    // A name that is not UTF-8 cannot be checked here, so it counts as present.
    if (file.includes('\ufffd') || isThere(join(path, file))) return { isGone: false, isEmpty };
  }
  return { isGone: files.length > 0, isEmpty };
}

/** Whether a folder contains any file; an unreadable entry counts as a file. */
async function hasFile(folder: Buffer, except: readonly string[]): Promise<boolean> {
  const found = await readdir(folder, entriesInBytes).catch(() => null);
  if (found === null) return true;
  const entries = found.filter(({ name }) => !except.includes(name.toString()));
  if (entries.some((entry) => !entry.isDirectory())) return true;
  for (const { name } of entries) if (await hasFile(inside(folder, name), [])) return true;
  return false;
}
