/**
 * Makes our worktrees, sets them to a run's start commit, and removes them. Their work is saved under refs/stator before they are removed; a worktree with
 * unsaved work is not removed.
 */

import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, rename, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { throwIfHidden } from '../../base/platform/environment-fault.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { ifMissing } from '../../base/platform/system-code.ts';
import { type Contents, cleanContentsOf, commitFor, contentsOf } from './attempt.ts';
import { checkedOut, deleteBranch, ensureBranch, movedMeanwhile } from './branch.ts';
import { changedFiles } from './diff.ts';
import { checkoutTimeoutMs, ownGit, tryOwnGit } from './git.ts';
import { clearNested, forgetInside, keepNested, linkedInside, type Nested } from './nested.ts';
import { noteMended } from './notes.ts';
import { commitOf, isAncestor, treeOf } from './objects.ts';
import { attemptRef, branchRef, isKept, isTreeKept, moveRef, readRef, setRef } from './refs.ts';
import type { Repository } from './repository.ts';
import { keepModules, nestedRepositories, resetModules } from './submodules.ts';
import { dropUnfinished } from './unfinished.ts';
import { isWithin, literal } from './worktree-folder.ts';
import * as list from './worktree-list.ts';

const shownFiles = 5;

export interface WantedWorktree {
  readonly path: string;
  readonly branch: string;
  /** Branch, tag or commit that the branch is made from and, with `reset`, set to. */
  readonly start: string;
  /** The run that will work here, and the previous one; both are valid ref names. */
  readonly run: string;
  readonly previousRun: string | null;
  /** true: the run starts from `start`, and the branch moves there. false: it starts from the branch's head. */
  readonly reset: boolean;
  /** true: the same agent goes on, so the repositories inside stay. Default: they are saved as refs and removed. */
  readonly goesOn?: boolean;
}

/**
 * Makes the parent folder of a worktree, closed to other users: an agent may leave a setuid file there. An existing folder inside the repo is also closed;
 * elsewhere it is the user's own and stays unchanged.
 */
export async function makePlace({ path: repo }: Pick<Repository, 'path'>, worktree: string): Promise<void> {
  const folder = dirname(worktree);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (folder === repo || !isWithin(repo, folder)) return;
  const { uid, mode } = await lstat(folder);
  if ((mode & 0o077) !== 0 && uid === process.getuid?.()) await chmod(folder, mode & 0o700);
}

/**
 * Makes the worktree, or sets it to the run's start commit. Returns that commit as `base`, and the worktree's real path. Unsaved files are saved as
 * `refs/stator/attempts/<previousRun>`, or `<run>-before…` if that is taken. Ignored files stay: they are caches. Call it before the run's agent starts,
 * never after. Throws `worktree_taken` for a folder or worktree that is not ours, `branch_checked_out` if another checkout has the branch, `branch_taken`,
 * `git_failed`.
 */
export async function prepareWorktree(
  repo: Repository,
  wanted: WantedWorktree,
): Promise<{ path: string; base: string }> {
  const { branch } = wanted;
  const start = await commitOf(repo, wanted.start);
  const head = await ensureBranch(repo, { branch, start });
  await makePlace(repo, wanted.path);
  const path = list.placeOf(wanted.path);
  const worktree = await repo.exclusively(() => openWorktree(repo, { path, branch }));
  const base = wanted.reset ? start : head;
  // It was checked out just now, at exactly this commit: there is nothing to save or to reset.
  if (worktree.isNew && base === head && (await readRef(repo, branchRef(branch))) === head) return { path, base };
  const nested = await keepExistingFiles(repo, worktree, { ...wanted, head, base });
  const staying = wanted.goesOn === true ? [] : await clearNested(repo, worktree, nested);
  await checkOutCommit(repo, worktree, { branch, head, base, staying });
  return { path, base };
}

/**
 * Brings a worktree of ours back to `path` that an agent took elsewhere with `git worktree move`: git keeps the name of its entry. `none`: git knows of no
 * worktree for `path`. `gone`: it is not where git has it. Throws `unreachable`, which is waited for, if it cannot be brought back.
 */
