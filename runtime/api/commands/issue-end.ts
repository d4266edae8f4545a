/** Removes an issue's session, and first lists the work that the removal would lose or interrupt. */

import { planTree, runName } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { worktreePath } from '../../work/effects/workplace.ts';
import { keepAttempt } from '../../work/git/attempt.ts';
import { deleteBranch } from '../../work/git/branch.ts';
import { tryOwnGit } from '../../work/git/git.ts';
import { isObjectId } from '../../work/git/object-memo.ts';
import { findCommit } from '../../work/git/objects.ts';
import { attemptRef, branchRef, moveRef, readRef } from '../../work/git/refs.ts';
import { baseBranch, type Repository } from '../../work/git/repository.ts';
import { removeWorktree, uncommittedFiles } from '../../work/git/worktree.ts';
import { adminDirOf, isOwnFolder } from '../../work/git/worktree-list.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import type { IssuePlace } from './issue-place.ts';

export interface Danger {
  readonly kind: 'pull_request' | 'uncommitted' | 'unpushed' | 'running';
  readonly what: string;
}

export interface PullRequestLook {
  readonly url: string;
  readonly state: 'open' | 'merged' | 'closed' | 'unknown';
  readonly why: string;
  /** Commits of the pull request: the branch's head on the forge, the commit that was pushed for it, and for a merged one all of its commits. */
  readonly heads: readonly string[];
}

type EndParts = Pick<CommandDependencies, 'store' | 'projects'>;

/** All reasons against the removal; one does not hide another. */
export async function dangersOf(
  { store, projects }: EndParts,
  place: IssuePlace,
  pullRequests: readonly PullRequestLook[],
): Promise<Danger[]> {
  const { project, plan } = place;
  const branch = (await store.plan(project, plan))?.branch ?? place.branch;
  const found: Danger[] = [];
  for (const { url, state, why } of pullRequests) {
    if (state === 'open') found.push({ kind: 'pull_request', what: `its pull request is open: ${url}` });
    if (state === 'unknown')
      found.push({
        kind: 'pull_request',
        what: `its pull request counts as open, because the forge did not answer: ${url} (${why})`,
      });
  }
  const effects = await store.effects({ by: 'tree', tree: planTree(project, plan) });
  if (effects.some(({ kind, status }) => kind === 'agent.run' && status === 'running'))
    found.push({ kind: 'running', what: `its agent is at work: stator agent list --project ${shellWord(project)}` });
  const repository = await projects.repository(project);
  const worktree = worktreePath(projects.get(project), { branch, from: branch, folder: place.folder });
  const files = await uncommittedFiles(repository, worktree);
  if (files > 0)
    found.push({
      kind: 'uncommitted',
      what: `${files} ${files === 1 ? 'file is' : 'files are'} uncommitted in ${worktree}`,
    });
  const configured = projects.get(project).config.baseBranch;
  const commits = await unpushed(repository, { branch, configured, merged: mergedHeads(pullRequests) });
  if (commits === null)
    found.push({
      kind: 'unpushed',
      what: `whether all of ${branch} is on a remote or merged is not known, because git could not read the history: git -C ${shellWord(repository.path)} log ${shellWord(branch)} --not --remotes`,
    });
  else if (commits > 0)
    found.push({
      kind: 'unpushed',
      what: `${commits} ${commits === 1 ? 'commit' : 'commits'} of ${branch} ${commits === 1 ? 'is' : 'are'} on no remote and not merged`,
    });
  return found;
}

/** Commits that were merged on forges. They and their ancestors are in the base there, even if this repository does not know it yet. */
export function mergedHeads(pullRequests: readonly PullRequestLook[]): string[] {
  return pullRequests.flatMap(({ state, heads }) => (state === 'merged' ? heads : []));
}

/**
 * Removes a session's worktree and saves its uncommitted files as an attempt's ref. Deletes the branch if all of it is merged, into the base or into one of
 * the commits `merged`. Returns a line for each thing that stays. Throws git's errors. `isBegun`: an agent has run there; otherwise the files come from the
 * setup and are not saved.
 */
export async function removeSession(
  { projects }: EndParts,
  place: IssuePlace,
  {
    branch,
    isBegun,
    merged,
  }: { readonly branch: string; readonly isBegun: boolean; readonly merged: readonly string[] },
): Promise<string[]> {
  const repository = await projects.repository(place.project);
  const path = worktreePath(projects.get(place.project), { branch, from: branch, folder: place.folder });
  const base = await baseBranch(repository, projects.get(place.project).config.baseBranch);
  const run = runName(place.project, place.plan, `destroyed-${Date.now().toString(36)}`);
  const wanted = { path, branch, mergedInto: null, run };
  const first = await removeWorktree(repository, wanted);
  // Files in a folder that is not ours are not ours to save.
  if (first.kind === 'kept' && isOwnFolder(path) && (await adminDirOf(repository, path)) !== null) {
    const message = `left over in ${branch}`;
    await whileThere(path, () => keepAttempt(repository, { path, branch, run, base: branch, message }));
  }
  const second = first.kind === 'removed' ? first : await removeWorktree(repository, wanted);
  const kept = isBegun ? null : await readRef(repository, attemptRef(run));
  if (kept !== null) await moveRef(repository, attemptRef(run), { from: kept, to: null });
  const notes = second.kind === 'kept' ? [`the worktree stays: ${second.why}`] : [];
  // If the branch is already gone, this deletes the mark that it left.
  for (const mergedInto of [base, ...(await known(repository, merged))])
    if (await deleteBranch(repository, { branch, mergedInto })) return notes;
  return [...notes, `the branch ${branch} is kept: not all of it is in ${base}`];
}

/** null if the folder went away meanwhile: the worktree of a merged plan is removed automatically. */
async function whileThere<Found>(path: string, look: () => Promise<Found>): Promise<Found | null> {
  try {
    return await look();
  } catch (thrown) {
    if (isOwnFolder(path)) throw thrown;
    return null;
  }
}

/**
 * The number of commits that are on no remote known to this repository, not in the base, and not in a merged pull request, whose branch the remote may have
 * deleted. null: git could not count them.
 */
async function unpushed(
  repository: Repository,
  { branch, configured, merged }: { branch: string; configured: string; merged: readonly string[] },
): Promise<number | null> {
  if ((await readRef(repository, branchRef(branch))) === null) return 0;
  const base = await baseBranch(repository, configured);
  const heads = await known(repository, merged);
  const args = ['rev-list', '--count', branchRef(branch), '--not', '--remotes', base, ...heads];
  const counted = await tryOwnGit(repository.path, args);
  return counted.exitCode === 0 ? Number(counted.stdout) : null;
}

/** The commits that exist in this repository. */
async function known(repository: Repository, commits: readonly string[]): Promise<string[]> {
  const ids = [...new Set(commits)].filter(isObjectId);
  const found = await Promise.all(ids.map(async (id) => ((await findCommit(repository, id)) === null ? [] : [id])));
  return found.flat();
}
