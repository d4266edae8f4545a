/**
 * A separate checkout for an agent that judges a branch: one commit, detached, made again for each run, with only git's files. A judge's commits do not move
 * a branch; `adopt` moves it if that is wanted.
 */
import { join, normalize } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { checkoutTimeoutMs, literalPaths, ownGit } from './git.ts';
import { isAncestor } from './objects.ts';
import { branchRef, moveRef, readRef } from './refs.ts';
import type { Repository } from './repository.ts';
import { refuseLost } from './submodules.ts';
import { dispose, isInTheWay, isOccupied, makePlace, prepareWorktree, taken } from './worktree.ts';
import * as list from './worktree-list.ts';

export interface WantedCheckout {
  readonly path: string;
  /** The judged branch; the checkout is marked as ours for it. */
  readonly branch: string;
  readonly commit: string;
  /** Files and folders of the commit that are left out, by their paths from the root. Git does not count them as deleted. */
  readonly hidden: readonly string[];
  /** Files and folders that come from another commit. The branch's own versions are left out, like hidden ones. */
  readonly trusted: TrustedFiles;
}

export interface TrustedFiles {
  readonly commit: string;
  /** Paths from the root; `.`: everything. */
  readonly paths: readonly string[];
}

/**
 * Makes the checkout again. Returns its real path, and the trusted paths that the trusted commit lacks: these do not exist in the checkout. Files of an
 * earlier judge in that folder are deleted: the caller saves them before. Throws `worktree_taken` for a folder that is not ours, `unsafe_path` for a trusted
 * path with a name that is not UTF-8, and git's errors.
 */
export async function makeCheckout(
  repo: Repository,
  wanted: WantedCheckout,
): Promise<{ path: string; absent: readonly string[] }> {
  const { branch, commit, hidden, trusted } = wanted;
  await makePlace(repo, wanted.path);
  const path = list.placeOf(wanted.path);
  const sweep = await repo.exclusively(async () => {
    // A broken entry would stop git after the files are deleted, so it is repaired first.
    await list.listWorktrees(repo);
    const own = await dropOwn(repo, { path, branch });
    const args = [
      'worktree',
      'add',
      '--quiet',
      '--detach',
      '--lock',
      '--reason',
      list.lockReason(branch),
      path,
      commit,
    ];
    await ownGit(repo.path, args, { timeoutMs: checkoutTimeoutMs });
    return own;
  });
  await sweep();
  const adminDir = await list.adminDirOf(repo, path);
  if (adminDir === null)
    throw new Error(`git lists the worktree ${path}, but ${repo.commonDir}/worktrees has no folder for it`);
  const absent = trusted.paths.length === 0 ? [] : await putTrustedFiles(repo, { path, adminDir }, trusted);
  await hide({ path, adminDir }, hidden);
  return { path, absent };
}

/** Removes the checkout with all its files; does nothing if there is none. Throws `worktree_taken` for a folder that is not ours. */
export async function dropCheckout(repo: Repository, wanted: { path: string; branch: string }): Promise<void> {
  const path = list.placeOf(wanted.path);
  const sweep = await repo.exclusively(() => dropOwn(repo, { ...wanted, path }));
  await sweep();
}

/** Returns a function that deletes the rest once the lock is free. */
async function dropOwn(
  repo: Repository,
  { path, branch }: { path: string; branch: string },
): Promise<() => Promise<void>> {
  if (await isInTheWay(path)) throw taken(`${path} is a link or a file, and no worktree`, `mv ${path} ${path}-old`);
  const known = await list.worktreeAt(repo, path);
  if ((await isOccupied(path)) && (known === null || !list.isOursFor(known, branch)))
    throw taken(`${path} is in the way: stator did not make it to judge ${branch}`, `mv ${path} ${path}-old`);
  if (known === null && !list.isThere(path)) return async () => {};
  return dispose(repo, path, known !== null);
}

/** Marks these files for git as left out, so that neither a commit nor a status counts them as deleted. */
async function hide(worktree: list.OpenWorktree, hidden: readonly string[]): Promise<void> {
  if (hidden.length === 0) return;
  const tracked = await list.inWorktree(worktree, ['ls-files', '-z', '--', ...hidden], literalPaths);
  if (tracked === '') return;
  await list.inWorktree(worktree, ['update-index', '--skip-worktree', '-z', '--stdin'], { input: tracked });
  for (const path of hidden) await removeTree(join(worktree.path, path));
}

/**
 * Replaces the branch's files by those of the trusted commit. Git ignores them: neither a commit nor a status of the judge includes them or the files that
 * they replace.
 */
