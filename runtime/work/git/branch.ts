/** stator's own branches. They are made, moved and deleted only while their mark exists, which declares them ours. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, thenContinues } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { ownGit, tryOwnGit } from './git.ts';
import { commitOf, isAncestor } from './objects.ts';
import {
  archiveRef,
  branchRef,
  makeRefs,
  moveRef,
  moveRefs,
  ownedRef,
  type RefPlace,
  readExactRefs,
  readRef,
  setRef,
} from './refs.ts';
import type { Repository } from './repository.ts';
import { adminDirOf, isOurs, type Worktree, worktreesAt } from './worktree-list.ts';

/**
 * Makes `branch` at `start` (branch, tag or commit) where it is missing; returns its commit. The mark is written first: after a kill in between, a second run
 * finds a mark without a branch and goes on. Throws `branch_taken` for a branch without our mark, or for a name that conflicts with another branch's;
 * `bad_request` for a name that git refuses.
 */
export async function ensureBranch(repo: Repository, wanted: { branch: string; start: string }): Promise<string> {
  const { branch } = wanted;
  return repo.exclusively(async () => {
    const { head, mark } = await readBranch(repo, branch);
    if (head !== null && mark !== null) return head;
    if (head !== null) throw taken(branch, branch);
    const start = await commitOf(repo, wanted.start);
    await refuseName(repo, branch);
    // The mark comes first: after a kill in between there is a mark without a branch.
    if (mark === null && (await makeRefs(repo, [ownedRef(branch), branchRef(branch)], start))) return start;
    // The conflicting ref explains why the refs cannot be made.
    await refuseNeighbours(repo, branch);
    if (mark === null) await moveRef(repo, ownedRef(branch), { from: null, to: start });
    if (await moveRef(repo, branchRef(branch), { from: null, to: start })) return start;
    // Another process has just made the branch: the mark must not claim it.
    await moveRef(repo, ownedRef(branch), { from: mark ?? start, to: null });
    throw taken(branch, branch);
  });
}

/** Marks a foreign branch as ours, because a person decided so; its head does not move. Safe to run again; a missing branch stays missing. */
export async function adoptBranch(repo: Repository, branch: string): Promise<void> {
  await repo.exclusively(async () => {
    const { head, mark } = await readBranch(repo, branch);
    if (head !== null && mark === null) await moveRef(repo, ownedRef(branch), { from: null, to: head });
  });
}

/** Throws the errors of `ensureBranch`, and makes nothing. For a check before work begins. */
export async function refuseBranch(repo: RefPlace, branch: string): Promise<void> {
  await refuseName(repo, branch);
  const { head, mark } = await readBranch(repo, branch);
  if (head === null) return refuseNeighbours(repo, branch);
  if (mark === null) throw taken(branch, branch);
}

/** A branch and its mark. */
async function readBranch(
  repo: RefPlace,
  branch: string,
): Promise<{ readonly head: string | null; readonly mark: string | null }> {
  const [head = null, mark = null] = await readExactRefs(repo, [branchRef(branch), ownedRef(branch)]);
  return { head, mark };
}

/** Names that every git accepts, so git need not check them. */
const plainName = /^(?!HEAD$)[A-Za-z0-9][\w-]*(?:\/[A-Za-z0-9][\w-]*)*$/;

/** Git reads such a branch name as something else: a flag, HEAD, another ref, a commit. */
const otherMeaning = /^(?:-.*|@|(?:[A-Z]+_)*HEAD|(?:refs|heads|tags|remotes)\/.*|[0-9a-f]{40}|[0-9a-f]{64})$/s;

type NamePlace = { readonly path: string };

async function refuseName(repo: NamePlace, branch: string): Promise<void> {
  const problem = await nameProblem(repo, branch);
  if (problem !== null) throw new EngineError('bad_request', problem, 'name another one, such as --branch plan/demo');
}

/** Whether git takes it as the name of a branch, and as nothing else (`main~1` is a commit, `-q` a flag). Call it before a ref gets a name that a caller sent. */
export async function isBranchName(repo: NamePlace, branch: string): Promise<boolean> {
  return (await nameProblem(repo, branch)) === null;
}

async function nameProblem(repo: NamePlace, branch: string): Promise<string | null> {
  const name = JSON.stringify(branch);
  if (otherMeaning.test(branch)) return `a branch of the name ${name} would be taken for something else by git`;
  if (plainName.test(branch)) return null;
  const { exitCode } = await tryOwnGit(repo.path, ['check-ref-format', branchRef(branch)]);
  return exitCode === 0 ? null : `git accepts no branch of the name ${name}`;
}

/**
 * Sets the branch of a plan that starts over to `start`; its earlier head is saved as `refs/stator/archive/<plan>/<pass>`. After a kill in between, a second
 * run finds the archive and finishes; later runs change nothing. Returns the branch's commit. Our worktrees of the branch become detached, and are prepared
 * again later. Throws `branch_taken`, `branch_checked_out`.
 */
export async function archiveBranch(
  repo: Repository,
  wanted: { branch: string; plan: string; pass: number | string; start: string },
): Promise<string> {
  const { branch } = wanted;
  const start = await commitOf(repo, wanted.start);
  const head = await ensureBranch(repo, { branch, start });
  const archive = archiveRef(wanted.plan, wanted.pass);
  return repo.exclusively(async () => {
    const archived = await readRef(repo, archive);
    if (archived !== null && archived !== head) return head;
    if (archived === null) await moveRef(repo, archive, { from: null, to: head });
    for (const worktree of await worktreesOn(repo, branch)) await detach(repo, worktree, head);
    if (await moveRef(repo, branchRef(branch), { from: head, to: start })) return start;
    throw movedMeanwhile(repo, branch);
  });
}

