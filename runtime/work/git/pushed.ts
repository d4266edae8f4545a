/**
 * Replays the commits that people pushed to a part of a stack of pull requests onto another commit, with their authors and messages, without a worktree.
 * No ref is moved, so a second run is harmless: changes that `onto` already contains are skipped.
 */
import type { PersonsPush } from '../../../machines/vocabulary/plan-pull.ts';
import { ownGit, tryOwnGit } from './git.ts';
import { commitTree, isAncestor, mergeTrees, treeOf } from './objects.ts';
import { maxCommits, type Picked, pick, sideOf, wordsOf } from './replay.ts';
import type { Repository } from './repository.ts';

export type TakenPushes =
  | { readonly kind: 'taken'; readonly head: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[]; readonly to: string };

/** `into`: the target branch's commit, whose work is also skipped. Throws `git_failed`. */
export async function takePushed(
  repo: Repository,
  { pushes, onto, into }: { readonly pushes: readonly PersonsPush[]; readonly onto: string; readonly into: string },
): Promise<TakenPushes> {
  let head = onto;
  const conflicts: Extract<TakenPushes, { kind: 'conflict' }>[] = [];
  const done: string[] = [];
  for (const push of pushes) {
    if (await isAncestor(repo, push.to, head)) continue;
    const picked = await takeOne(repo, { push, head, into });
    if (picked.kind === 'conflict') conflicts.push({ ...picked, to: push.to });
    else {
      head = picked.head;
      done.push(push.to);
    }
  }
  // A person may have resolved the conflict in a part above, and pushed both.
  for (const conflict of conflicts) {
    const isResolved = await Promise.all(done.map((to) => isAncestor(repo, conflict.to, to)));
    if (!isResolved.includes(true)) return conflict;
  }
  return { kind: 'taken', head };
}

interface One {
  readonly push: PersonsPush;
  readonly head: string;
  readonly into: string;
}

/**
 * Commits are replayed one by one. If the push was forced, has more than `maxCommits` commits, or one of them conflicts, its total change becomes one commit;
 * a push with `without` has no such change, and is a conflict then.
 */
async function takeOne(repo: Repository, one: One): Promise<Picked> {
  const { push, head, into } = one;
  const { from, to, without = [] } = push;
  if (!(await isAncestor(repo, from, to))) return takeWhole(repo, one);
  // A merge of another part belongs to this branch, and the commits before it may be people's.
  const merges = without.length === 0 ? [] : await list(repo, ['--first-parent', `${from}..${to}`]);
  const excluded = [head, into, ...without.filter((commit) => !merges.includes(commit))].map((commit) => `^${commit}`);
  const order = ['--reverse', '--topo-order', '--no-merges', `--max-count=${maxCommits + 1}`];
  const listed = await list(repo, [...order, `${from}..${to}`, ...excluded]);
  const commits = listed.filter((commit) => !without.includes(commit));
  const picked = commits.length > maxCommits ? null : await pick(repo, { commits, onto: head });
  return picked !== null && (picked.kind === 'picked' || without.length > 0) ? picked : takeWhole(repo, one);
}

/** Some of the excluded commits may never have been fetched. */
async function list({ path }: Repository, args: readonly string[]): Promise<string[]> {
  return (await ownGit(path, ['rev-list', '--ignore-missing', ...args])).split('\n').filter((line) => line !== '');
}

/** The change between two commits as one commit, without the changes that came from the target branch. */
async function takeWhole(repo: Repository, { push: { from, to, without = [] }, head, into }: One): Promise<Picked> {
  if (without.length > 0) return { kind: 'conflict', files: [] };
  const common = (await tryOwnGit(repo.path, ['merge-base', to, into])).stdout;
  const start = common === '' ? null : await mergeTrees(repo, from, common, { allowsUnrelated: true });
  if (start?.kind === 'conflict') return start;
  const parent = await sideOf(repo, { tree: start?.tree ?? (await treeOf(repo, from)), parent: from });
  const before = await treeOf(repo, head);
  const side = async (tree: string) => sideOf(repo, { tree, parent });
  const merged = await mergeTrees(repo, await side(before), await side(await treeOf(repo, to)));
  if (merged.kind === 'conflict') return merged;
  if (merged.tree === before) return { kind: 'picked', head };
  const words = await wordsOf(repo, to);
  return { kind: 'picked', head: await commitTree(repo, { tree: merged.tree, parents: [head], ...words }) };
}
