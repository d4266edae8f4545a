/**
 * A checkout of its own for who judges a branch: one commit, detached, made anew for each run, with nothing in it that git does not carry. What a judge
 * commits there moves no branch by itself; `adopt` does, where that is wanted.
 */
import { join, normalize } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { checkoutTimeoutMs, ownGit } from './git.ts';
import { isAncestor } from './objects.ts';
import { branchRef, moveRef, readRef } from './refs.ts';
import type { Repository } from './repository.ts';
import { refuseLost } from './submodules.ts';
import { dispose, isInTheWay, isOccupied, makePlace, prepareWorktree, taken } from './worktree.ts';
import * as list from './worktree-list.ts';

export interface WantedCheckout {
  readonly path: string;
  /** The branch that is judged; the checkout is ours for it. */
  readonly branch: string;
  readonly commit: string;
  /** Files and folders of the commit that are not to be there, by their paths from the root. Git does not count them as deleted. */
  readonly hidden: readonly string[];
  /** Files and folders that are there as another commit has them. The branch's own are left out like those that are hidden. */
  readonly trusted: TrustedFiles;
}

export interface TrustedFiles {
  readonly commit: string;
  /** From the root on; `.`: all of it. */
  readonly paths: readonly string[];
}

const literalPaths = { env: { GIT_LITERAL_PATHSPECS: '1' } };

/**
 * Makes the checkout anew and answers its real path, and which trusted paths that commit has not: nothing of that name is there. What an earlier judge left in that folder is gone: who may lose something keeps it first. Throws
 * `worktree_taken` for a folder that is not ours, `unsafe_path` for a trusted path with a name in it that is no UTF-8, and git's errors.
 */
export async function makeCheckout(
  repo: Repository,
  wanted: WantedCheckout,
): Promise<{ path: string; absent: readonly string[] }> {
  const { branch, commit, hidden, trusted } = wanted;
  await makePlace(repo, wanted.path);
  const path = list.placeOf(wanted.path);
  const sweep = await repo.exclusively(async () => {
    // A broken entry would stop git, after what lies there is gone: it is mended first.
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

/** Takes the checkout away, with all that lies in it; nothing where there is none. Throws `worktree_taken` for a folder that is not ours. */
export async function dropCheckout(repo: Repository, wanted: { path: string; branch: string }): Promise<void> {
  const path = list.placeOf(wanted.path);
  const sweep = await repo.exclusively(() => dropOwn(repo, { ...wanted, path }));
  await sweep();
}

/** Answers what deletes the rest, when the lock is free. */
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

/** Git is told that these files are left out, so neither a commit nor a look counts them as deleted. */
async function hide(worktree: list.OpenWorktree, hidden: readonly string[]): Promise<void> {
  if (hidden.length === 0) return;
  const tracked = await list.inWorktree(worktree, ['ls-files', '-z', '--', ...hidden], literalPaths);
  if (tracked === '') return;
  await list.inWorktree(worktree, ['update-index', '--skip-worktree', '-z', '--stdin'], { input: tracked });
  for (const path of hidden) await removeTree(join(worktree.path, path));
}

/**
 * Puts files of the trusted commit in the place of the branch's. Git leaves them alone: no commit and no look of the judge's has them, nor what they stand for.
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
  // A link of the branch's on the way to them is taken away as well: they would lie where it leads.
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

/** A file that git cannot be told of would stay where it is. */
function refuseUnnamed(files: readonly string[]): void {
  const unnamed = files.find((file) => file.includes('\ufffd'));
  if (unnamed === undefined) return;
  throw new EngineError(
    'unsafe_path',
    `trusted_files names what holds ${JSON.stringify(unnamed)}, a name that is no UTF-8, in the branch or in the commit that was trusted`,
    'give that file another name, or name less in trusted_files',
  );
}

/** Files that the branch has not: git is told of them, so that it counts them neither as added nor as unknown. */
async function leaveAlone(worktree: list.OpenWorktree, files: readonly string[]): Promise<void> {
  if (files.length === 0) return;
  const input = `${files.join('\0')}\0`;
  const fromInput = ['--pathspec-from-file=-', '--pathspec-file-nul'];
  await list.inWorktree(worktree, ['add', '--intent-to-add', '--force', ...fromInput], { ...literalPaths, input });
  await list.inWorktree(worktree, ['update-index', '--skip-worktree', '-z', '--stdin'], { input });
}

/** As git writes them: no slash at the end, nothing before the first part. */
export function pathsFromRoot(paths: readonly string[]): string[] {
  return paths.map((path) => normalize(path).replace(/(?<=.)\/$/, ''));
}

/** The folders that a path lies in, from its root on, the nearest last. */
export function ancestorsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** The commit that a checkout stands on; null: it is gone, or nothing can be read of it. */
export async function headOf(repo: Repository, path: string): Promise<string | null> {
  const adminDir = list.isOwnFolder(path) ? await list.adminDirOf(repo, path) : null;
  if (adminDir === null) return null;
  const answer = await list.tryInWorktree({ path, adminDir }, ['rev-parse', '-q', '--verify', 'HEAD^{commit}']);
  return answer.exitCode === 0 ? answer.stdout : null;
}

export interface Adoption {
  readonly branch: string;
  /** The branch's own worktree, which follows it. */
  readonly worktree: string;
  readonly from: string;
  readonly to: string;
  /** Good as a ref name: what lies uncommitted in the branch's worktree is kept under it. */
  readonly run: string;
}

/** Moves the branch from where it was judged to what the judge made of it; false where somebody else has moved it, or looks at it, or it points to commits that only the judge has. Safe to run again. */
export async function adopt(repo: Repository, { branch, worktree, from, to, run }: Adoption): Promise<boolean> {
  const tip = await readRef(repo, branchRef(branch));
  if (tip === to) return true;
  if (tip !== from || !(await isAncestor(repo, from, to))) return false;
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

/** Whether it points to commits of repositories that nobody else has. */
function hasLost(repo: Repository, place: { path: string; base: string; commit: string }): Promise<boolean> {
  return refuseLost(repo, place).then(
    () => false,
    (thrown: unknown) => {
      if (thrown instanceof EngineError && thrown.code === 'nested_repository') return true;
      throw thrown;
    },
  );
}