async function putTrustedFiles(
  repo: Repository,
  worktree: list.OpenWorktree,
  { commit, paths }: TrustedFiles,
): Promise<string[]> {
  const wanted = pathsFromRoot(paths);
  const index = { ...literalPaths.env, GIT_INDEX_FILE: join(worktree.adminDir, 'trusted-index') };
  await ownGit(repo.path, ['read-tree', commit], { env: index });
  const listing = await ownGit(repo.path, ['ls-files', '-z', '--', ...wanted], { env: index });
  const files = listing.split('\0').filter((file) => file !== '');
  const onTheWay = new Set(wanted.flatMap(ancestorsOf));
  const tracked = (await list.inWorktree(worktree, ['ls-files', '-z'])).split('\0').filter((file) => file !== '');
  refuseUnnamed([...files, ...tracked.filter((file) => wanted.some((path) => isAt(path, file)))]);
  // A branch's link on the way to them is also removed: otherwise the files would be written to the link's target.
  const inPlace = wanted.includes('.') ? new Set(tracked.map((file) => file.split('/')[0] ?? file)) : wanted;
  await hide(worktree, [...inPlace, ...tracked.filter((file) => onTheWay.has(file))]);
  const options = { env: index, input: files.map((file) => `${file}\0`).join(''), timeoutMs: checkoutTimeoutMs };
  await ownGit(repo.path, ['checkout-index', '--force', '-z', '--stdin', `--prefix=${worktree.path}/`], options);
  await removeTree(index.GIT_INDEX_FILE);
  const known = new Set(tracked);
  const folders = new Set(tracked.flatMap(ancestorsOf));
  const isNew = (file: string) => !folders.has(file) && ![file, ...ancestorsOf(file)].some((path) => known.has(path));
  await leaveAlone(worktree, files.filter(isNew));
  const there = new Set(files.flatMap((file) => [file, ...ancestorsOf(file)]));
  return wanted.filter((path) => path !== '.' && !there.has(path));
}

function isAt(path: string, file: string): boolean {
  return path === '.' || file === path || file.startsWith(`${path}/`);
}

/** A file whose name cannot be passed to git would stay in its place. */
function refuseUnnamed(files: readonly string[]): void {
  const unnamed = files.find((file) => file.includes('\ufffd'));
  if (unnamed === undefined) return;
  throw new EngineError(
    'unsafe_path',
    `trusted_files names what holds ${JSON.stringify(unnamed)}, a name that is no UTF-8, in the branch or in the commit that was trusted`,
    'give that file another name, or name less in trusted_files',
  );
}

/** Files that the branch lacks: they are marked for git, so that it counts them neither as added nor as unknown. */
async function leaveAlone(worktree: list.OpenWorktree, files: readonly string[]): Promise<void> {
  if (files.length === 0) return;
  const input = `${files.join('\0')}\0`;
  const fromInput = ['--pathspec-from-file=-', '--pathspec-file-nul'];
  await list.inWorktree(worktree, ['add', '--intent-to-add', '--force', ...fromInput], { ...literalPaths, input });
  await list.inWorktree(worktree, ['update-index', '--skip-worktree', '-z', '--stdin'], { input });
}

/** Paths in git's form: no slash at the end, and nothing before the first part. */
export function pathsFromRoot(paths: readonly string[]): string[] {
  return paths.map((path) => normalize(path).replace(/(?<=.)\/$/, ''));
}

/** The parent folders of a path, from the root on, the nearest last. */
export function ancestorsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** The commit of a checkout; null: the checkout is gone or unreadable. */
export async function headOf(repo: Repository, path: string): Promise<string | null> {
  const adminDir = list.isOwnFolder(path) ? await list.adminDirOf(repo, path) : null;
  if (adminDir === null) return null;
  const answer = await list.tryInWorktree({ path, adminDir }, ['rev-parse', '-q', '--verify', 'HEAD^{commit}']);
  return answer.exitCode === 0 ? answer.stdout : null;
}

export interface Adoption {
  readonly branch: string;
  /** The branch's own worktree, which is updated with the branch. */
  readonly worktree: string;
  readonly from: string;
  readonly to: string;
  /** A valid ref name: uncommitted files of the branch's worktree are saved under it. */
  readonly run: string;
}

/**
 * Moves the branch from the judged commit to the judge's commit; false if the branch was moved or checked out meanwhile, or if the commit points to commits
 * that only the judge has. Safe to run again.
 */
export async function adopt(repo: Repository, { branch, worktree, from, to, run }: Adoption): Promise<boolean> {
  const head = await readRef(repo, branchRef(branch));
  if (head === to) return true;
  if (head !== from || !(await isAncestor(repo, from, to))) return false;
  if (await hasLost(repo, { path: worktree, base: from, commit: to })) return false;
  const path = list.placeOf(worktree);
  if ((await list.worktreeAt(repo, path)) === null) return moveRef(repo, branchRef(branch), { from, to });
  try {
    await prepareWorktree(repo, { path, branch, start: to, run, previousRun: null, reset: true });
    return true;
  } catch (thrown) {
    if (thrown instanceof EngineError && ['branch_checked_out', 'worktree_taken', 'git_failed'].includes(thrown.code))
      return false;
    throw thrown;
  }
}

/** Whether it points to commits of other repositories that exist only in this checkout. */
function hasLost(repo: Repository, place: { path: string; base: string; commit: string }): Promise<boolean> {
  return refuseLost(repo, place).then(
    () => false,
    (thrown: unknown) => {
      if (thrown instanceof EngineError && thrown.code === 'nested_repository') return true;
      throw thrown;
    },
  );
}
