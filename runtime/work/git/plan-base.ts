/** The base of a plan's branch: a commit, and a branch to merge into; and the refs in which an earlier version stored it. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startIn } from './base-remote.ts';
import { askOwnGit, ownGit, tryOwnGit } from './git.ts';
import { isPlainFolder } from './git-folder.ts';
import { isObjectId } from './object-memo.ts';
import { commitOf } from './objects.ts';
import { branchRef, type RefPlace, readRefs } from './refs.ts';

export interface Base {
  /** The branch to merge into; null: `start` is a tag or a commit. */
  readonly branch: string | null;
  readonly commit: string;
}

/**
 * `start` is a branch, a remote's branch (a merge goes into the local one of that name), a tag or a commit. If a branch is behind its last fetched remote
 * branch, the plan begins at the remote's commit. Throws `git_failed` if there is none of these.
 */
export async function baseAt(repo: RefPlace, start: string): Promise<Base> {
  const commit = await commitOf(repo, start);
  if (isObjectId(start) || start.startsWith('refs/')) return { branch: null, commit };
  const remote = `refs/remotes/${start}`;
  const [own, theirs] = await readRefs(repo, [branchRef(start), remote]);
  if (own != null) return { branch: start, commit: await startIn(repo, start, commit) };
  if (theirs == null) return { branch: null, commit };
  return { branch: await ownGit(repo.path, ['for-each-ref', '--format=%(refname:lstrip=3)', remote]), commit };
}

/** The same for an existing plan branch: the commit is the merge base. */
export async function baseBehind(repo: RefPlace, branch: string, start: string): Promise<Base> {
  const base = await baseAt(repo, start);
  const fork = await askOwnGit(repo.path, ['merge-base', base.commit, branchRef(branch)]);
  return { ...base, commit: fork ?? base.commit };
}

/** The target branch if `branch` is a symbolic ref, such as `master` for `main`: if it moved under its other name, its checkout would not follow. */
export async function realBranch(repo: Pick<RefPlace, 'path'>, branch: string): Promise<string> {
  const target = (await askOwnGit(repo.path, ['symbolic-ref', '-q', branchRef(branch)])) ?? '';
  return target.startsWith('refs/heads/') ? target.slice('refs/heads/'.length) : branch;
}

const folder = 'refs/stator/base';

/** By a plan's branch, the base branch that an earlier version stored as a symbolic ref; null if that is gone. */
export async function storedBases(repo: RefPlace): Promise<Map<string, string | null>> {
  const noted = new Map<string, string | null>();
  const listing = await ownGit(repo.path, ['for-each-ref', '--format=%(refname)', folder]);
  // Git lists no symbolic ref without a target, although `update-ref` follows it. A symbolic ref is never packed.
  const place = join(repo.commonDir, folder);
  const files = isPlainFolder(place) ? await readdir(place, { recursive: true, withFileTypes: true }) : [];
  const found = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const loose = found.map((file) => file.slice(repo.commonDir.length + 1));
  for (const ref of new Set([...listing.split('\n'), ...loose])) {
    if (ref === '') continue;
    const target = await tryOwnGit(repo.path, ['symbolic-ref', '-q', ref]);
    if (target.exitCode !== 0) continue;
    const branch = target.stdout.replace(/^refs\/heads\//, '');
    const [head] = await readRefs(repo, [branchRef(branch)]);
    noted.set(ref.slice(folder.length + 1), head == null ? null : branch);
  }
  return noted;
}

/** Removes such a ref, and keeps its target branch: `update-ref -d` would delete the target. */
export async function dropNote(repo: Pick<RefPlace, 'path'>, branch: string): Promise<void> {
  await ownGit(repo.path, ['symbolic-ref', '--delete', `${folder}/${branch}`]);
}
