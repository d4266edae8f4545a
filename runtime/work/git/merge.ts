/**
 * Merges without a worktree: the merge commit is built aside, and the branch moves to it by compare-and-set. Eight at once
 * are eight merges, and a kill at any line leaves either the old branch or the new one.
 */

import { detach, movedMeanwhile, worktreesOn } from './branch.ts';
import { checkoutTimeoutMs, ownGit } from './git.ts';
import { commitOf, commitTree, isAncestor, mergeTrees, treeOf } from './objects.ts';
import { branchRef, moveRef } from './refs.ts';
import type { Repository } from './repository.ts';
import { adminDirOf, inWorktree, isOwnFolder, type OpenWorktree, tryInWorktree } from './worktree-list.ts';

/** Each round that loses was won by another merge, so this many at once get through. */
const maxRounds = 50;
/** How far back a plan worktree may lie behind its branch and still be brought up to date. */
const maxBehind = 200;

/** Makes of a merged tree the one that is committed. */
export type EditTree = (tree: string) => Promise<string>;

export type Merge =
  | { readonly kind: 'merged'; readonly head: string }
  | { readonly kind: 'conflict'; readonly files: string[] }
  | { readonly kind: 'nothing' };

/**
 * Merges `from` into the branch `into` by a merge commit with two parents; `head` is that commit. A second run finds the merge
 * of the first and answers the same. `nothing`: `from` has no commit of its own. `files` are the paths that conflict.
 * A worktree of ours that stands on `into` follows where nothing is uncommitted in it; else it is left detached where it was.
 * Throws `branch_checked_out` where a checkout that is not ours stands on `into`, `bad_config` without an identity.
 */
export async function mergeBranch(
  repo: Repository,
  wanted: { from: string; into: string; message: string; edit?: EditTree | null },
): Promise<Merge> {
  const { into, message, edit = null } = wanted;
  const source = await commitOf(repo, wanted.from);
  for (let round = 0; round < maxRounds; round++) {
    const target = await commitOf(repo, branchRef(into));
    const built = await buildMerge(repo, { source, target, message, edit });
    if (built.kind === 'conflict') return built;
    if (built.kind === 'new') {
      const isMoved = await advanceBranch(repo, { branch: into, from: target, to: built.head });
      if (isMoved) return { kind: 'merged', head: built.head };
      continue;
    }
    await repo.exclusively(() => followBranch(repo, into, target));
    return built;
  }
  throw movedMeanwhile(repo, into);
}

/** `new`: the commit is made, and no branch is on it yet. `merged`: an earlier run did it. */
export async function buildMerge(
  repo: Repository,
  wanted: { source: string; target: string; message: string; edit?: EditTree | null },
): Promise<Merge | { kind: 'new'; head: string }> {
  const { source, target, message, edit = null } = wanted;
  const merged = await mergeTrees(repo, target, source);
  if (merged.kind === 'conflict') return merged;
  // What is in the history already brings nothing.
  if (merged.tree === (await treeOf(repo, target)) && (await isAncestor(repo, source, target))) {
    const head = await mergeOf(repo, source, target);
    return head === null ? { kind: 'nothing' } : { kind: 'merged', head };
  }
  const tree = edit === null ? merged.tree : await edit(merged.tree);
  return { kind: 'new', head: await commitTree(repo, { tree, parents: [target, source], message }) };
}

/** The merge commit that brought `source` into the first line of `target`; null where it came in another way. */
async function mergeOf(repo: Repository, source: string, target: string): Promise<string | null> {
  const args = ['rev-list', '--first-parent', '--merges', '--parents', target, `^${source}`];
  const lines = (await ownGit(repo.path, args)).split('\n');
  for (const line of lines) {
    const [merge, , second] = line.split(' ');
    if (merge !== undefined && second === source) return merge;
  }
  return null;
}

/** Moves a branch on, with the worktrees of ours that stand on it; false where it has moved meanwhile. */
export function advanceBranch(repo: Repository, move: { branch: string; from: string; to: string }): Promise<boolean> {
  return repo.exclusively(async () => {
    for (const worktree of await worktreesOn(repo, move.branch)) {
      // Before the branch moves: killed after it, what is uncommitted there would look like the merge undone.
      if ((await cleanAt(repo, worktree.path, move.branch)) === null) await detach(repo, worktree, move.from);
    }
    if (!(await moveRef(repo, branchRef(move.branch), move))) return false;
    await followBranch(repo, move.branch, move.to);
    return true;
  });
}

/** Brings the files of our worktrees on `branch` to `head`. Git refuses to write over a file that it does not know: then the worktree is left detached where it was. */
async function followBranch(repo: Repository, branch: string, head: string): Promise<void> {
  for (const { path } of await worktreesOn(repo, branch)) {
    const at = await cleanAt(repo, path, branch);
    if (at === null || at.commit === head) continue;
    const args = ['read-tree', '-m', '-u', '--exclude-per-directory=.gitignore', at.commit, head];
    const moved = await tryInWorktree(at.worktree, args, { timeoutMs: checkoutTimeoutMs });
    if (moved.exitCode !== 0) await detach(repo, { path }, at.commit);
  }
}

/**
 * The commit of the branch that a worktree's index and files hold, which may lie behind the branch; null where something is
 * uncommitted. Asked of the index, because HEAD has moved on with the branch when a kill came in between.
 */
async function cleanAt(
  repo: Repository,
  path: string,
  branch: string,
): Promise<{ worktree: OpenWorktree; commit: string } | null> {
  const adminDir = await adminDirOf(repo, path);
  if (adminDir === null || !isOwnFolder(path)) return null;
  const worktree = { path, adminDir };
  const index = await tryInWorktree(worktree, ['write-tree']);
  if (index.exitCode !== 0) return null;
  await tryInWorktree(worktree, ['update-index', '-q', '--refresh'], { timeoutMs: checkoutTimeoutMs });
  const files = await tryInWorktree(worktree, ['diff-files', '--quiet'], { timeoutMs: checkoutTimeoutMs });
  if (files.exitCode !== 0) return null;
  const args = ['log', '--first-parent', `--max-count=${maxBehind}`, '--format=%H %T', branchRef(branch)];
  for (const line of (await inWorktree(worktree, args)).split('\n')) {
    const [commit, tree] = line.split(' ');
    if (commit !== undefined && tree === index.stdout) return { worktree, commit };
  }
  return null;
}