/**
 * Sets the branch of a plan whose name was used before to `start`. Its earlier head, and the archives of the earlier plan, are saved as
 * `refs/stator/archive/<plan>/former-<commit>`, so that the names of the new plan's passes are free. A foreign branch stays unchanged. Safe to run again.
 */
export async function renewBranch(
  repo: Repository,
  { branch, plan, start }: { branch: string; plan: string; start: string },
): Promise<void> {
  const former = (commit: string) => `former-${commit.slice(0, 12)}`;
  const { head, mark } = await readBranch(repo, branch);
  if (head === null || mark === null) return;
  const listing = await ownGit(repo.path, ['for-each-ref', '--format=%(objectname) %(refname)', archiveRef(plan, '')]);
  for (const line of listing.split('\n')) {
    const [commit = '', ref = ''] = line.split(' ');
    if (!/\/\d+$/.test(ref)) continue;
    await setRef(repo, archiveRef(plan, former(commit)), commit);
    await moveRef(repo, ref, { from: commit, to: null });
  }
  if (head !== (await commitOf(repo, start))) await archiveBranch(repo, { branch, plan, pass: former(head), start });
}

/**
 * Deletes a branch of ours, and then its mark, if all of it is in `mergedInto` and no worktree has it checked out. Returns whether it is gone. We compare the
 * history ourselves: `git branch -d` would compare with the user's HEAD.
 */
export async function deleteBranch(repo: Repository, wanted: { branch: string; mergedInto: string }): Promise<boolean> {
  const { branch } = wanted;
  const { head, mark } = await readBranch(repo, branch);
  if (mark === null) return head === null;
  if (head !== null) {
    if (!(await isAncestor(repo, head, await commitOf(repo, wanted.mergedInto)))) return false;
    if ((await worktreesAt(repo, branch)).length > 0) return false;
    if (await dropBoth(repo, branch, { head, mark })) return true;
    if (!(await moveRef(repo, branchRef(branch), { from: head, to: null }))) return false;
  }
  await moveRef(repo, ownedRef(branch), { from: mark, to: null });
  return true;
}

/**
 * Deletes branch and mark in one transaction if git keeps this order even when it is killed: git deletes loose refs after all packed ones. false: neither was
 * deleted.
 */
async function dropBoth(
  repo: RefPlace,
  branch: string,
  { head, mark }: { readonly head: string; readonly mark: string },
): Promise<boolean> {
  if (!existsSync(join(repo.commonDir, ownedRef(branch)))) return false;
  const moves = [
    { ref: branchRef(branch), from: head, to: null },
    { ref: ownedRef(branch), from: mark, to: null },
  ];
  return (await moveRefs(repo, moves)) === null;
}

/** Our worktrees of `branch`. Throws `worktree_taken` if the user's checkout or a foreign worktree has it checked out: moving the branch would change what they see. */
export async function worktreesOn(repo: RefPlace, branch: string): Promise<Worktree[]> {
  const worktrees = await worktreesAt(repo, branch);
  const foreign = worktrees.find((worktree) => !isOurs(worktree));
  if (foreign === undefined) return worktrees;
  throw checkedOut(branch, foreign);
}

/** The error for a branch of ours that a person has checked out: it is not moved meanwhile, and the effect waits until they switch. */
export function checkedOut(branch: string, { path }: Pick<Worktree, 'path'>): EngineError {
  const message = `${branch} is checked out in ${path}, and stator does not move a branch beneath somebody who looks at it`;
  const hint = `switch to another branch there, or: git -C ${shellWord(path)} switch --detach; ${thenContinues}`;
  return new EngineError('branch_checked_out', message, hint);
}

/** Detaches a worktree's HEAD at `commit`; its index and files stay. So its files never look like changes to the branch's next commit. */
export async function detach(repo: RefPlace, worktree: Pick<Worktree, 'path'>, commit: string): Promise<void> {
  const adminDir = await adminDirOf(repo, worktree.path);
  // A worktree without its folder has no files that could be mistaken.
  if (adminDir === null) return;
  await ownGit(repo.path, ['update-ref', '--no-deref', 'HEAD', commit], { env: { GIT_DIR: adminDir } });
}

/** A `git_failed` that is worth another try: someone committed to the branch while we worked. */
export function movedMeanwhile(repo: RefPlace, branch: string): EngineError {
  const hint = `see who commits there: git -C ${repo.path} reflog ${branch}`;
  return new EngineError('git_failed', `${branch} moved again and again while stator worked on it`, hint);
}

/** Git stores branches as files: `plan` and `plan/demo` cannot both exist. */
async function refuseNeighbours(repo: RefPlace, branch: string): Promise<void> {
  const parts = branch.split('/');
  for (let count = 1; count < parts.length; count++) {
    const parent = parts.slice(0, count).join('/');
    const [head] = await readExactRefs(repo, [branchRef(parent)]);
    if (head !== null) throw taken(branch, parent);
  }
  const below = await ownGit(repo.path, [
    'for-each-ref',
    '--count=1',
    '--format=%(refname:lstrip=2)',
    `${branchRef(branch)}/`,
  ]);
  if (below !== '') throw taken(branch, below);
}

function taken(branch: string, by: string): EngineError {
  const message =
    branch === by
      ? `the branch ${branch} exists and was not made by stator`
      : `the branch ${branch} cannot be made beside your branch ${by}`;
  const hint =
    'yours stays as it is; give the plan another one: stator run <plan.md> --branch <name>, where it is registered already after stator plan delete <plan>';
  return new EngineError('branch_taken', message, hint);
}