export async function bringBack(
  repo: Repository,
  wanted: { path: string; branch: string },
): Promise<'none' | 'gone' | 'back'> {
  const path = list.placeOf(wanted.path);
  const moved = list.movedWorktree(repo, { ...wanted, path });
  if (moved === null) return 'none';
  if (!list.isOwnFolder(moved)) return 'gone';
  await makePlace(repo, path);
  await repo.exclusively(async () => {
    const result = await tryOwnGit(repo.path, ['worktree', 'move', '--force', '--force', moved, path]);
    if (result.exitCode !== 0) {
      const back = `mv ${shellWord(moved)} ${shellWord(path)} && git -C ${shellWord(repo.path)} worktree repair ${shellWord(path)}`;
      throw new EngineError('unreachable', `the worktree ${path} was moved to ${moved}`, `move it back: ${back}`);
    }
    // Fails where it is locked already.
    await tryOwnGit(repo.path, ['worktree', 'lock', '--reason', list.lockReason(wanted.branch), path]);
  });
  noteMended(`the worktree ${path} was moved to ${moved} by its agent, and was brought back`);
  return 'back';
}

export type Removal = { kind: 'removed'; branchDeleted: boolean } | { kind: 'kept'; why: string };

interface Removed {
  readonly path: string;
  readonly branch: string;
  /** The run under whose name repositories inside are saved; gc finds the plan by it. Default: the folder's name, which names no plan. */
  readonly run?: string;
}

/** The reason against removing a worktree. `foreign`: it is not ours, or cannot be checked. */
export interface Loss {
  readonly cause: 'foreign' | 'nested' | 'uncommitted' | 'unmerged';
  readonly why: string;
}

/**
 * Removes a worktree, and with `mergedInto` also its branch if all of it is merged there. Never loses work: uncommitted files that no attempt ref holds,
 * commits that neither `mergedInto` nor a ref of ours reaches, and repositories inside prevent the removal. A caller that wants it removed anyway calls
 * `keepAttempt` first. A missing worktree counts as removed.
 */
export async function removeWorktree(
  repo: Repository,
  wanted: Removed & { readonly mergedInto: string | null },
): Promise<Removal> {
  const { branch } = wanted;
  const path = list.placeOf(wanted.path);
  const into = wanted.mergedInto === null ? null : await commitOf(repo, wanted.mergedInto);
  const { loss, sweep } = await repo.exclusively(async () => {
    const { isKnown, loss } = await lookThrough(repo, { ...wanted, path, into });
    return { loss, sweep: loss === null ? await dispose(repo, path, isKnown) : null };
  });
  await sweep?.();
  if (loss !== null) return { kind: 'kept', why: loss.why };
  return { kind: 'removed', branchDeleted: into !== null && (await deleteBranch(repo, { branch, mergedInto: into })) };
}

/**
 * The same for a worktree whose branch stays, so that the branch's commits are not lost. null: it is removed, or with `dry` would be removed; `dry` changes
 * nothing.
 */
export async function clearWorktree(
  repo: Repository,
  wanted: Removed & { readonly dry: boolean },
): Promise<Loss | null> {
  const { branch, dry } = wanted;
  const path = list.placeOf(wanted.path);
  const { loss, sweep } = await repo.exclusively(async () => {
    const into = await readRef(repo, branchRef(branch));
    const mergedInto = into === null ? null : branch;
    const { isKnown, loss } = await lookThrough(repo, { ...wanted, path, mergedInto, into });
    return { loss, sweep: loss === null && !dry ? await dispose(repo, path, isKnown) : null };
  });
  await sweep?.();
  return loss;
}

/**
 * The number of files in a worktree that differ from its commit, untracked ones included; 0 without a worktree. Waits for the lock of the repository: files
 * of a worktree that is being removed are not deletions.
 */
