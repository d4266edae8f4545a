/**
 * How a run ended, as a commit. Leftovers are committed through an index of our own, aside from the worktree's: no hook and
 * no signature is asked, a merge or rebase that the agent left half done does not matter, and a kill at any line leaves the worktree as it was.
 */
import { copyFile, mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checkedOut } from './branch.ts';
import { changedFiles } from './diff.ts';
import { checkoutTimeoutMs } from './git.ts';
import { textOf } from './git-folder.ts';
import { noteMended } from './notes.ts';
import { noLinks } from './object-memo.ts';
import { commitOf, commitTree, isAncestor, mergeTrees, treeOf } from './objects.ts';
import { attemptRef, branchRef, readRef, setRef, setRefs } from './refs.ts';
import type { Repository } from './repository.ts';
import { withoutSignals } from './signal-paths.ts';
import { stageAll } from './stage-all.ts';
import { keepModules, refuseLost } from './submodules.ts';
import { takenAway } from './taken-away.ts';
import {
  adminDirOf,
  dropLocks,
  inWorktree,
  isOurs,
  isOwnFolder,
  isThere,
  listWorktrees,
  mendLink,
  type OpenWorktree,
  placeOf,
  tryInWorktree,
} from './worktree-list.ts';

interface RunEnd {
  /** The worktree's folder. */
  readonly path: string;
  readonly branch: string;
  /** Good as a ref name; the same for every call about this run. */
  readonly run: string;
  /** The commit that the run started from, as `prepareWorktree` answered it. */
  readonly base: string;
  /** For the commit of what was left uncommitted. */
  readonly message: string;
}

/**
 * Keeps how a run ended as `refs/stator/attempts/<run>`, uncommitted work included; worktree, index and branch stay as they are.
 * `files` are the paths that differ from `base`, 1,000 at most. Where the worktree is gone, or a link lies there, what was kept before counts, else the branch.
 */
export async function keepAttempt(
  repo: Repository,
  ended: RunEnd,
): Promise<{ head: string; changed: boolean; files: string[] }> {
  const { head } = await endOf(repo, ended);
  await setRef(repo, attemptRef(ended.run), head);
  const changed = (await treeOf(repo, head)) !== (await treeOf(repo, ended.base));
  return { head, changed, files: changed ? await changedFiles(repo, ended.base, head) : [] };
}

/**
 * Commits what a run left, with the user's identity, and moves the run's branch to it; `changed` says whether the files differ
 * from `base`. The end is also kept as `refs/stator/attempts/<run>`, which makes a second run of this answer the same commit.
 * An agent that left the branch is followed: to where it stands, or, where both went on, to the merge of both; if that
 * conflicts the branch counts, and the other end is kept as `refs/stator/attempts/<run>-aside`. A worktree that was taken away has deleted nothing. Throws `bad_config` without an identity,
 * `branch_checked_out` where somebody looks at the branch elsewhere,
 * `nested_repository` where the branch would point to commits of a repository that goes with the worktree.
 */
export async function commitLeftovers(
  repo: Repository,
  ended: RunEnd,
): Promise<{ head: string; base: string; changed: boolean }> {
  const { head, worktree, isElsewhere, nested } = await endOf(repo, ended);
  const record = [attemptRef(ended.run), head] as const;
  try {
    await refuseLost(repo, { path: ended.path, base: ended.base, commit: head, nested });
    if (head !== (await readRef(repo, branchRef(ended.branch)))) await refuseOnlookers(repo, ended);
  } catch (thrown) {
    await setRefs(repo, [record]);
    throw thrown;
  }
  if (worktree !== null) await dropLocks(worktree);
  if (worktree !== null) await mendLink(worktree);
  if (worktree !== null && isElsewhere) {
    await setRefs(repo, [record]);
    // Files first, while no branch is on them: killed in between, the next run sees the merged files on the old commit.
    await inWorktree(worktree, ['update-ref', '--no-deref', 'HEAD', await commitAt(repo, worktree, ended.branch)]);
    await inWorktree(worktree, ['reset', '--hard', '-q', head], { timeoutMs: checkoutTimeoutMs });
  }
  await setRefs(repo, [record, [branchRef(ended.branch), head]]);
  if (worktree !== null) {
    if (textOf(join(worktree.adminDir, 'HEAD')) !== `ref: ${branchRef(ended.branch)}\n`)
      await inWorktree(worktree, ['symbolic-ref', 'HEAD', branchRef(ended.branch)]);
    await inWorktree(worktree, ['reset', '--mixed', '-q'], { timeoutMs: checkoutTimeoutMs });
  }
  return { head, base: ended.base, changed: (await treeOf(repo, head)) !== (await treeOf(repo, ended.base)) };
}

