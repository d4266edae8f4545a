/**
 * Commits that a run made in its worktree and left again, by `git reset`, a detached HEAD or a rebase. What nothing reaches any more is kept as a ref, before
 * git deletes it. A commit that was amended counts as replaced, and so does one whose changes are where the run ended.
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

/** The youngest count. */
const maxCommits = 50;

export interface TakenBack {
  readonly commit: string;
  readonly subject: string;
  readonly ref: string;
}

/**
 * Called when the last process of the run has gone and its own end is in the repository; called again it answers the same. `ownGitDir`: where its agent
 * committed inside walls; null: it had no git folder of its own. Throws as git does.
 */
export async function keepTakenBack(
  repo: Repository,
  worktree: OpenWorktree,
  { run, ownGitDir }: { readonly run: string; readonly ownGitDir: string | null },
): Promise<TakenBack[]> {
  const left = leftCommits(ownGitDir ?? worktree.adminDir).slice(-maxCommits);
  if (left.length === 0) return [];
  // null: the agent left its checkout on a branch that has no commit.
  const end = await headOf(repo, worktree.path);
  if (ownGitDir !== null)
    await takeObjects({
      ...{ gitDir: ownGitDir, asidePrefix: `${ownGitDir}-taken-`, into: repo.commonDir },
      ...{ tips: left, known: end === null ? [] : [end] },
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

/** The commits that HEAD came to, and does not stand on at the end, the oldest first. By the log alone: of most runs there are none, and git is not asked. */
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

/** Those of them that the repository has, without the history of others among them. */
async function independent(repo: Repository, commits: readonly string[]): Promise<string[]> {
  const there: string[] = [];
  for (const commit of commits) if ((await findCommit(repo, commit)) === commit) there.push(commit);
  if (there.length < 2) return there;
  return (await ownGit(repo.path, ['merge-base', '--independent', ...there])).split('\n');
}

/** Whether a ref has it, or a worktree stands on it; what an earlier look kept aside. */
async function isReached(repo: Repository, commit: string, run: string): Promise<boolean> {
  const known = [`--exclude=${attemptRef(`${run}-taken-back-*`)}`, '--all'];
  return (await ownGit(repo.path, ['rev-list', '--max-count=1', commit, '--not', ...known])) === '';
}
