/**
 * The worktrees of a repository, and which of them are ours. Ours are locked with a reason that names their branch: git
 * writes that before anything else of a new worktree, so it holds even where an agent switched branches or the engine died.
 */
import { lstat, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { type GitOptions, type GitResult, ownGit, tryOwnGit } from './git.ts';
import { lockPrefix } from './lock-file.ts';
import { brokenEntryWords, mendEntries } from './worktree-entry.ts';

export interface Worktree {
  readonly path: string;
  /** null: detached. */
  readonly branch: string | null;
  /** The reason it is locked with; null where it is not locked. */
  readonly lock: string | null;
  /** The user's checkout. */
  readonly isMain: boolean;
  readonly isBare: boolean;
}

/** A worktree of ours that is there: its folder, and its own part of the repository (`.git/worktrees/<name>`). */
export interface OpenWorktree {
  readonly path: string;
  readonly adminDir: string;
}

/** The reason that a worktree of ours for `branch` is locked with. */
export function lockReason(branch: string): string {
  return `${lockPrefix}${branch}`;
}

/** Made by us, for whichever branch. */
export function isOurs(worktree: Worktree): boolean {
  return !worktree.isMain && (worktree.lock?.startsWith(lockPrefix) ?? false);
}

/** Made by us for `branch`; one that a person unlocked, or whose lock lost its reason, counts while it stands on that branch. */
export function isOursFor(worktree: Worktree, branch: string): boolean {
  if (worktree.isMain) return false;
  return worktree.lock === lockReason(branch) || (!worktree.lock && worktree.branch === branch);
}

/** All worktrees that git knows, the user's checkout first; also those whose folder is gone. */
export async function listWorktrees(repo: { readonly path: string; readonly commonDir: string }): Promise<Worktree[]> {
  await mendEntries(repo.commonDir, () => ownBranches(repo));
  return (await readWorktrees(repo)) ?? askForWorktrees(repo);
}

/** As git tells of them, from the files that it keeps; null where one of these is not as expected: then git is to say what it makes of it. */
async function readWorktrees(repo: { readonly path: string; readonly commonDir: string }): Promise<Worktree[] | null> {
  const { path, commonDir } = repo;
  // Asked from a linked worktree, of a checkout whose .git is a file, or where somebody else's entry is broken.
  if (commonDir !== join(path, '.git') || brokenEntryWords(commonDir).length > 0) return null;
  const main = await branchIn(commonDir);
  if (main === undefined) return null;
  const all: Worktree[] = [{ path, branch: main, lock: null, isMain: true, isBare: false }];
  for (const adminDir of await adminDirs(repo)) {
    const place = /^(\/.+)\/\.git\n$/.exec((await readOrNull(join(adminDir, 'gitdir'))) ?? '')?.[1];
    const branch = await branchIn(adminDir);
    if (place === undefined || branch === undefined) return null;
    const lock = (await readOrNull(join(adminDir, 'locked')))?.trim() ?? null;
    all.push({ path: place, branch, lock, isMain: false, isBare: false });
  }
  return all;
}

/** The branch that HEAD stands on; null: detached. undefined: it is a link, or kept elsewhere, or broken. */
async function branchIn(gitDir: string): Promise<string | null | undefined> {
  const head = join(gitDir, 'HEAD');
  if ((await lstat(head).catch(() => null))?.isFile() !== true) return undefined;
  const [, branch, commit] =
    /^(?:ref: refs\/heads\/([^.\s]\S*)|([0-9a-f]{40}|[0-9a-f]{64}))\n$/.exec((await readOrNull(head)) ?? '') ?? [];
  return commit === undefined ? branch : null;
}

async function askForWorktrees(repo: { readonly path: string; readonly commonDir: string }): Promise<Worktree[]> {
  const listing = await ownGit(repo.path, ['worktree', 'list', '--porcelain', '-z']).catch((thrown: unknown) => {
    throw withEntries(thrown, repo.commonDir);
  });
  const records = listing.split('\0\0').filter((record) => record !== '');
  return records.map((record, index) => {
    const fields = new Map<string, string>();
    for (const line of record.split('\0')) {
      const [, key = '', value = ''] = /^(\S+)(?: (.*))?$/s.exec(line) ?? [];
      fields.set(key, value);
    }
    return {
      path: fields.get('worktree') ?? '',
      branch: fields.get('branch')?.replace(/^refs\/heads\//, '') ?? null,
      lock: fields.get('locked') ?? null,
      isMain: index === 0,
      isBare: fields.has('bare'),
    };
  });
}

async function ownBranches({ path }: { readonly path: string }): Promise<string[]> {
  const listing = await ownGit(path, ['for-each-ref', '--format=%(refname:lstrip=3)', 'refs/stator/owned']);
  return listing.split('\n').filter((branch) => branch !== '');
}

/** A broken entry of somebody else makes git fail, and git does not say what to do about it. */
function withEntries(thrown: unknown, commonDir: string): unknown {
  const words = brokenEntryWords(commonDir);
  if (!(thrown instanceof EngineError) || words.length === 0) return thrown;
  return new EngineError(thrown.code, words.join('\n'), 'mend what is named there, then try again', { cause: thrown });
}

/** `path` as git knows it: with the real path of its parent folder. The last component may be missing. */
export async function placeOf(path: string): Promise<string> {
  const parent = await realpath(dirname(path)).catch(() => resolve(dirname(path)));
  return join(parent, path.slice(dirname(path).length));
}

/** The folder in `.git/worktrees` that belongs to the worktree at `path`; null where there is none. */
export async function adminDirOf(repo: { readonly commonDir: string }, path: string): Promise<string | null> {
  for (const adminDir of await adminDirs(repo)) {
    const link = await readOrNull(join(adminDir, 'gitdir'));
    if (link !== null && resolve(adminDir, link.trim()) === join(path, '.git')) return adminDir;
  }
  return null;
}

/** Removes the lock files that a killed git left in a worktree. Only where nobody else works there: its agent has ended, and we are the only other owner. */
export async function dropLocks(worktree: OpenWorktree): Promise<void> {
  for (const name of ['index.lock', 'HEAD.lock']) await rm(join(worktree.adminDir, name), { force: true });
}

/**
 * Runs git in a worktree by naming both of its folders. Left to look for itself, git would find the user's checkout around
 * it wherever an agent deleted the worktree's `.git` file, and a reset would hit that.
 */
export function inWorktree(worktree: OpenWorktree, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return ownGit(worktree.path, args, { ...options, env: { ...foldersOf(worktree), ...options.env } });
}

/** `inWorktree` where an exit code other than 0 is an answer. */
export function tryInWorktree(
  worktree: OpenWorktree,
  args: readonly string[],
  options: GitOptions = {},
): Promise<GitResult> {
  return tryOwnGit(worktree.path, args, { ...options, env: { ...foldersOf(worktree), ...options.env } });
}

function foldersOf(worktree: OpenWorktree): Record<string, string> {
  return { GIT_DIR: worktree.adminDir, GIT_WORK_TREE: worktree.path };
}

/** Whether something lies at `path`. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

async function adminDirs(repo: { readonly commonDir: string }): Promise<string[]> {
  const folder = join(repo.commonDir, 'worktrees');
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.map((name) => join(folder, name));
}

async function readOrNull(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
}