export function uncommittedFiles(repo: Repository, path: string): Promise<number> {
  return repo.exclusively(async () => {
    const adminDir = list.isOwnFolder(path) ? await list.adminDirOf(repo, path) : null;
    if (adminDir === null) return 0;
    const status = await list.tryInWorktree({ path, adminDir }, [
      'status',
      '--porcelain',
      '-z',
      '--untracked-files=all',
      '--ignore-submodules=dirty',
    ]);
    return status.stdout.split('\0').filter((entry) => entry !== '').length;
  });
}

/** `dry`: nothing is saved before, and submodules are not checked. */
async function lookThrough(
  repo: Repository,
  wanted: Removed & { mergedInto: string | null; into: string | null; dry?: boolean },
): Promise<{ isKnown: boolean; loss: Loss | null }> {
  const { path, branch } = wanted;
  const foreign = (why: string) => ({ isKnown: false, loss: { cause: 'foreign', why } as const });
  if (await isInTheWay(path)) return foreign(`${path} is a link or a file: what it leads to is not looked at`);
  const known = await list.worktreeAt(repo, path);
  if (!(await isOccupied(path))) return { isKnown: known !== null, loss: null };
  if (known === null) return foreign(`${path} is not a worktree of stator`);
  if (!list.isOursFor(known, branch)) return foreign(`${path} is a worktree of somebody else, not of ${branch}`);
  const adminDir = await list.adminDirOf(repo, path);
  if (adminDir === null)
    return foreign(`${repo.commonDir}/worktrees has no folder for ${path}, so it cannot be looked through`);
  return { isKnown: true, loss: await lossOf(repo, { ...wanted, worktree: { path, adminDir } }) };
}

/** `isNew`: git has just made it completely. */
async function openWorktree(
  repo: Repository,
  wanted: { path: string; branch: string },
): Promise<list.OpenWorktree & { readonly isNew: boolean }> {
  const { path, branch } = wanted;
  if (await isInTheWay(path)) throw taken(`${path} is a link or a file, and no worktree`, `mv ${path} ${path}-old`);
  let all = await list.listWorktrees(repo);
  // A worktree that an agent made inside one of ours leaves that branch first.
  if (all.some((other) => other.branch === branch && other.path !== path)) {
    await list.worktreesAt(repo, branch);
    all = await list.listWorktrees(repo);
  }
  const known = all.find((worktree) => worktree.path === path);
  if (await isOccupied(path)) {
    if (known === undefined)
      throw taken(`${path} is in the way: it is not a worktree of ${repo.path}`, `mv ${path} ${path}-old`);
    if (!list.isOursFor(known, branch)) {
      throw taken(
        `${path} is a worktree that stator did not make for ${branch}`,
        `git -C ${repo.path} worktree move ${path} ${path}-old`,
      );
    }
  }
  for (const other of all.filter((worktree) => worktree.branch === branch && worktree.path !== path)) {
    const isOwn = list.isOurs(other) || list.movedWorktree(repo, wanted) === other.path;
    if (isOwn && !(await isOccupied(other.path))) await (await dispose(repo, other.path, true))();
    else if (list.isThere(other.path)) throw checkedOut(branch, other);
    else throw taken(`${branch} is checked out in ${other.path}, which is gone`, list.bringBack(repo));
  }
  const isNew = known === undefined || !(await isOccupied(path));
  if (isNew) {
    // The folder is missing: only leftovers of a killed process are removed.
    await (await dispose(repo, path, known !== undefined))();
    const args = ['worktree', 'add', '--quiet', '--lock', '--reason', list.lockReason(branch), path, branch];
    await ownGit(repo.path, args, { timeoutMs: checkoutTimeoutMs });
  }
  const adminDir = await list.adminDirOf(repo, path);
  if (adminDir === null)
    throw new Error(`git lists the worktree ${path}, but ${repo.commonDir}/worktrees has no folder for it`);
  await mend({ path, adminDir }, branch);
  return { path, adminDir, isNew };
}

