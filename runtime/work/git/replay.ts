/** Makes the commits of a branch anew on top of another commit, without a worktree, like a rebase that never stops at a conflict. */
import { ownGit } from './git.ts';
import { commitTree, findCommit, mergeTrees, treeOf } from './objects.ts';
import type { Repository } from './repository.ts';

/** The most commits: each costs three git processes. A longer branch lands as one commit. */
export const maxCommits = 200;

/** A commit that serves as the common ancestor of both sides. It is repeatable, and nothing points to it. */
const sideEnv = { GIT_AUTHOR_DATE: '@0 +0000', GIT_COMMITTER_DATE: '@0 +0000' };

interface Wanted {
  /** The last commit of the branch. */
  readonly head: string;
  readonly onto: string;
  /** Commits that do not belong to the branch, besides those of `onto`. */
  readonly without?: readonly string[];
  /** The tree of their merge, which the result must have. */
  readonly tree: string;
  /** The message and author of the single commit, if they cannot be made anew one by one. */
  readonly message: string;
}

/**
 * Makes the commits anew on `onto`, with their authors and messages and without merges, and returns the last one. It is a single commit if they are
 * too many, if one conflicts, or if the result would differ from `tree`, as when a merge among them resolved a conflict. Throws `git_failed`.
 */
export async function replay(repo: Repository, wanted: Wanted): Promise<string> {
  const { onto, tree, message } = wanted;
  const head = await oneByOne(repo, wanted);
  if (head !== null && (await treeOf(repo, head)) === tree) return head;
  return commitTree(repo, { tree, parents: [onto], message });
}

/** null: that is not possible. */
async function oneByOne(repo: Repository, { head, onto, without = [] }: Wanted): Promise<string | null> {
  const args = [
    'rev-list',
    '--reverse',
    '--topo-order',
    '--no-merges',
    `--max-count=${maxCommits + 1}`,
    head,
    ...[onto, ...without].map((commit) => `^${commit}`),
  ];
  const commits = (await ownGit(repo.path, args)).split('\n').filter((line) => line !== '');
  if (commits.length > maxCommits) return null;
  const picked = await pick(repo, { commits, onto });
  return picked.kind === 'conflict' || picked.head === onto ? null : picked.head;
}

export type Picked =
  | { readonly kind: 'picked'; readonly head: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[] };

/** Makes commits anew, one by one on top of `onto`, with their authors and messages. A commit that would change nothing is skipped. */
export async function pick(
  repo: Repository,
  { commits, onto }: { readonly commits: readonly string[]; readonly onto: string },
): Promise<Picked> {
  let head = onto;
  for (const commit of commits) {
    const parent = await findCommit(repo, `${commit}^`);
    if (parent === null) return { kind: 'conflict', files: [] };
    const before = await treeOf(repo, head);
    const side = await sideOf(repo, { tree: before, parent });
    const merged = await mergeTrees(repo, side, commit);
    if (merged.kind === 'conflict') return merged;
    if (merged.tree === before) continue;
    head = await commitTree(repo, { tree: merged.tree, parents: [head], ...(await wordsOf(repo, commit)) });
  }
  return { kind: 'picked', head };
}

/** A commit that makes git merge as if `parent` were the common ancestor of both sides. */
export function sideOf(repo: Repository, { tree, parent }: { readonly tree: string; readonly parent: string }) {
  return commitTree(repo, { tree, parents: [parent], message: 'side', env: sideEnv });
}

/** The message and the author of a commit, for making it anew. */
export async function wordsOf({ path }: Repository, commit: string) {
  const format = '--format=%an%x00%ae%x00%ad%x00%B';
  const said = await ownGit(path, ['show', '--no-patch', '--date=raw', '--encoding=UTF-8', format, commit]);
  const [name = '', email = '', date = '', message = ''] = said.split('\0');
  return { message, author: authorVariables(name, email, date) };
}

/** Git accepts no name of such characters alone, though a commit may have one that a program wrote. */
const emptyName = /^[\x00-\x20.,:;<>"\\']*$/;

/** git's variables for making a commit anew; `date` in git's raw format. */
export function authorVariables(name: string, email: string, date: string): Readonly<Record<string, string>> {
  // Without the sign, git takes the seconds of the first years after 1970 for something else.
  return {
    GIT_AUTHOR_NAME: emptyName.test(name) ? 'unknown' : name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: `@${date}`,
  };
}
