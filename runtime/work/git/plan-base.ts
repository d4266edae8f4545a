/** The base of a plan's branch: a commit, and a branch to merge into. */
import type { RepoConfig } from '../../base/config/config.ts';
import { fetchBase, startIn } from './base-remote.ts';
import { askOwnGit, ownGit, tryOwnGit } from './git.ts';
import { isObjectId } from './object-memo.ts';
import { commitOf } from './objects.ts';
import { branchRef, type RefPlace, readRefs } from './refs.ts';
import { baseBranch, type Repository } from './repository.ts';

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

/** The base for a plan that begins now, fetched first if that is configured; `fetchTrouble` reports a failure. */
export async function beginningOf(
  { baseBranch: configured, baseFetch }: Pick<RepoConfig, 'baseBranch' | 'baseFetch'>,
  repository: Repository,
): Promise<Base> {
  const start = await baseBranch(repository, configured);
  if (baseFetch && !isObjectId(start)) await fetchBase(repository, start);
  return baseAt(repository, start);
}

/** The same for an existing plan branch: the commit is the merge base. */
export async function baseBehind(repo: RefPlace, branch: string, start: string): Promise<Base> {
  const base = await baseAt(repo, start);
  const fork = await askOwnGit(repo.path, ['merge-base', base.commit, branchRef(branch)]);
  return { ...base, commit: fork ?? base.commit };
}

/** The target branch if `branch` is a symbolic ref, such as `master` for `main`: if it moved under its other name, its checkout would not follow. */
export async function realBranch(repo: Pick<RefPlace, 'path'>, branch: string): Promise<string> {
  // A name that no branch may have fails here, and is no branch then.
  const { stdout: target } = await tryOwnGit(repo.path, ['symbolic-ref', '-q', branchRef(branch)]);
  return target.startsWith('refs/heads/') ? target.slice('refs/heads/'.length) : branch;
}
