/**
 * Collects an agent's commits from its run's own git folder (private-repository.ts): those of its HEAD and of its branch. The branch moves to the agent's
 * head, the worktree's own index and HEAD follow, and then everything is as if the agent had worked in the shared repository. Changes to other refs, to
 * settings and to hooks are not collected.
 */

import { existsSync } from 'node:fs';
import { readFile, realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { ifMissing } from '../../base/platform/system-code.ts';
import { movedMeanwhile } from './branch.ts';
import { takeObjects } from './foreign-objects.ts';
import { foreignFile, foreignHead, foreignRef } from './foreign-refs.ts';
import { checkoutTimeoutMs } from './git.ts';
import { textOf } from './git-folder.ts';
import { takeLfsObjects } from './lfs-objects.ts';
import { commitTree, findCommit, isAncestor, mergeTrees } from './objects.ts';
import { type PrivatePlace, privatePlaceIn } from './private-repository.ts';
import { branchRef, moveRef, readRef } from './refs.ts';
import type { Repository } from './repository.ts';
import { unfinishedHeads } from './unfinished.ts';
import { dropLocks, inWorktree, type OpenWorktree, othersWorktreeAt } from './worktree-list.ts';

/** The most tries while someone else commits to the branch. */
const maxRounds = 5;

export interface Collection {
  readonly place: PrivatePlace;
  readonly path: string;
  /** The worktree's part of `.git`; null: index and HEAD are left alone, because the agent still works or the worktree is gone. */
  readonly adminDir: string | null;
  readonly branch: string;
  /** true: the run judges the branch, so its commits are collected and the branch is not moved. Default: the branch moves. */
  readonly isDetached?: boolean;
  /** The message of a merge with other authors' commits on the branch. */
  readonly message: string;
}

export type Collected =
  /** There is no separate git folder, or nothing new in it. */
  | { readonly kind: 'none' }
  | { readonly kind: 'taken'; readonly head: string }
  /** Its commits cannot be collected; its files are unchanged. */
  | { readonly kind: 'refused'; readonly why: string };

/** Safe to run again, and to be killed at any line: the last change is the one that a second run checks. Throws `git_failed` and the disk's errors. */
export async function collectPrivate(repo: Repository, run: Collection): Promise<Collected> {
  const { place, path, adminDir, branch } = run;
  const worktree = adminDir === null ? null : { path, adminDir };
  if (!existsSync(place.gitDir)) return { kind: 'none' };
  const notes = await notesOf(place);
  const start = notes[0] ?? (await readRef(repo, branchRef(branch)));
  const gitDir = await ownFolder(place);
  const end = endIn(gitDir, { branch, start });
  if (end === null) return { kind: 'none' };
  const unfinished = worktree === null ? [] : unfinishedIn(gitDir);
  const ends = [
    ...(run.isDetached === true ? [] : [end.branchHead]),
    end.head,
    ...unfinished.map(({ commit }) => commit),
  ];
  const heads = [...new Set(ends)].filter((commit) => commit !== start);
  // An agent whose commits were already collected may have gone back since.
  if (heads.length === 0 && notes.length < 2 && unfinished.length === 0) return { kind: 'none' };
  const why = await takeCommits(repo, gitDir, { heads, known: start === null ? [] : [start] });
  if (why !== null) return { kind: 'refused', why };
  if (worktree !== null) await updateIndex(worktree, end.head);
  const hasMoved = run.isDetached !== true && (await moveBranch(repo, run, { branchHead: end.branchHead, notes }));
  if (worktree !== null) await placeHead(worktree, branch, hasMoved && end.isOnBranch ? null : end.head);
  // The later commit of its files needs to know about an unfinished merge or rebase.
  if (worktree !== null)
    for (const { name, commit } of unfinished) await writeFile(join(worktree.adminDir, name), `${commit}\n`);
  return { kind: 'taken', head: end.head };
}

/** Copies the commits into the shared repository. null: it has all of them now; otherwise the reason. */
async function takeCommits(
  repo: Repository,
  gitDir: string,
  { heads, known }: { heads: readonly string[]; known: readonly string[] },
): Promise<string | null> {
  if (heads.length === 0) return null;
  const taken = await takeObjects({ gitDir, tempPrefix: `${gitDir}-taken-`, into: repo.commonDir, heads, known });
  if (taken.kind === 'refused') return taken.why;
  for (const commit of heads) if ((await findCommit(repo, commit)) !== commit) return `it has no commit ${commit}`;
  return takeLfsObjects(gitDir, repo.commonDir);
}

/** The folder's real path must be its own path: a link in its place counts as missing. */
async function ownFolder({ gitDir }: PrivatePlace): Promise<string> {
  return join(await realpath(dirname(gitDir)), basename(gitDir));
}

/** The git folder in which a run's agent committed; null: it had no separate one. */
export async function gitDirOf(runFolder: string): Promise<string | null> {
  const place = privatePlaceIn(runFolder);
  return existsSync(place.gitDir) ? ownFolder(place) : null;
}

interface AgentsEnd {
  /** The branch's head commit at the agent's end. */
  readonly branchHead: string;
  /** The commit of the agent's HEAD. */
  readonly head: string;
  readonly isOnBranch: boolean;
}

/** A deleted branch counts as unmoved; a HEAD without a commit, or an unreadable one, counts as on the branch. */
function endIn(gitDir: string, { branch, start }: { branch: string; start: string | null }): AgentsEnd | null {
  const head = foreignHead(gitDir);
  const branchHead = foreignRef(gitDir, branchRef(branch)) ?? start ?? head.commit;
  if (branchHead === null) return null;
  const isOnBranch = head.ref === branchRef(branch) || head.commit === null;
  return { branchHead, head: isOnBranch ? branchHead : (head.commit ?? branchHead), isOnBranch };
}

/** The unfinished merges, rebases and cherry-picks, with their commits. */
function unfinishedIn(gitDir: string): { name: string; commit: string }[] {
  return unfinishedHeads.flatMap((name) => {
    const commit = foreignFile(gitDir, name);
    return commit === null ? [] : [{ name, commit }];
  });
}

/** The index keeps its cached data of unchanged files; the files themselves stay as the agent left them. */
async function updateIndex(worktree: OpenWorktree, head: string): Promise<void> {
  await dropLocks(worktree);
  await inWorktree(worktree, ['read-tree', '--reset', head], { timeoutMs: checkoutTimeoutMs });
}

/** Moves the branch; returns whether its head is now the agent's. */
async function moveBranch(
  repo: Repository,
  { place, path, branch, message }: Collection,
  { branchHead, notes }: { branchHead: string; notes: readonly string[] },
): Promise<boolean> {
  const ref = branchRef(branch);
  for (let round = 0; round < maxRounds; round++) {
    const from = await readRef(repo, ref);
    if (from === branchHead) return true;
    if (await isLookedAt(repo, path, branch)) return false;
    const to = from === null || notes.includes(from) ? branchHead : await joined(repo, { from, branchHead, message });
    if (to === from) return false;
    // This comes before the branch moves, so that its new head is known to belong to this run.
    replaceFile(place.notes, [...notes, to].map((commit) => `${commit}\n`).join(''), { mode: 0o600, isSynced: true });
    if (await moveRef(repo, ref, { from, to })) return to === branchHead;
  }
  throw movedMeanwhile(repo, branch);
}

/** Someone else has committed to the branch: both are merged if there is no conflict, otherwise the branch is not moved. */
async function joined(
  repo: Repository,
  { from, branchHead, message }: { from: string; branchHead: string; message: string },
): Promise<string> {
  if (await isAncestor(repo, branchHead, from)) return from;
  if (await isAncestor(repo, from, branchHead)) return branchHead;
  const merged = await mergeTrees(repo, from, branchHead, { allowsUnrelated: true });
  if (merged.kind === 'conflict') return from;
  return commitTree(repo, { tree: merged.tree, parents: [from, branchHead], message });
}

/** A person may have the branch checked out elsewhere. The branch then moves later, when the work is committed. */
async function isLookedAt(repo: Repository, path: string, branch: string): Promise<boolean> {
  return (await othersWorktreeAt(repo, branch, path)) !== null;
}

/** `commit` null: HEAD becomes the branch. */
async function placeHead(worktree: OpenWorktree, branch: string, commit: string | null): Promise<void> {
  const onBranch = `ref: ${branchRef(branch)}\n`;
  if (commit === null && textOf(join(worktree.adminDir, 'HEAD')) === onBranch) return;
  if (commit === null) await inWorktree(worktree, ['symbolic-ref', 'HEAD', branchRef(branch)]);
  else await inWorktree(worktree, ['update-ref', '--no-deref', 'HEAD', commit]);
}

async function notesOf({ notes }: PrivatePlace): Promise<string[]> {
  const text = await readFile(notes, 'utf8').catch(ifMissing(''));
  return text.split('\n').filter((line) => line !== '');
}
