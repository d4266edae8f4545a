/** Makes one commit that contains several others, without a worktree, and moves a branch of ours to it. */
import { detach, ensureBranch, worktreesOn } from './branch.ts';
import { ownGit } from './git.ts';
import { buildMerge } from './merge.ts';
import { commitsNotIn, commitTree, isAncestor, mergeTrees, treeOf } from './objects.ts';
import { branchRef, moveRef } from './refs.ts';
import type { Repository } from './repository.ts';

/** A commit, and its name for people. */
export interface NamedCommit {
  readonly name: string;
  readonly commit: string;
}

export type Joint =
  | { readonly kind: 'joined'; readonly commit: string }
  /** `between`: the commits so far, and the one that conflicts with them. */
  | { readonly kind: 'conflict'; readonly files: string[]; readonly between: readonly [readonly string[], string] };

/**
 * The commit that contains all given commits (at least one): one of them if it contains the others, otherwise merges with two parents, in their order. The
 * same commits always give the same result, with the date of the youngest. Throws `bad_config` without an identity.
 */
export async function joinCommits(repo: Repository, parts: readonly NamedCommit[]): Promise<Joint> {
  const [first, ...rest] = parts;
  if (first === undefined) throw new Error('no commit is to be joined');
  let joint = first.commit;
  const before = [first.name];
  for (const { name, commit } of rest) {
    if (await isAncestor(repo, joint, commit)) joint = commit;
    else if (!(await isAncestor(repo, commit, joint))) {
      const merged = await mergeTrees(repo, joint, commit);
      if (merged.kind === 'conflict') return { ...merged, between: [before, name] };
      const message = `Base: ${[...before, name].join(', ')}`;
      const env = await dateOf(repo, [joint, commit]);
      joint = await commitTree(repo, { tree: merged.tree, parents: [joint, commit], message, env });
    }
    before.push(name);
  }
  return { kind: 'joined', commit: joint };
}

/** Whether `target` has all of a commit's work: the commit is its ancestor, or merging it would change nothing, as after a squash. */
export async function holdsWork(repo: Repository, target: string, commit: string): Promise<boolean> {
  if (await isAncestor(repo, commit, target)) return true;
  const merged = await mergeTrees(repo, target, commit, { allowsUnrelated: true });
  return merged.kind === 'tree' && merged.tree === (await treeOf(repo, target));
}

/** `holdsWork`, or `target` has commits with the same changes, as after a rebase. */
export async function hasWork(repo: Repository, target: string, commit: string): Promise<boolean> {
  return (await holdsWork(repo, target, commit)) || (await commitsNotIn(repo, commit, target)) === 0;
}

/** The date makes the result repeatable: a second run makes the same commit. */
async function dateOf({ path }: Repository, commits: readonly string[]): Promise<Record<string, string>> {
  const seconds = (await ownGit(path, ['show', '--no-patch', '--format=%ct', ...commits])).split('\n').map(Number);
  const date = `@${Math.max(...seconds)} +0000`;
  return { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
}

/**
 * Sets a branch of ours without its own work to another commit; false if the branch has moved meanwhile. Our worktrees of it become detached, and are
 * prepared again later. Throws `branch_checked_out`.
 */
export function restartBranch(repo: Repository, move: { branch: string; from: string; to: string }): Promise<boolean> {
  return repo.exclusively(async () => {
    for (const worktree of await worktreesOn(repo, move.branch)) await detach(repo, worktree, move.from);
    return moveRef(repo, branchRef(move.branch), move);
  });
}

export type Taken =
  | { readonly kind: 'taken'; readonly head: string }
  | { readonly kind: 'conflict'; readonly files: string[] }
  | { readonly kind: 'moved' };

/** Merges `commit` into a branch of ours that has work, by a commit with two parents. `moved`: someone has committed there meanwhile. Throws as `restartBranch`. */
export async function takeIntoBranch(
  repo: Repository,
  { branch, commit, message }: { branch: string; commit: string; message: string },
): Promise<Taken> {
  const head = await ensureBranch(repo, { branch, start: commit });
  const built = await buildMerge(repo, { source: commit, target: head, message });
  if (built.kind === 'conflict') return built;
  if (built.kind !== 'new') return { kind: 'taken', head };
  return (await restartBranch(repo, { branch, from: head, to: built.head }))
    ? { kind: 'taken', head: built.head }
    : { kind: 'moved' };
}
