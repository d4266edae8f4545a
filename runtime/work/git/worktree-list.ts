/**
 * The worktrees of a repository, and which of them are ours. Ours are locked with a reason that names their branch: git writes the reason before anything
 * else of a new worktree, so it is reliable even if an agent switched branches or the engine died.
 */

import { statSync } from 'node:fs';
import { lstat, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { lstatOrNull, realPathOrNull } from '../../base/platform/quiet-look.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { ifMissing } from '../../base/platform/system-code.ts';
import { type GitOptions, type GitResult, ownGit, tryOwnGit } from './git.ts';
import { gitFolderAt, textOf } from './git-folder.ts';
import { lockPrefix } from './lock-file.ts';
import {
  brokenEntryWords,
  entryFolders,
  headOf,
  mendedEntries,
  type WorktreeEntry,
  wholeEntry,
} from './worktree-entry.ts';
import { isWithin } from './worktree-folder.ts';

export interface Worktree {
  readonly path: string;
  /** null: detached. */
  readonly branch: string | null;
  /** Its lock reason; null: it is not locked. */
  readonly lock: string | null;
  /** Whether it is the user's checkout. */
  readonly isMain: boolean;
  readonly isBare: boolean;
}

/** The parts of a repository from which its worktrees are listed. */
interface ListedPlace {
  readonly path: string;
  readonly commonDir: string;
}

/** An existing worktree of ours: its folder, and its part of the repository (`.git/worktrees/<name>`). */
export interface OpenWorktree {
  readonly path: string;
  readonly adminDir: string;
}

/** Longer than any path. */
const linkLimitBytes = 8_192;

/** The lock reason of our worktree for `branch`. */
export function lockReason(branch: string): string {
  return `${lockPrefix}${branch}`;
}

/** Whether stator made it, for any branch. */
export function isOurs(worktree: Worktree): boolean {
  return !worktree.isMain && (worktree.lock?.startsWith(lockPrefix) ?? false);
}

/** The branch that a worktree of ours was made for; null: it is not ours. */
export function branchMadeFor(worktree: Worktree): string | null {
  return isOurs(worktree) ? (worktree.lock ?? '').slice(lockPrefix.length) : null;
}

/** Whether we made it for `branch`. A worktree that a person unlocked, or whose lock lost its reason, counts while it is on that branch. */
export function isOursFor(worktree: Worktree, branch: string): boolean {
  if (worktree.isMain) return false;
  return worktree.lock === lockReason(branch) || (!worktree.lock && worktree.branch === branch);
}

/** What a person can do where the folder of a listed worktree is gone. */
export function bringBack({ path }: Pick<ListedPlace, 'path'>): string {
  const git = `git -C ${shellWord(path)} worktree`;
  return `bring that folder back, or say where it is now: ${git} repair <its folder>; what is gone for good git forgets with: ${git} prune`;
}

/** All worktrees of git's list, the user's checkout first; also those without a folder. */
export async function listWorktrees(repo: ListedPlace): Promise<Worktree[]> {
  const entries = await mendedEntries(repo.commonDir, () => ownBranches(repo));
  return readWorktrees(repo, entries) ?? askForWorktrees(repo);
}

/** git's list, read from git's files; null if one of them is not as expected: then git must list them. */
function readWorktrees({ path, commonDir }: ListedPlace, entries: readonly WorktreeEntry[]): Worktree[] | null {
  // Called from a linked worktree, or a foreign entry is broken.
  if (!isMainCheckout({ path, commonDir }) || brokenEntryWords(commonDir, entries).length > 0) return null;
  const main = branchIn(commonDir);
  if (main === undefined) return null;
  const linked = entries.map(linkedWorktree);
  const known = linked.filter((worktree) => worktree !== null);
  return known.length < linked.length ? null : [mainWorktree(path, main), ...known];
}

function mainWorktree(path: string, branch: string | null): Worktree {
  return { path, branch, lock: null, isMain: true, isBare: false };
}

/** null: git must read that entry. */
function linkedWorktree({ gitdir, HEAD, locked }: WorktreeEntry): Worktree | null {
  const path = /^(\/.+)\/\.git\n$/.exec(gitdir ?? '')?.[1];
  const branch = branchOf(HEAD);
  if (path === undefined || branch === undefined) return null;
  return { path, branch, lock: locked?.trim() ?? null, isMain: false, isBare: false };
}

/**
 * The worktrees of `listWorktrees` on `branch`. Only the HEAD of each other worktree is read, because there may be hundreds. A worktree inside one of ours
 * was made by an agent, and must not block a branch: its HEAD is detached at the branch's commit.
 */
export async function worktreesAt(repo: ListedPlace, branch: string): Promise<Worktree[]> {
  const found =
    readWorktreesAt(repo, branch) ?? (await listWorktrees(repo)).filter((worktree) => worktree.branch === branch);
  const others: Worktree[] = [];
  for (const worktree of found) if (!(await releaseInner(repo, worktree))) others.push(worktree);
  return others;
}

/** Detaches a worktree that lies inside another one that stator made; returns whether it did. */
async function releaseInner(repo: ListedPlace, worktree: Worktree): Promise<boolean> {
  if (worktree.isMain || worktree.branch === null) return false;
  const { path, branch } = worktree;
  const isInner = entryFolders(repo.commonDir).some((folder) => {
    const other = wholeWorktree(folder);
    return other !== null && other.path !== path && isOurs(other) && isWithin(other.path, path);
  });
  const adminDir = isInner ? await adminDirOf(repo, path) : null;
  if (adminDir === null) return false;
  // Its index and files stay as they are.
  const args = ['update-ref', '--no-deref', 'HEAD', `refs/heads/${branch}`];
  return (await tryOwnGit(repo.path, args, { env: { GIT_DIR: adminDir } })).exitCode === 0;
}

/** A foreign worktree on `branch`, besides the one at `own`: a person may have checked it out with `--ignore-other-worktrees`. null: there is none. */
export async function othersWorktreeAt(repo: ListedPlace, branch: string, own: string): Promise<Worktree | null> {
  return (await worktreesAt(repo, branch)).find((other) => other.path !== own && !isOurs(other)) ?? null;
}

/** null: a part of it is not as expected. */
function readWorktreesAt({ path, commonDir }: ListedPlace, branch: string): Worktree[] | null {
  if (!isMainCheckout({ path, commonDir })) return null;
  const main = branchIn(commonDir);
  if (main === undefined) return null;
  const found = main === branch ? [mainWorktree(path, main)] : [];
  for (const folder of entryFolders(commonDir)) {
    const standsOn = branchOf(headOf(folder));
    if (standsOn === undefined) return null;
    if (standsOn !== branch) continue;
    const worktree = wholeWorktree(folder);
    if (worktree?.branch !== branch) return null;
    found.push(worktree);
  }
  return found;
}

function wholeWorktree(adminDir: string): Worktree | null {
  const entry = wholeEntry(adminDir);
  return entry === null ? null : linkedWorktree(entry);
}

/** The worktree of `listWorktrees` at `path`; null: git lists none. */
export async function worktreeAt(repo: ListedPlace, path: string): Promise<Worktree | null> {
  // An entry may claim the path of the user's checkout: the first one of git's list counts.
  const isLinked = path !== repo.path && isMainCheckout(repo);
  const adminDir = isLinked ? await adminDirOf(repo, path) : null;
  const known = adminDir === null ? null : wholeWorktree(adminDir);
  if (known?.path === path) return known;
  return (await listWorktrees(repo)).find((worktree) => worktree.path === path) ?? null;
}

/** The branch of HEAD; null: detached. undefined: HEAD is a link, stored elsewhere, or broken. */
export function branchIn(gitDir: string): string | null | undefined {
  return branchOf(textOf(join(gitDir, 'HEAD')));
}

function branchOf(head: string | null): string | null | undefined {
  const [, branch, commit] = /^(?:ref: refs\/heads\/([^.\s]\S*)|([0-9a-f]{40}|[0-9a-f]{64}))\n$/.exec(head ?? '') ?? [];
  return commit === undefined ? branch : null;
}

/** Whether `path` is the user's checkout. Its `.git` may be a file, which git's own list of worktrees does not resolve. */
export function isMainCheckout({ path, commonDir }: ListedPlace): boolean {
  return commonDir === join(path, '.git') || commonDir === gitFolderAt(path);
}

async function askForWorktrees(repo: ListedPlace): Promise<Worktree[]> {
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
      path: index === 0 && isMainCheckout(repo) ? repo.path : (fields.get('worktree') ?? ''),
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

/** A broken foreign entry makes git fail, and git does not name a remedy. */
function withEntries(thrown: unknown, commonDir: string): unknown {
  const words = brokenEntryWords(commonDir);
  if (!(thrown instanceof EngineError) || words.length === 0) return thrown;
  return new EngineError(thrown.code, words.join('\n'), 'correct what is named there, then try again', {
    cause: thrown,
  });
}

/** `path` in git's form: with the real path of its parent folder. The last component may be missing. */
export function placeOf(path: string): string {
  return join(realPathOrNull(dirname(path)) ?? resolve(dirname(path)), path.slice(dirname(path).length));
}

/** The folder in `.git/worktrees` of the worktree at `path`; null: there is none. */
export async function adminDirOf(repo: { readonly commonDir: string }, path: string): Promise<string | null> {
  const isOfPath = (adminDir: string) => {
    const link = textOf(join(adminDir, 'gitdir'));
    return link !== null && resolve(adminDir, link.trim()) === join(path, '.git');
  };
  // Git gives it the worktree's name, with a number if that is taken.
  const usual = join(repo.commonDir, 'worktrees', basename(path));
  if (isOfPath(usual)) return usual;
  return entryFolders(repo.commonDir).find(isOfPath) ?? null;
}

/** Where our worktree for `branch` is by its entry, if that was made for `path` and names another folder; null: there is no such entry. */
export function movedWorktree(repo: ListedPlace, { path, branch }: { path: string; branch: string }): string | null {
  const name = basename(path);
  for (const folder of entryFolders(repo.commonDir)) {
    // Git adds a number if the name is taken.
    if (!basename(folder).startsWith(name) || !/^\d*$/.test(basename(folder).slice(name.length))) continue;
    const known = wholeWorktree(folder);
    if (known !== null && known.path !== path && isOursFor(known, branch)) return known.path;
  }
  return null;
}

/**
 * Rewrites the worktree's `.git` file if an agent changed it: the next git in that folder would work on a repository of the agent's choice. A repository in
 * its place is moved into the worktree's part of `.git`, and is deleted with that.
 */
export async function mendLink({ path, adminDir }: OpenWorktree): Promise<void> {
  const link = join(path, '.git');
  const text = `gitdir: ${adminDir}\n`;
  const found = await lstat(link).catch(ifMissing(null));
  if (found?.isFile() && found.size < linkLimitBytes && (await readFile(link, 'utf8')) === text) return;
  if (found?.isDirectory()) await moveIntoAdminDir(link, adminDir);
  else if (found !== null) await rm(link);
  await writeFile(link, text, { flag: 'wx' });
}

async function moveIntoAdminDir(repository: string, adminDir: string): Promise<void> {
  const target = await mkdtemp(join(adminDir, 'stator-replaced-'));
  await rename(repository, join(target, 'git')).catch((cause: unknown) => {
    const message = `${repository} is a repository of its own, and could not be moved to ${target}`;
    const hint = `move it away: mv ${shellWord(repository)} ${shellWord(`${repository}-old`)}`;
    throw new EngineError('worktree_taken', message, hint, { cause });
  });
}

/**
 * Removes the lock files that a killed git left in a worktree. Only if no other process works there: its agent has ended, and we are the only other owner.
 */
export async function dropLocks(worktree: OpenWorktree): Promise<void> {
  for (const name of ['index.lock', 'HEAD.lock']) await removeTree(join(worktree.adminDir, name));
}

/**
 * Runs git in a worktree and names all of its folders. Otherwise git would follow a path that an agent wrote into the worktree's `.git` file, or, without
 * that file, find the surrounding user's checkout, and a reset would change that. Throws `worktree_taken` if the folder is a link: git would add and delete
 * files elsewhere.
 */
export async function inWorktree(
  worktree: OpenWorktree,
  args: readonly string[],
  options: GitOptions = {},
): Promise<string> {
  return ownGit(worktree.path, args, await named(worktree, options));
}

/** `inWorktree`, but an exit code other than 0 is a result. */
export async function tryInWorktree(
  worktree: OpenWorktree,
  args: readonly string[],
  options: GitOptions = {},
): Promise<GitResult> {
  return tryOwnGit(worktree.path, args, await named(worktree, options));
}

async function named({ path, adminDir }: OpenWorktree, options: GitOptions): Promise<GitOptions> {
  if (!isOwnFolder(path))
    throw new EngineError(
      'worktree_taken',
      `${path} is no folder of its own: it is gone, or a link leads elsewhere from there`,
      `look at it: ls -ld ${shellWord(path)}; once what it leads to is safe, take the link away: rm ${shellWord(path)}`,
    );
  const commonDir = dirname(dirname(adminDir));
  return { ...options, env: { GIT_DIR: adminDir, GIT_COMMON_DIR: commonDir, GIT_WORK_TREE: path, ...options.env } };
}

/** Whether `path` itself is a folder: an agent may replace it by a link to foreign files. */
export function isOwnFolder(path: string): boolean {
  return realPathOrNull(path) === path && lstatOrNull(path)?.isDirectory() === true;
}

/** Throws the system's error for a path that cannot be read. */
export function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
