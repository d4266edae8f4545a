/**
 * Merges without a worktree: the merge commit is built first, and then the branch moves to it by compare-and-set. Eight merges at once all succeed, and a
 * kill at any line leaves either the old branch or the new one.
 */

import { detach, movedMeanwhile, worktreesOn } from './branch.ts';
import { checkoutTimeoutMs, ownGit } from './git.ts';
import { commitOf, commitTree, isAncestor, mergeTrees, treeOf } from './objects.ts';
import { branchRef, moveRef } from './refs.ts';
import { replay } from './replay.ts';
import type { Repository } from './repository.ts';
import { adminDirOf, inWorktree, isOwnFolder, type OpenWorktree, tryInWorktree } from './worktree-list.ts';

/** A round is lost only to another merge, so this many merges at once succeed. */
const maxRounds = 50;
/** The most commits by which a plan's worktree may be behind its branch and still be updated. */
const maxBehind = 200;

/** Turns a merged tree into the tree that is committed. */
export type EditTree = (tree: string) => Promise<string>;

export type Merge =
  | { readonly kind: 'merged'; readonly head: string }
  | { readonly kind: 'conflict'; readonly files: string[] }
  | { readonly kind: 'nothing' };

/**
 * Merges `from` into the branch `into` by a merge commit with two parents; `head` is that commit. A second run finds the merge of the first and returns the
 * same. `nothing`: `from` has no new commit. `files` are the conflicting paths. Our worktree of `into` is updated if nothing is uncommitted in it; otherwise
 * it becomes detached at its commit. Throws `branch_checked_out` if a foreign checkout has `into` checked out, `bad_config` without an identity.
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

/**
 * `new`: the commit is made, and no branch points to it yet. `merged`: an earlier run did it. `rebase`: commits with one parent that come to the same tree, in
 * place of a merge commit.
 */
export async function buildMerge(
  repo: Repository,
  wanted: { source: string; target: string; message: string; edit?: EditTree | null; rebase?: boolean },
): Promise<Merge | { kind: 'new'; head: string }> {
  const { source, target, message, edit = null, rebase = false } = wanted;
  const merged = await mergeTrees(repo, target, source);
  if (merged.kind === 'conflict') return merged;
  // A commit that is already in the history changes nothing.
  if (merged.tree === (await treeOf(repo, target)) && (await isAncestor(repo, source, target))) {
    const head = await mergeOf(repo, source, target);
    return head === null ? { kind: 'nothing' } : { kind: 'merged', head };
  }
  const tree = edit === null ? merged.tree : await edit(merged.tree);
  if (rebase) return { kind: 'new', head: await replay(repo, { head: source, onto: target, tree, message }) };
  return { kind: 'new', head: await commitTree(repo, { tree, parents: [target, source], message }) };
}

/** The merge commit that brought `source` into the first-parent line of `target`; null if it came in another way. */
async function mergeOf(repo: Repository, source: string, target: string): Promise<string | null> {
  const args = ['rev-list', '--first-parent', '--merges', '--parents', target, `^${source}`];
  const lines = (await ownGit(repo.path, args)).split('\n');
  for (const line of lines) {
    const [merge, , second] = line.split(' ');
    if (merge !== undefined && second === source) return merge;
  }
  return null;
}

/** Moves a branch forward, with our worktrees of it; false if it has moved meanwhile. */
export function advanceBranch(repo: Repository, move: { branch: string; from: string; to: string }): Promise<boolean> {
  return repo.exclusively(async () => {
    for (const worktree of await worktreesOn(repo, move.branch)) {
      // This comes before the branch moves: after a kill, uncommitted files there would look as if the merge was undone.
      if ((await cleanAt(repo, worktree.path, move.branch)) === null) await detach(repo, worktree, move.from);
    }
    if (!(await moveRef(repo, branchRef(move.branch), move))) return false;
    await followBranch(repo, move.branch, move.to);
    return true;
  });
}

/** Updates the files of our worktrees of `branch` to `head`. Git refuses to overwrite an unknown file: then the worktree becomes detached at its commit. */
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
 * The branch's commit that a worktree's index and files have, which may be behind the branch; null if something is uncommitted. The index decides, because
 * HEAD has already moved with the branch if a kill came in between.
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
  const asked = ['diff-files', '--quiet', '--ignore-submodules=dirty'];
  const files = await tryInWorktree(worktree, asked, { timeoutMs: checkoutTimeoutMs });
  if (files.exitCode !== 0) return null;
  const args = ['log', '--first-parent', `--max-count=${maxBehind}`, '--format=%H %T', branchRef(branch)];
  for (const line of (await inWorktree(worktree, args)).split('\n')) {
    const [commit, tree] = line.split(' ');
    if (commit !== undefined && tree === index.stdout) return { worktree, commit };
  }
  return null;
}