/** Repairs the link between a worktree and its repository after a killed `worktree add` or a careless agent. */
async function mend(worktree: list.OpenWorktree, branch: string): Promise<void> {
  await list.mendLink(worktree);
  const links: [string, string][] = [
    [join(worktree.adminDir, 'commondir'), '../..\n'],
    [join(worktree.adminDir, 'HEAD'), `ref: ${branchRef(branch)}\n`],
  ];
  for (const [file, text] of links) {
    await writeFile(file, text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  await list.dropLocks(worktree);
}

async function keepExistingFiles(
  repo: Repository,
  worktree: list.OpenWorktree,
  run: WantedWorktree & { head: string; base: string },
): Promise<readonly Nested[]> {
  const before = `${run.run}-before`;
  const records = run.previousRun === null ? [before] : [run.previousRun, before];
  await keepModules(repo, worktree, { run: records[0] ?? before, message: `what lay there before ${run.run}` });
  const contents = await contentsOf(repo, worktree, run.branch, { orAsIs: true });
  const message = `what lay in ${worktree.path} before ${run.run}`;
  const end = await commitFor(repo, contents, { records, message, isKept: true });
  const ends = (await isAncestor(repo, run.head, end)) ? [end] : [end, run.head];
  for (const commit of ends) {
    if (await isKept(repo, commit, [run.base])) continue;
    await setRef(repo, attemptRef(await freeName(repo, [...records, `${before}-${commit.slice(0, 12)}`])), commit);
  }
  const paths = [...contents.nested, ...linkedInside(repo, worktree)];
  return paths.length === 0 ? [] : keepNested(repo, worktree, { run: records[0] ?? before, message, paths });
}

/** The first unused name; the last candidate contains the commit's id, so it is free or has the same commit. */
async function freeName(repo: Repository, names: readonly string[]): Promise<string> {
  for (const name of names) if ((await readRef(repo, attemptRef(name))) === null) return name;
  return names.at(-1) ?? '';
}

async function checkOutCommit(
  repo: Repository,
  worktree: list.OpenWorktree,
  to: { branch: string; head: string; base: string; staying: readonly string[] },
): Promise<void> {
  const slow = { timeoutMs: checkoutTimeoutMs };
  await dropUnfinished(worktree);
  // HEAD is detached first: the agent may have left it on a foreign branch, which the reset would move.
  await list.inWorktree(worktree, ['update-ref', '--no-deref', 'HEAD', to.base]);
  // The reset would convert files by attributes that nobody has committed, and the others come after it, by the ignore files of `base`.
  await list.inWorktree(worktree, ['clean', '-f', '-d', '-q', '--', ':(glob)**/.gitattributes'], slow);
  await list.inWorktree(worktree, ['reset', '--hard', '-q'], slow);
  const staying = to.staying.map((path) => `--exclude=/${literal(path)}`);
  await list.inWorktree(worktree, ['clean', '-f', '-d', '-q', ...staying], slow);
  await resetModules(repo, worktree, to.base);
  if (!(await moveRef(repo, branchRef(to.branch), { from: to.head, to: to.base })))
    throw movedMeanwhile(repo, to.branch);
  await list.inWorktree(worktree, ['symbolic-ref', 'HEAD', branchRef(to.branch)]);
}

/** What would be lost with the worktree; null: nothing. */
async function lossOf(
  repo: Repository,
  wanted: Omit<Removed, 'path'> & {
    worktree: list.OpenWorktree;
    mergedInto: string | null;
    into: string | null;
    dry?: boolean;
  },
): Promise<Loss | null> {
  const { worktree, branch, into, dry = false } = wanted;
  const { run = `${basename(worktree.path)}-removed` } = wanted;
  const left = `left over in ${branch}`;
  if (!dry) await keepModules(repo, worktree, { run, message: left });
  const contents =
    (await cleanContentsOf(repo, worktree, branch)) ?? (await contentsOf(repo, worktree, branch, { orAsIs: true }));
  const stray = await nestedRepositories(repo, worktree, contents.tree);
  const paths = [...contents.nested, ...stray, ...linkedInside(repo, worktree)];
  const nested = dry || paths.length === 0 ? [] : await keepNested(repo, worktree, { run, message: left, paths });
  const unkept = nested.filter(({ why }) => why !== null).map(({ path, why }) => `${path} (${why})`);
  if (unkept.length > 0)
    return { cause: 'nested', why: `git repositories of their own lie in ${worktree.path}: ${unkept.join(', ')}` };
  const files = await unkeptFiles(repo, contents);
  if (files.length > 0) {
    const shown = shortList(files, shownFiles);
    return { cause: 'uncommitted', why: `uncommitted work in ${worktree.path} is not saved: ${shown}` };
  }
  if (await isKept(repo, contents.head, [into])) return null;
  const commit = `commit ${contents.head.slice(0, 12)} of ${branch}`;
  const where = wanted.mergedInto === null ? 'not kept' : `neither in ${wanted.mergedInto} nor kept`;
  return { cause: 'unmerged', why: `${commit} is ${where} under refs/stator` };
}

async function unkeptFiles(repo: Repository, contents: Contents): Promise<string[]> {
  if ((await treeOf(repo, contents.head)) === contents.tree || (await isTreeKept(repo, contents.tree))) return [];
  return changedFiles(repo, contents.head, contents.tree);
}

/**
 * Removes folder and entry, inside the lock of the repository. The rename decides: after a kill before it, nothing has happened; after a kill behind it, the
 * folder is gone for all, and the next call deletes the renamed one. A partly deleted worktree would look like one with uncommitted deletions. Returns the
 * function that deletes the renamed folder: a large worktree takes minutes, so the caller deletes it when the lock is free.
 */
export async function dispose(repo: Repository, path: string, isKnown: boolean): Promise<() => Promise<void>> {
  const named = join(dirname(path), `.removing-${basename(path)}`);
  const renamed = `${named}.${randomUUID()}`;
  await mayFail(path, named, async () => {
    if (await isOccupied(path)) await rename(path, renamed);
    else if (list.isThere(path)) await rmdir(path);
    if (isKnown) await forget(repo, { path, renamed });
    await forgetInside(repo, path);
  });
  return () => mayFail(path, named, () => deleteRenamed(named));
}

/** All folders that were renamed under that name, also by killed processes. */
async function deleteRenamed(named: string): Promise<void> {
  const [folder, name] = [dirname(named), basename(named)];
  const entries = await readdir(folder).catch(ifMissing([]));
  for (const entry of entries)
    if (entry === name || entry.startsWith(`${name}.`)) await removeTree(join(folder, entry));
}

async function mayFail(path: string, named: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof EngineError) throw cause;
    throwIfHidden(cause);
    const hint = `delete what is left: chmod -R u+w ${named}* && rm -rf ${named}*`;
    throw new EngineError('git_failed', `the worktree ${path} could not be deleted`, hint, { cause });
  }
}

