/**
 * Saves commits that a run made in its worktree and abandoned, by `git reset`, a detached HEAD or a rebase. Commits that no ref reaches any more are saved as
 * refs before git deletes them. An amended commit counts as replaced, and so does one whose changes are in the run's final commit.
 */

import { takeObjects } from './foreign-objects.ts';
import { ownGit } from './git.ts';
import { hasWork } from './joint-base.ts';
import { headOf } from './judged-checkout.ts';
import { findCommit } from './objects.ts';
import { headMoves } from './reflog.ts';
import { attemptRef, setRef } from './refs.ts';
import type { Repository } from './repository.ts';
import type { OpenWorktree } from './worktree-list.ts';

/** The most commits that are saved, the youngest ones. */
const maxCommits = 50;

export interface TakenBack {
  readonly commit: string;
  readonly subject: string;
  readonly ref: string;
}

/**
 * Call it when the run's last process has gone and its commits are in the repository; a second call returns the same. `ownGitDir`: the git folder in which
 * its agent committed inside walls; null: it had none. Throws git's errors.
 */
export async function keepTakenBack(
  repo: Repository,
  worktree: OpenWorktree,
  { run, ownGitDir }: { readonly run: string; readonly ownGitDir: string | null },
): Promise<TakenBack[]> {
  const left = leftCommits(ownGitDir ?? worktree.adminDir).slice(-maxCommits);
  if (left.length === 0) return [];
  // null: the checkout is on a branch without a commit.
  const end = await headOf(repo, worktree.path);
  if (ownGitDir !== null)
    await takeObjects({
      ...{ gitDir: ownGitDir, tempPrefix: `${ownGitDir}-taken-`, into: repo.commonDir },
      ...{ heads: left, known: end === null ? [] : [end] },
    });
  const kept: TakenBack[] = [];
  for (const commit of await independent(repo, left)) {
    if (await isReached(repo, commit, run)) continue;
    if (end !== null && (await hasWork(repo, end, commit))) continue;
    const ref = attemptRef(`${run}-taken-back-${commit.slice(0, 12)}`);
    await setRef(repo, ref, commit);
    kept.push({ commit, ref, subject: await ownGit(repo.path, ['show', '--no-patch', '--format=%s', commit]) });
  }
  return kept;
}

/** The commits that HEAD reached and that are not its last one, the oldest first. Only the log is read: most runs have none, so git is not needed. */
function leftCommits(gitDir: string): string[] {
  const moves = headMoves(gitDir);
  let at = moves.at(-1)?.to ?? null;
  const amended = new Set<string>();
  const left = new Set<string>();
  for (const { from, to, isNew, isAmended } of moves.toReversed()) {
    if (!isNew) continue;
    if (to === at) at = from;
    else if (!amended.has(to)) left.add(to);
    if (isAmended) amended.add(from);
  }
  return [...left].reverse();
}

/** The commits among them that the repository has, without ancestors of others. */
async function independent(repo: Repository, commits: readonly string[]): Promise<string[]> {
  const there: string[] = [];
  for (const commit of commits) if ((await findCommit(repo, commit)) === commit) there.push(commit);
  if (there.length < 2) return there;
  return (await ownGit(repo.path, ['merge-base', '--independent', ...there])).split('\n');
}

/** Whether a ref reaches it or a worktree's HEAD is there, without refs that an earlier call saved. */
async function isReached(repo: Repository, commit: string, run: string): Promise<boolean> {
  const known = [`--exclude=${attemptRef(`${run}-taken-back-*`)}`, '--all'];
  return (await ownGit(repo.path, ['rev-list', '--max-count=1', commit, '--not', ...known])) === '';
}