/** A person may look at the branch beside the run's worktree, by `--ignore-other-worktrees`. */
async function refuseOnlookers(repo: Repository, { branch, path }: RunEnd): Promise<void> {
  const own = await placeOf(path);
  const others = (await listWorktrees(repo)).filter((worktree) => worktree.branch === branch && worktree.path !== own);
  const [other] = others.filter((worktree) => !isOurs(worktree));
  if (other !== undefined) throw checkedOut(branch, other);
}

/**
 * The commit to go back to where all that the branch has beyond `base` is of that run, and kept as its attempt; null where there is nothing to take
 * back, or somebody else went on from there.
 */
export async function ownCommitsBase(
  repo: Repository,
  { branch, run, base }: { branch: string; run: string; base: string },
): Promise<string | null> {
  const tip = await readRef(repo, branchRef(branch));
  const kept = await readRef(repo, attemptRef(run));
  if (tip === null || kept === null || tip === base) return null;
  const isOfThatRun = (await isAncestor(repo, base, tip)) && (await isAncestor(repo, tip, kept));
  return isOfThatRun ? base : null;
}

/** What lies in a worktree. */
export interface Contents {
  /** The commit that its HEAD stands on, the branch's where HEAD has none. */
  readonly head: string;
  /** Its files, without what git ignores and without `nested`. */
  readonly tree: string;
  /** Git repositories of their own inside it: no commit of ours can hold them. */
  readonly nested: string[];
  /** The worktree was taken away: what is missing there was not deleted on purpose. */
  readonly isGone: boolean;
}

