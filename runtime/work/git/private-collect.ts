/**
 * Takes over what a run's agent made in its own git folder (private-repository.ts): the commits of its HEAD and of its branch. The branch moves to where the
 * agent left it, the worktree's own index and HEAD follow, and from then on everything is as if the agent had worked in the shared repository. What it did
 * to other refs, to settings and to hooks stays where it is.
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

/** Somebody who commits to the branch this often while we take over is not waited for. */
const maxRounds = 5;

export interface Collection {
  readonly place: PrivatePlace;
  readonly path: string;
  /** Its part of `.git`; null: index and HEAD of the worktree are left alone, since its agent still works or it is gone. */
  readonly adminDir: string | null;
  readonly branch: string;
  /** The run judges the branch: its commits are taken, and the branch stays where it is. Default: it moves along. */
  readonly isDetached?: boolean;
  /** For the merge of what somebody else committed to the branch meanwhile. */
  readonly message: string;
}

export type Collected =
  /** There is no folder of its own, or nothing new in it. */
  | { readonly kind: 'none' }
  | { readonly kind: 'taken'; readonly head: string }
  /** Its commits cannot be taken over; its files are where they were. */
  | { readonly kind: 'refused'; readonly why: string };

/** Safe to run again, and to be killed at any line: the last that changes is what a second look goes by. Throws `git_failed` and what the disk fails of. */
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
  const ends = [...(run.isDetached === true ? [] : [end.tip]), end.head, ...unfinished.map(({ commit }) => commit)];
  const tips = [...new Set(ends)].filter((tip) => tip !== start);
  // One that was taken over while it worked may have gone back since.
  if (tips.length === 0 && notes.length < 2 && unfinished.length === 0) return { kind: 'none' };
  const why = await takeCommits(repo, gitDir, { tips, known: start === null ? [] : [start] });
  if (why !== null) return { kind: 'refused', why };
  if (worktree !== null) await updateIndex(worktree, end.head);
  const isOnTip = run.isDetached !== true && (await moveBranch(repo, run, { tip: end.tip, notes }));
  if (worktree !== null) await placeHead(worktree, branch, isOnTip && end.isOnBranch ? null : end.head);
  // What it stopped in the middle of is for whoever commits its files to know.
  if (worktree !== null)
    for (const { name, commit } of unfinished) await writeFile(join(worktree.adminDir, name), `${commit}\n`);
  return { kind: 'taken', head: end.head };
}

/** null: the shared repository has them. */
async function takeCommits(
  repo: Repository,
  gitDir: string,
  { tips, known }: { tips: readonly string[]; known: readonly string[] },
): Promise<string | null> {
  if (tips.length === 0) return null;
  const taken = await takeObjects({ gitDir, asidePrefix: `${gitDir}-taken-`, into: repo.commonDir, tips, known });
  if (taken.kind === 'refused') return taken.why;
  for (const tip of tips) if ((await findCommit(repo, tip)) !== tip) return `it has no commit ${tip}`;
  return takeLfsObjects(gitDir, repo.commonDir);
}

/** Its own path: were it exchanged for a link, nothing would be found there. */
async function ownFolder({ gitDir }: PrivatePlace): Promise<string> {
  return join(await realpath(dirname(gitDir)), basename(gitDir));
}

/** The git folder in which the agent of a run committed; null: it had none of its own. */
export async function gitDirOf(runFolder: string): Promise<string | null> {
  const place = privatePlaceIn(runFolder);
  return existsSync(place.gitDir) ? ownFolder(place) : null;
}

interface AgentsEnd {
  /** The tip of the branch when the agent ended. */
  readonly tip: string;
  /** The commit of the agent's HEAD. */
  readonly head: string;
  readonly isOnBranch: boolean;
}

/** A branch that it deleted is where it was; a HEAD without a commit, or of which nothing can be read, is on the branch. */
function endIn(gitDir: string, { branch, start }: { branch: string; start: string | null }): AgentsEnd | null {
  const head = foreignHead(gitDir);
  const tip = foreignRef(gitDir, branchRef(branch)) ?? start ?? head.commit;
  if (tip === null) return null;
  const isOnBranch = head.ref === branchRef(branch) || head.commit === null;
  return { tip, head: isOnBranch ? tip : (head.commit ?? tip), isOnBranch };
}

/** The merges, rebases and cherry-picks that it left half done, and the commits that they were about. */
function unfinishedIn(gitDir: string): { name: string; commit: string }[] {
  return unfinishedHeads.flatMap((name) => {
    const commit = foreignFile(gitDir, name);
    return commit === null ? [] : [{ name, commit }];
  });
}

/** The index keeps what it knows of files that did not change; the files themselves are as the agent left them. */
async function updateIndex(worktree: OpenWorktree, head: string): Promise<void> {
  await dropLocks(worktree);
  await inWorktree(worktree, ['read-tree', '--reset', head], { timeoutMs: checkoutTimeoutMs });
}

/** Whether the branch now stands where the agent left it. */
async function moveBranch(
  repo: Repository,
  { place, path, branch, message }: Collection,
  { tip, notes }: { tip: string; notes: readonly string[] },
): Promise<boolean> {
  const ref = branchRef(branch);
  for (let round = 0; round < maxRounds; round++) {
    const from = await readRef(repo, ref);
    if (from === tip) return true;
    if (await isLookedAt(repo, path, branch)) return false;
    const to = from === null || notes.includes(from) ? tip : await joined(repo, { from, tip, message });
    if (to === from) return false;
    // Before the branch: what stands there afterwards is known to be of this run.
    replaceFile(place.notes, [...notes, to].map((commit) => `${commit}\n`).join(''), { mode: 0o600, isSynced: true });
    if (await moveRef(repo, ref, { from, to })) return to === tip;
  }
  throw movedMeanwhile(repo, branch);
}

/** Somebody else went on from there: both are kept, by a merge where that is without conflict, else the branch stays. */
async function joined(
  repo: Repository,
  { from, tip, message }: { from: string; tip: string; message: string },
): Promise<string> {
  if (await isAncestor(repo, tip, from)) return from;
  if (await isAncestor(repo, from, tip)) return tip;
  const merged = await mergeTrees(repo, from, tip);
  if (merged.kind === 'conflict') return from;
  return commitTree(repo, { tree: merged.tree, parents: [from, tip], message });
}

/** A person may look at the branch beside the run's worktree; what moves it waits until they have looked, when the work is committed. */
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
