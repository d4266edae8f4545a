/**
 * Saves the end of a run as a commit. Uncommitted files are committed through a separate index, not the worktree's own: no hook runs and no signature is
 * made, an unfinished merge or rebase of the agent does no harm, and a kill at any line leaves the worktree unchanged.
 */
import { copyFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { entriesInBytes, inside } from '../../base/platform/entry-names.ts';
import { createTimeSlice } from '../../base/platform/time-slice.ts';
import { checkedOut } from './branch.ts';
import { changedFiles } from './diff.ts';
import { checkoutTimeoutMs, ownGit } from './git.ts';
import { textOf } from './git-folder.ts';
import { keepNested, type Nested } from './nested.ts';
import { noteMended } from './notes.ts';
import { noLinks } from './object-memo.ts';
import { commitOf, commitTree, findCommit, isAncestor, mergeTrees, treeOf } from './objects.ts';
import { headMoves } from './reflog.ts';
import { attemptRef, branchRef, ownedRef, readRef, readRefs, setRef, setRefs } from './refs.ts';
import type { Repository } from './repository.ts';
import { withoutSignals } from './signal-paths.ts';
import { stageAll } from './stage-all.ts';
import { keepModules, refuseLost, withoutStrayLinks } from './submodules.ts';
import { withTempIndex } from './temp-index.ts';
import { dropUnfinished, unfinishedIn } from './unfinished.ts';
import {
  adminDirOf,
  dropLocks,
  inWorktree,
  isOwnFolder,
  isThere,
  mendLink,
  type OpenWorktree,
  othersWorktreeAt,
  placeOf,
  tryInWorktree,
} from './worktree-list.ts';

interface RunEnd {
  readonly path: string;
  readonly branch: string;
  /** Good as a ref name; the same for every call about this run. */
  readonly run: string;
  /** The commit that the run started from, as returned by `prepareWorktree`. */
  readonly base: string;
  /** The message for the commit of uncommitted files. */
  readonly message: string;
  /** true: the same agent goes on from here, so unfinished work is committed as it is. Default: the agent has ended. */
  readonly goesOn?: boolean;
}

/**
 * Saves the end of a run as `refs/stator/attempts/<run>`, with uncommitted work. Worktree, index and branch stay unchanged. `files` are the paths that differ
 * from `base`, 1,000 at most. If the worktree is gone, or a link has replaced it, the ref that was saved before counts, otherwise the branch.
 */
export async function keepAttempt(
  repo: Repository,
  ended: RunEnd,
): Promise<{ head: string; changed: boolean; files: string[]; nested: readonly Nested[] }> {
  const { head, nested } = await endOf(repo, ended, { orAsIs: true });
  await setRef(repo, attemptRef(ended.run), head);
  const changed = (await treeOf(repo, head)) !== (await treeOf(repo, ended.base));
  return { head, changed, files: changed ? await changedFiles(repo, ended.base, head) : [], nested };
}

/** The part of a run's work that could not be put on its branch; `files` are the conflicting ones. */
export type UnmergedWork =
  /** The run ended on another commit than its branch, and the two conflict. `ref` points to the run's end. */
  | { readonly kind: 'elsewhere'; readonly ref: string; readonly files: readonly string[] }
  /** The run ended during a merge, a rebase or a cherry-pick. `ref` holds its files; `other` is the commit that it was merging, if no other ref has that. */
  | {
      readonly kind: 'unfinished';
      readonly ref: string;
      readonly other: string | null;
      readonly files: readonly string[];
    };

export interface Committed {
  readonly head: string;
  readonly base: string;
  readonly changed: boolean;
  /** Separate repositories in the worktree, which are left out. */
  readonly nested: readonly Nested[];
  /** Set if the branch was not moved, because not all of the agent's work could be put on it. */
  readonly unmerged?: UnmergedWork;
}

/**
 * Commits a run's files with the user's identity, and moves the run's branch to the commit. `changed`: the files differ from `base`. The end is also saved as
 * `refs/stator/attempts/<run>`, so that a second call returns the same commit. If the agent left the branch, the branch moves to the agent's commit, or to a
 * merge if both went on. If that conflicts, or if the agent ended during a merge with conflicts, the branch is not moved, and `unmerged` names the ref that
 * holds the work. Files of a removed worktree do not count as deleted. Separate repositories inside the worktree are left out, and saved as refs. Throws
 * `bad_config` without an identity, `branch_checked_out` if the branch is checked out elsewhere, `nested_repository` if the branch would point to commits of
 * a submodule that are lost with the worktree.
 */
export async function commitLeftovers(repo: Repository, ended: RunEnd): Promise<Committed> {
  const { head, worktree, isElsewhere, staged, nested, unmerged, branchHead } = await endOf(repo, ended);
  const record = [attemptRef(ended.run), head] as const;
  if (unmerged !== null && ended.goesOn === true)
    noteMended(
      `what ${ended.run} left on another commit conflicts with ${ended.branch}: it is kept as ${unmerged.ref}`,
    );
  else if (unmerged !== null) {
    await setRefs(repo, [record]);
    return { head, base: ended.base, changed: true, nested, unmerged };
  }
  try {
    await refuseLost(repo, { path: ended.path, base: ended.base, commit: head });
    if (head !== (await readRef(repo, branchRef(ended.branch)))) await refuseOtherWorktrees(repo, ended);
  } catch (thrown) {
    await setRefs(repo, [record]);
    throw thrown;
  }
  if (worktree !== null) await dropLocks(worktree);
  if (worktree !== null) await mendLink(worktree);
  if (worktree !== null && isElsewhere) {
    await setRefs(repo, [record]);
    // The files come first, while no branch is checked out there: after a kill in between, the next run finds the merged files on the old commit.
    await inWorktree(worktree, ['update-ref', '--no-deref', 'HEAD', await commitAt(repo, worktree, ended.branch)]);
    await inWorktree(worktree, ['reset', '--hard', '-q', head], { timeoutMs: checkoutTimeoutMs });
  }
  const mark = branchHead === null ? await missingMark(repo, ended.branch, head) : [];
  await setRefs(repo, [record, ...mark, [branchRef(ended.branch), head]]);
  if (worktree !== null) {
    if (textOf(join(worktree.adminDir, 'HEAD')) !== `ref: ${branchRef(ended.branch)}\n`)
      await inWorktree(worktree, ['symbolic-ref', 'HEAD', branchRef(ended.branch)]);
    const isStaged = !isElsewhere && staged === (await treeOf(repo, head)) && (await installIndex(worktree));
    if (!isStaged) await inWorktree(worktree, ['reset', '--mixed', '-q'], { timeoutMs: checkoutTimeoutMs });
    await dropUnfinished(worktree);
  }
  const changed = (await treeOf(repo, head)) !== (await treeOf(repo, ended.base));
  return { head, base: ended.base, changed, nested };
}

/** A branch that is made here is ours: the earlier one is gone, or the run had it on another host. */
async function missingMark(repo: Repository, branch: string, head: string): Promise<[string, string][]> {
  const mark = ownedRef(branch);
  return (await readRef(repo, mark)) === null ? [[mark, head]] : [];
}

/** The separate index becomes the worktree's own; false: there is none. */
function installIndex({ adminDir }: OpenWorktree): Promise<boolean> {
  return rename(join(adminDir, stagedIndex), join(adminDir, 'index')).then(
    () => true,
    () => false,
  );
}

async function refuseOtherWorktrees(repo: Repository, { branch, path }: RunEnd): Promise<void> {
  const other = await othersWorktreeAt(repo, branch, placeOf(path));
  if (other !== null) throw checkedOut(branch, other);
}

/**
 * The commit to go back to, if all commits of the branch beyond `base` belong to that run and are saved as its attempt; null: there is nothing to take back,
 * or another author has continued from there.
 */
export async function ownCommitsBase(
  repo: Repository,
  { branch, run, base }: { branch: string; run: string; base: string },
): Promise<string | null> {
  const head = await readRef(repo, branchRef(branch));
  const kept = await readRef(repo, attemptRef(run));
  if (head === null || kept === null || head === base) return null;
  const isOfThatRun = (await isAncestor(repo, base, head)) && (await isAncestor(repo, head, kept));
  return isOfThatRun ? base : null;
}

export interface Contents {
  /** The commit of its HEAD, or the branch's if HEAD has none. */
  readonly head: string;
  /** The tree of its files, without ignored files and without `nested`. */
  readonly tree: string;
  /** Separate git repositories inside it: no commit of ours can hold them. */
  readonly nested: string[];
  /** true: the worktree was removed, so its missing files were not deleted on purpose. */
  readonly isGone: boolean;
}

/** The name of the separate index, in the worktree's part of the repository. */
const stagedIndex = 'stator-index';

/** Reads a worktree's files into a tree; `orAsIs` as in `stageAll`, for a tree that only keeps them. The worktree's own index is not written; the separate index stays beside it, as `stator-index`. */
export async function contentsOf(
  repo: Repository,
  worktree: OpenWorktree,
  branch: string,
  how: { readonly orAsIs: boolean },
): Promise<Contents> {
  const head = await commitAt(repo, worktree, branch);
  const index = join(worktree.adminDir, 'index');
  await rm(join(worktree.adminDir, stagedIndex), { force: true });
  // `worktree add` was killed before its checkout ended: no agent has ever worked here.
  if (!isThere(index)) return { head, tree: await treeOf(repo, head), nested: [], isGone: false };
  return withTempIndex(worktree.adminDir, async (env) => {
    const options = { env, timeoutMs: checkoutTimeoutMs };
    await copyIndex(index, env.GIT_INDEX_FILE);
    const inside = await stageAll(
      worktree.path,
      (args, input) => inWorktree(worktree, args, { ...options, ...input }),
      {
        isSparse: isThere(join(worktree.adminDir, 'info', 'sparse-checkout')),
        ...how,
      },
    );
    const tree = await inWorktree(worktree, ['write-tree'], options);
    const whole = await treeOf(repo, head);
    const { isGone, isEmpty } =
      tree === whole ? { isGone: false, isEmpty: false } : await takenAway(repo, worktree, head);
    if (isGone && isEmpty) return { head, tree: whole, nested: [], isGone };
    if (!inside.hasLinks) repo.memo.set(noLinks(tree), '');
    await rename(env.GIT_INDEX_FILE, join(worktree.adminDir, stagedIndex));
    return { head, tree, nested: inside.nested, isGone };
  });
}

/** The same with one git call if nothing is uncommitted; null: something may be uncommitted. Uncommitted files of submodules must be saved before. */
export async function cleanContentsOf(
  repo: Repository,
  worktree: OpenWorktree,
  branch: string,
): Promise<Contents | null> {
  const args = ['status', '--porcelain', '-z', '--untracked-files=all', '--ignore-submodules=dirty', '--no-renames'];
  const status = await tryInWorktree(worktree, args, { timeoutMs: checkoutTimeoutMs });
  if (status.exitCode !== 0 || status.stdout !== '') return null;
  const head = await commitAt(repo, worktree, branch);
  return { head, tree: await treeOf(repo, head), nested: [], isGone: false };
}

/**
 * A copy as old as the original. A file may be written in the second of its checkout and keep its size. Git recognizes such a change only by the age of the
 * index, so a younger copy would lose it.
 */
async function copyIndex(index: string, copy: string): Promise<void> {
  const writtenAt = Math.floor((await stat(index)).mtimeMs / 1000);
  await copyFile(index, copy);
  await utimes(copy, writtenAt, writtenAt);
}

/** The commit with a worktree's files: one of `records` that already has them, HEAD if nothing is uncommitted, otherwise a new commit on HEAD. */
export async function commitFor(
  repo: Repository,
  contents: Pick<Contents, 'head' | 'tree'>,
  options: { records: readonly string[]; message: string; merged?: string | null; isKept?: boolean },
): Promise<string> {
  for (const run of options.records) {
    const record = await readRef(repo, attemptRef(run));
    if (record === null || (await treeOf(repo, record)) !== contents.tree) continue;
    if (await isAncestor(repo, contents.head, record)) return record;
  }
  if ((await treeOf(repo, contents.head)) === contents.tree) return contents.head;
  const parents = [contents.head, ...(options.merged == null ? [] : [options.merged])];
  const { message, isKept = false } = options;
  return commitTree(repo, { tree: contents.tree, parents, message, isKept });
}

interface End {
  readonly head: string;
  /** The branch's earlier head; null: there was no branch. */
  readonly branchHead: string | null;
  /** null: the worktree is gone, or another folder has replaced it. */
  readonly worktree: OpenWorktree | null;
  /** Whether the worktree's files are not those of `head`. */
  readonly isElsewhere: boolean;
  /** The tree of the separate index; null: there is none. */
  readonly staged: string | null;
  /** Repositories that `head` cannot hold. */
  readonly nested: readonly Nested[];
  readonly unmerged: UnmergedWork | null;
}

/** Finds how a run ended; the caller records it. */
async function endOf(repo: Repository, ended: RunEnd, how = { orAsIs: false }): Promise<End> {
  const [record = null, branchHead = null] = await readRefs(repo, [attemptRef(ended.run), branchRef(ended.branch)]);
  const adminDir = isOwnFolder(ended.path) ? await adminDirOf(repo, ended.path) : null;
  if (adminDir === null) {
    const head = record ?? branchHead ?? (await commitOf(repo, ended.base));
    return { head, branchHead, worktree: null, isElsewhere: false, staged: null, nested: [], unmerged: null };
  }
  const worktree = { path: ended.path, adminDir };
  await keepModules(repo, worktree, ended);
  const found = await whatIsLeft(repo, worktree, ended, how);
  const { isGone } = found;
  const { base } = ended;
  const { tree: linked, paths } = await withoutSignals(repo, worktree, { tree: found.tree, base });
  if (paths.length > 0)
    noteMended(
      `${ended.run} added signal files to git, which no commit holds: they were left out, ${paths.join(', ')}`,
    );
  const { tree, paths: stray } = await withoutStrayLinks(repo, worktree, { tree: linked, base });
  const inside = [...found.nested, ...stray];
  const nested = inside.length === 0 ? [] : await keepNested(repo, worktree, { ...ended, paths: inside });
  const contents = { ...found, tree };
  const { merged, conflicts } = await unfinishedIn(repo, worktree, contents);
  const end = await commitFor(repo, contents, { records: [ended.run], message: ended.message, merged });
  const shared = { branchHead, worktree, nested, staged: isGone ? null : found.tree };
  if (conflicts.length > 0 && ended.goesOn !== true) {
    const other = merged !== null && (await isOwnWork(repo, worktree, { end: merged, run: ended.run }));
    const ref = attemptRef(`${ended.run}-aside`);
    if (other) await setRef(repo, ref, merged);
    const kept = { ref: attemptRef(ended.run), other: other ? ref : null };
    return { ...shared, head: end, isElsewhere: false, unmerged: { kind: 'unfinished', ...kept, files: conflicts } };
  }
  const isDirty = end !== contents.head;
  const joint =
    branchHead === null
      ? { head: end, files: [] }
      : await joined(repo, worktree, { branchHead, end, isDirty, run: ended.run, message: ended.message });
  const isElsewhere = isGone || (await treeOf(repo, joint.head)) !== contents.tree;
  if (joint.files.length === 0) return { ...shared, head: joint.head, isElsewhere, unmerged: null };
  const ref = attemptRef(`${ended.run}-aside`);
  await setRef(repo, ref, end);
  return { ...shared, head: joint.head, isElsewhere, unmerged: { kind: 'elsewhere', ref, files: joint.files } };
}

/** The content of a worktree at a run's end. For a removed worktree it is its HEAD, nothing is committed, and a ref holds files that were written there later. */
async function whatIsLeft(
  repo: Repository,
  worktree: OpenWorktree,
  ended: RunEnd,
  how: { readonly orAsIs: boolean },
): Promise<Contents> {
  const found = await contentsOf(repo, worktree, ended.branch, how);
  if (!found.isGone) return found;
  noteMended(`${ended.run} took its worktree ${ended.path} away: none of its files is deleted by that`);
  const whole = await treeOf(repo, found.head);
  if (found.tree !== whole) {
    const message = `what lay in ${ended.path} after it was taken away`;
    await setRef(
      repo,
      attemptRef(`${ended.run}-leftover`),
      await commitFor(repo, found, { records: [], message, isKept: true }),
    );
  }
  return { ...found, tree: whole };
}

/** The commit that contains both the branch's and the agent's commit; `files`: they conflict, and `head` is the branch's. */
async function joined(
  repo: Repository,
  worktree: OpenWorktree,
  both: { branchHead: string; end: string; isDirty: boolean; run: string; message: string },
): Promise<{ head: string; files: readonly string[] }> {
  const { branchHead, end } = both;
  if (await isAncestor(repo, branchHead, end)) return { head: end, files: [] };
  if (await isAncestor(repo, end, branchHead)) return { head: branchHead, files: [] };
  // The worktree is clean and has no new commit: the agent only looked at another commit.
  if (!both.isDirty && !(await isOwnWork(repo, worktree, both))) return { head: branchHead, files: [] };
  const merged = await mergeTrees(repo, branchHead, end);
  if (merged.kind === 'conflict') return { head: branchHead, files: merged.files };
  return {
    head: await commitTree(repo, { tree: merged.tree, parents: [branchHead, end], message: both.message }),
    files: [],
  };
}

/** Whether a commit is the run's own work: it was made in this worktree, or no branch, tag or other ref reaches it. */
async function isOwnWork(
  repo: Repository,
  { adminDir }: OpenWorktree,
  { end, run }: { end: string; run: string },
): Promise<boolean> {
  const isMadeHere = headMoves(adminDir).some(({ to, isNew }) => to === end && isNew);
  if (isMadeHere) return true;
  const known = [
    `--exclude=${attemptRef(run)}`,
    `--exclude=${attemptRef(`${run}-aside`)}`,
    `--exclude=${attemptRef(`${run}-nested-*`)}`,
    '--single-worktree',
    '--all',
  ];
  return (await ownGit(repo.path, ['rev-list', '--max-count=1', end, '--not', ...known])) !== '';
}

async function commitAt(repo: Repository, worktree: OpenWorktree, branch: string): Promise<string> {
  const known = await repo.gits.lookUp(repo.path, `worktrees/${basename(worktree.adminDir)}/HEAD^{commit}`);
  if (known != null) return known;
  const answer = await tryInWorktree(worktree, ['rev-parse', '-q', '--verify', 'HEAD^{commit}']);
  if (answer.exitCode === 0) return answer.stdout;
  // Somebody deleted the branch under its checkout: HEAD's log still knows the commit.
  const past = headMoves(worktree.adminDir).flatMap(({ from, to }) => [from, to]);
  const before = past.findLast((commit) => !/^0+$/.test(commit));
  const isGone = before !== undefined && (await findCommit(repo, branchRef(branch))) === null;
  return commitOf(repo, isGone ? before : branchRef(branch));
}

/* Detects a removed worktree whose folder still exists: inside walls an agent can remove everything except the folder itself and its `.git`. */

export interface TakenAway {
  readonly isGone: boolean;
  /** Whether there is no file, not even an ignored one. */
  readonly isEmpty: boolean;
}

/**
 * A worktree counts as removed if no file of `head` is left, and its `.git` is also gone, or no other file is left and `head` has several. An agent may
 * delete a project's only file on purpose. Deleting several files with all ignored ones is not on purpose unless it is committed.
 */
async function takenAway(
  repo: { readonly path: string },
  { path }: Pick<OpenWorktree, 'path'>,
  head: string,
): Promise<TakenAway> {
  const isEmpty = !(await hasFile(Buffer.from(path), ['.git']));
  const isLinked = isThere(join(path, '.git'));
  if (isLinked && !isEmpty) return { isGone: false, isEmpty };
  const listing = await ownGit(repo.path, ['ls-tree', '-r', '-z', '--name-only', '--full-tree', head]);
  const files = listing.split('\0').filter((file) => file !== '');
  if (isEmpty) return { isGone: !isLinked || files.length > 1, isEmpty };
  const slice = createTimeSlice();
  for (const file of files) {
    if (slice.isOver()) await slice.yield();
    // A name that is not UTF-8 cannot be checked here, so it counts as present.
    if (file.includes('\ufffd') || isThere(join(path, file))) return { isGone: false, isEmpty };
  }
  return { isGone: files.length > 0, isEmpty };
}

/** Whether a folder contains any file; an unreadable entry counts as a file. */
async function hasFile(folder: Buffer, except: readonly string[]): Promise<boolean> {
  const found = await readdir(folder, entriesInBytes).catch(() => null);
  if (found === null) return true;
  const entries = found.filter(({ name }) => !except.includes(name.toString()));
  if (entries.some((entry) => !entry.isDirectory())) return true;
  for (const { name } of entries) if (await hasFile(inside(folder, name), [])) return true;
  return false;
}