/** Reads a worktree's files into a tree; the worktree's own index is not written. */
export async function contentsOf(repo: Repository, worktree: OpenWorktree, branch: string): Promise<Contents> {
  const head = await commitAt(repo, worktree, branch);
  const index = join(worktree.adminDir, 'index');
  // `worktree add` was killed before its checkout ended: no agent was ever here.
  if (!(await isThere(index))) return { head, tree: await treeOf(repo, head), nested: [], isGone: false };
  const folder = await mkdtemp(join(worktree.adminDir, 'stator-'));
  try {
    const aside = { env: { GIT_INDEX_FILE: join(folder, 'index') }, timeoutMs: checkoutTimeoutMs };
    await copyIndex(index, aside.env.GIT_INDEX_FILE);
    const inside = await stageAll(worktree.path, (args, input) => inWorktree(worktree, args, { ...aside, ...input }));
    const tree = await inWorktree(worktree, ['write-tree'], aside);
    const whole = await treeOf(repo, head);
    const { isGone, isEmpty } =
      tree === whole ? { isGone: false, isEmpty: false } : await takenAway(repo, worktree, head);
    if (isGone && isEmpty) return { head, tree: whole, nested: [], isGone };
    if (!inside.hasLinks) repo.memo.set(noLinks(tree), '');
    return { head, tree, nested: inside.nested, isGone };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The same where nothing is uncommitted, at one look; null: something may be. What is uncommitted in submodules must be kept by then. */
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
 * A copy as old as the original. Git tells a file that was written in the second of its checkout, at its old size, from an unchanged one by the
 * index's own age alone: by a younger copy such work would be lost.
 */
async function copyIndex(index: string, copy: string): Promise<void> {
  const writtenAt = Math.floor((await stat(index)).mtimeMs / 1000);
  await copyFile(index, copy);
  await utimes(copy, writtenAt, writtenAt);
}

/** The commit for what lies in a worktree: one of `records` that already holds it, HEAD itself where nothing is uncommitted, else a new one on HEAD. */
export async function commitFor(
  repo: Repository,
  contents: Pick<Contents, 'head' | 'tree'>,
  options: { records: readonly string[]; message: string },
): Promise<string> {
  for (const run of options.records) {
    const record = await readRef(repo, attemptRef(run));
    if (record === null || (await treeOf(repo, record)) !== contents.tree) continue;
    if (await isAncestor(repo, contents.head, record)) return record;
  }
  if ((await treeOf(repo, contents.head)) === contents.tree) return contents.head;
  return commitTree(repo, { tree: contents.tree, parents: [contents.head], message: options.message });
}

interface End {
  readonly head: string;
  /** null: the worktree is gone, or is not the folder that we made. */
  readonly worktree: OpenWorktree | null;
  /** Whether the worktree's files are not those of `head`. */
  readonly isElsewhere: boolean;
  /** Repositories that `head` cannot hold. */
  readonly nested: readonly string[];
}

/** Finds how a run ended; whoever asks records it. */
async function endOf(repo: Repository, ended: RunEnd): Promise<End> {
  const record = await readRef(repo, attemptRef(ended.run));
  const tip = await readRef(repo, branchRef(ended.branch));
  const adminDir = (await isOwnFolder(ended.path)) ? await adminDirOf(repo, ended.path) : null;
  if (adminDir === null) {
    const head = record ?? tip ?? (await commitOf(repo, ended.base));
    return { head, worktree: null, isElsewhere: false, nested: [] };
  }
  const worktree = { path: ended.path, adminDir };
  await keepModules(repo, worktree, ended);
  const found = await whatIsLeft(repo, worktree, ended);
  const { tree, paths } = await withoutSignals(repo, worktree, { tree: found.tree, base: ended.base });
  if (paths.length > 0)
    noteMended(
      `${ended.run} added signal files to git, which no commit holds: they were left out, ${paths.join(', ')}`,
    );
  const contents = { ...found, tree };
  const end = await commitFor(repo, contents, { records: [ended.run], message: ended.message });
  const head =
    tip === null ? end : await joined(repo, { tip, end, isDirty: end !== contents.head, message: ended.message });
  if (!(await isAncestor(repo, end, head))) await setRef(repo, attemptRef(`${ended.run}-aside`), end);
  const isElsewhere = contents.isGone || (await treeOf(repo, head)) !== contents.tree;
  return { head, worktree, isElsewhere, nested: contents.nested };
}

/** What lies in a worktree at a run's end. Of one that was taken away nothing is committed: it counts as its HEAD, and a ref keeps what was written there later. */
async function whatIsLeft(repo: Repository, worktree: OpenWorktree, ended: RunEnd): Promise<Contents> {
  const found = await contentsOf(repo, worktree, ended.branch);
  if (!found.isGone) return found;
  noteMended(`${ended.run} took its worktree ${ended.path} away: none of its files is deleted by that`);
  const whole = await treeOf(repo, found.head);
  if (found.tree !== whole) {
    const message = `what lay in ${ended.path} after it was taken away`;
    await setRef(repo, attemptRef(`${ended.run}-leftover`), await commitFor(repo, found, { records: [], message }));
  }
  return { ...found, tree: whole };
}

async function joined(
  repo: Repository,
  both: { tip: string; end: string; isDirty: boolean; message: string },
): Promise<string> {
  const { tip, end } = both;
  if (await isAncestor(repo, tip, end)) return end;
  // Clean and elsewhere: the agent only looked at another commit.
  if (!both.isDirty || (await isAncestor(repo, end, tip))) return tip;
  const merged = await mergeTrees(repo, tip, end);
  if (merged.kind === 'conflict') return tip;
  return commitTree(repo, { tree: merged.tree, parents: [tip, end], message: both.message });
}

async function commitAt(repo: Repository, worktree: OpenWorktree, branch: string): Promise<string> {
  const known = await repo.readers.lookUp(repo.path, `worktrees/${basename(worktree.adminDir)}/HEAD^{commit}`);
  if (known != null) return known;
  const answer = await tryInWorktree(worktree, ['rev-parse', '-q', '--verify', 'HEAD^{commit}']);
  if (answer.exitCode === 0) return answer.stdout;
  return commitOf(repo, branchRef(branch));
}