/** Removes git's part of a worktree in one step: `git worktree remove` deletes its files one by one. If it is on another disk, git removes it. */
async function forget(repo: Repository, { path, renamed }: { path: string; renamed: string }): Promise<void> {
  const adminDir = await list.adminDirOf(repo, path);
  const isMoved =
    adminDir !== null &&
    (await mkdir(renamed, { recursive: true, mode: 0o700 })
      .then(() => rename(adminDir, join(renamed, `.git-${randomUUID()}`)))
      .then(
        () => true,
        () => false,
      ));
  if (!isMoved) {
    // Git would stop at a broken entry, so it is repaired first.
    await list.listWorktrees(repo);
    await ownGit(repo.path, ['worktree', 'remove', '--force', '--force', path]);
  }
  // Like git, also removes an empty `worktrees` folder.
  else await rmdir(join(repo.commonDir, 'worktrees')).catch(() => {});
}

/** Whether something other than a folder is at the path; a link is not followed. */
export async function isInTheWay(path: string): Promise<boolean> {
  const found = await lstat(path).catch(ifMissing(null, 'ENOTDIR'));
  return found !== null && !found.isDirectory();
}

/** An empty folder counts as missing: git makes a worktree in it. */
export async function isOccupied(path: string): Promise<boolean> {
  return readdir(path).then(
    (names) => names.length > 0,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      if (error.code === 'ENOTDIR') return true;
      throw error;
    },
  );
}

export function taken(message: string, command: string): EngineError {
  return new EngineError('worktree_taken', message, `make room: ${command}`);
}
