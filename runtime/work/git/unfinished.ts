/** A merge, a rebase or the like that an agent left unfinished: git's files beside HEAD, and the files that still conflict. */
import { join } from 'node:path';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { ownGit, tryOwnGit, wholeDiff } from './git.ts';
import { textOf } from './git-folder.ts';
import { findCommit, mergeTrees } from './objects.ts';
import type { Repository } from './repository.ts';
import type { OpenWorktree } from './worktree-list.ts';

/** git leaves one of these files when such an operation is unfinished. */
export const unfinishedHeads = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'REBASE_HEAD'] as const;

/** Ends an unfinished merge, rebase or cherry-pick in a worktree, after its changes are committed or saved. */
export async function dropUnfinished({ adminDir }: OpenWorktree): Promise<void> {
  for (const name of [...unfinishedHeads, 'rebase-merge', 'rebase-apply', 'sequencer', 'BISECT_LOG', 'BISECT_START'])
    await removeTree(join(adminDir, name));
}

export interface Unfinished {
  /** The commit that was being merged; null: no merge is under way. */
  readonly merged: string | null;
  /** The files that still conflict. Empty: nothing is unfinished, or all conflicts were resolved and only the commit is missing. */
  readonly conflicts: readonly string[];
}

/** `head` and `tree`: the worktree's commit, and its files. */
export async function unfinishedIn(
  repo: Repository,
  { adminDir }: OpenWorktree,
  { head, tree }: { readonly head: string; readonly tree: string },
): Promise<Unfinished> {
  const [merging, ...others] = unfinishedHeads.map((name) => textOf(join(adminDir, name)));
  const named = /^([0-9a-f]{40,64})$/m.exec(merging ?? '')?.[1] ?? null;
  const merged = named === null ? null : await findCommit(repo, named);
  if (merging == null && others.every((text) => text == null)) return { merged, conflicts: [] };
  const marked = await markedFiles(repo, { head, tree });
  const untouched = merged === null ? [] : await untouchedFiles(repo, { head, merged, tree });
  return { merged, conflicts: [...new Set([...marked, ...untouched])].sort() };
}

/** The changed files that contain git's conflict marks. */
async function markedFiles(repo: Repository, { head, tree }: { head: string; tree: string }): Promise<string[]> {
  const marked = await tryOwnGit(repo.path, ['grep', '-l', '-z', '-I', '-e', '^<<<<<<< ', tree]);
  if (marked.exitCode !== 0) return [];
  const paths = new Set(marked.stdout.split('\0').map((entry) => entry.slice(tree.length + 1)));
  const changed = await ownGit(repo.path, [
    'diff-tree',
    '-r',
    '-z',
    '--name-only',
    '--no-renames',
    ...wholeDiff,
    head,
    tree,
  ]);
  return changed.split('\0').filter((path) => path !== '' && paths.has(path));
}

/** Files that conflict without marks (one side deleted them, or they are no text) and are still as git left them. */
async function untouchedFiles(
  repo: Repository,
  { head, merged, tree }: { head: string; merged: string; tree: string },
): Promise<string[]> {
  const merge = await mergeTrees(repo, head, merged, { allowsUnrelated: true });
  if (merge.kind === 'tree') return [];
  const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', ...wholeDiff, merge.tree, tree];
  const touched = new Set((await ownGit(repo.path, args)).split('\0'));
  return merge.files.filter((file) => !touched.has(file));
}
