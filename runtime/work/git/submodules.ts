/**
 * Saves the work in a worktree's submodules. Git stores their commits in the worktree's own part of the repository, and they are deleted with it. So they are
 * copied into the main checkout's module store (`.git/modules/<name>`) as refs/stator/attempts/<run>-<commit>, before any branch of ours points to them.
 */
import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { lstatOrNull, statOrNull } from '../../base/platform/quiet-look.ts';
import { takeObjects } from './foreign-objects.ts';
import { checkoutTimeoutMs, ownGit, tryOwnGit, wholeDiff } from './git.ts';
import { hasOwnStore, moduleGitDir } from './module-folder.ts';
import { noLinks } from './object-memo.ts';
import { commitTree, treeOf } from './objects.ts';
import type { Repository } from './repository.ts';
import { stageAll } from './stage-all.ts';
import { withTempIndex } from './temp-index.ts';
import { inWorktree, isOwnFolder, type OpenWorktree, tryInWorktree } from './worktree-list.ts';

interface Module {
  readonly name: string;
  /** The path below its worktree. */
  readonly path: string;
  readonly folder: string;
  readonly gitDir: string;
  /** Its store in the main checkout; may be missing. */
  readonly store: string;
}

const slow = { timeoutMs: checkoutTimeoutMs };
/** The stores are on this machine, and trusted. */
const local = { ...slow, protocols: ['file'] };

/**
 * Saves the work in the submodules of a worktree, including nested ones: uncommitted files are committed there, and every commit survives the worktree under
 * refs/stator/attempts. Safe to run again.
 */
export async function keepModules(
  repo: Repository,
  { path, adminDir }: OpenWorktree,
  kept: { run: string; message: string },
): Promise<void> {
  await keepIn(repo, { folder: path, gitDir: adminDir, store: repo.commonDir }, kept);
}

/** Sets the checked-out submodules to their commits in `commit`. Their work must be saved before. */
export async function resetModules(repo: Repository, worktree: OpenWorktree, commit: string): Promise<void> {
  const above = { folder: worktree.path, gitDir: worktree.adminDir, store: repo.commonDir };
  for (const module of await modulesIn(repo, above)) {
    const { folder, path, store } = module;
    const wanted = await tryInWorktree(worktree, ['rev-parse', '-q', '--verify', `${commit}:${path}`]);
    if (wanted.exitCode !== 0) continue;
    const isThere = await holds(module.gitDir, folder, wanted.stdout);
    const fetch = ['fetch', '-q', '--no-tags', store, '+refs/stator/*:refs/stator/*'];
    if (!isThere && statOrNull(store) !== null) await tryOwnGit(folder, fetch, { ...local, env: foldersOf(module) });
    const there = { ...slow, env: foldersOf(module) };
    await tryOwnGit(folder, ['checkout', '-q', '--force', '--detach', wanted.stdout], there);
    await tryOwnGit(folder, ['clean', '-f', '-d', '-q'], there);
  }
}

/** Throws `nested_repository` if `commit`, unlike `base`, points to a commit of a submodule that would be lost with the worktree. */
export async function refuseLost(
  repo: Repository,
  place: { path: string; base: string; commit: string },
): Promise<void> {
  const { path, base, commit } = place;
  const lost: string[] = [];
  for (const link of await linksOf(repo, base, commit)) {
    const name = (await namesIn(repo.path, ['--blob', `${commit}:.gitmodules`])).get(link.path);
    const store = name === undefined ? null : join(repo.commonDir, 'modules', name);
    if (store === null || !(await holds(store, repo.path, link.commit))) lost.push(link.path);
  }
  if (lost.length === 0) return;
  const message = `in ${path} no commit can hold these git repositories of their own: ${lost.join(', ')}`;
  const folders = lost.map((one) => shellWord(`${one}/.git`)).join(' ');
  const hint = `have their files committed (rm -rf ${folders}), move them out, or make them submodules (git submodule add <url> <path>)`;
  throw new EngineError('nested_repository', message, hint);
}

/**
 * The tree of a worktree without new pointers, compared with `base`, to commits of repositories that are no submodules: `git add` makes such a pointer for a
 * repository that an agent made, and no one else could follow it. `paths` are the left-out ones.
 */
export async function withoutStrayLinks(
  repo: Repository,
  worktree: OpenWorktree,
  { tree, base }: { tree: string; base: string },
): Promise<{ tree: string; paths: string[] }> {
  const links = await linksOf(repo, base, tree);
  if (links.length === 0) return { tree, paths: [] };
  const names = await namesIn(repo.path, ['--blob', `${tree}:.gitmodules`]);
  const paths = links.map(({ path }) => path).filter((path) => !names.has(path));
  if (paths.length === 0) return { tree, paths };
  return withTempIndex(worktree.adminDir, async (env) => {
    await inWorktree(worktree, ['read-tree', tree], { env });
    const removal = ['update-index', '--force-remove', '-z', '--stdin'];
    await inWorktree(worktree, removal, { env, input: `${paths.join('\0')}\0` });
    return { tree: await inWorktree(worktree, ['write-tree'], { env }), paths };
  });
}

/** Repositories inside a worktree to which `tree` points and that are no submodules, or unsafe ones: they would be lost with the worktree's folder. */
export async function nestedRepositories(repo: Repository, worktree: OpenWorktree, tree: string): Promise<string[]> {
  if (repo.memo.known(noLinks(tree)) !== null) return [];
  const listing = await inWorktree(worktree, ['ls-tree', '-r', '-z', '--full-tree', tree], slow);
  const links = listing.split('\0').filter((entry) => entry.startsWith('160000 '));
  if (links.length === 0) return [];
  const above = { folder: worktree.path, gitDir: worktree.adminDir, store: repo.commonDir };
  const modules = new Set((await modulesIn(repo, above)).map(({ path }) => path));
  const stray: string[] = [];
  for (const entry of links) {
    const path = entry.slice(entry.indexOf('\t') + 1);
    const folder = join(worktree.path, path);
    if (!modules.has(path) && isOwnFolder(folder) && statOrNull(join(folder, '.git')) !== null) stray.push(path);
  }
  return stray;
}

async function keepIn(
  repo: Repository,
  above: Pick<Module, 'folder' | 'gitDir' | 'store'>,
  kept: { run: string; message: string },
): Promise<void> {
  for (const module of await modulesIn(repo, above)) {
    await keepIn(repo, module, kept);
    const head = await tryOwnGit(module.folder, ['rev-parse', '-q', '--verify', 'HEAD^{commit}'], {
      env: foldersOf(module),
    });
    if (head.exitCode !== 0) continue; // an incomplete clone: there is no work in it
    await commitWhatIsLeft(repo, module, { head: head.stdout, message: kept.message });
    await takeIntoStore(module, kept.run);
  }
}

async function commitWhatIsLeft(
  repo: Repository,
  module: Module,
  { head, message }: { head: string; message: string },
): Promise<void> {
  const { folder } = module;
  const there = { ...slow, env: foldersOf(module) };
  const status = await ownGit(folder, ['status', '--porcelain', '-z', '--ignore-submodules=dirty'], there);
  if (status === '') return;
  await stageAll(folder, (args, input) => ownGit(folder, args, { ...there, ...input }));
  const tree = await ownGit(folder, ['write-tree'], there);
  const env = { ...there.env, ...(await identityOf(repo)) };
  const commit = await commitTree({ path: folder }, { tree, parents: [head], message, env });
  await ownGit(folder, ['update-ref', '-m', 'stator', 'HEAD', commit, head], there);
}

/** A submodule has its own configuration, but its commits have the same author. */
async function identityOf(repo: Repository): Promise<Record<string, string>> {
  const who = await ownGit(repo.path, ['var', 'GIT_COMMITTER_IDENT']);
  const [, name = '', email = ''] = /^(.*) <(.*)> \d+ [+-]\d+$/.exec(who) ?? [];
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}

/**
 * Saves a commit under a name that contains its id, so that no saved ref is overwritten. The objects are imported like foreign ones: a `git fetch` would run
 * a git in the submodule, with settings that an agent wrote. Commits that cannot be imported are not saved, and no branch of ours may point to them.
 */
async function takeIntoStore(module: Module, run: string): Promise<void> {
  const { folder, gitDir, store } = module;
  if (statOrNull(join(store, 'HEAD')) === null) await makeStore(module);
  if ((await realpath(store)) === (await realpath(gitDir))) return;
  const env = foldersOf(module);
  const listing = await ownGit(folder, ['for-each-ref', '--format=%(objectname)', 'refs/heads'], { env });
  const head = await ownGit(folder, ['rev-parse', 'HEAD'], { env });
  const heads: string[] = [];
  for (const commit of new Set([head, ...listing.split('\n')]))
    if (commit !== '' && !(await isKeptIn(store, commit))) heads.push(commit);
  if (heads.length === 0) return;
  const known = await ownGit(store, ['for-each-ref', '--count=1000', '--format=%(objectname)'], {
    env: { GIT_DIR: store },
  });
  const into = await realpath(store);
  const taken = await takeObjects({
    gitDir: await realpath(gitDir),
    tempPrefix: join(await realpath(dirname(gitDir)), 'stator-taken-'),
    into,
    heads,
    known: known.split('\n').filter((commit) => commit !== ''),
  });
  if (taken.kind === 'refused') return;
  const updates = heads.map((commit) => `update refs/stator/attempts/${run}-${commit.slice(0, 12)} ${commit}\n`);
  await ownGit(store, ['update-ref', '--no-deref', '-m', 'stator', '--stdin'], {
    env: { GIT_DIR: store },
    input: updates.join(''),
  });
}

async function isKeptIn(store: string, commit: string): Promise<boolean> {
  const args = ['--git-dir', store, 'for-each-ref', '--count=1', `--contains=${commit}`];
  const answer = await tryOwnGit(store, args);
  return answer.exitCode === 0 && answer.stdout !== '';
}

/** Makes the store as `git submodule update` would, so that git can continue with it: with the remote of the worktree's clone. */
async function makeStore(module: Module): Promise<void> {
  const { folder, store } = module;
  const url = await tryOwnGit(folder, ['config', '--get', 'remote.origin.url'], { env: foldersOf(module) });
  await mkdir(store, { recursive: true });
  await ownGit(store, ['init', '-q', '--bare', store]);
  const env = { GIT_DIR: store };
  if (url.exitCode === 0) {
    await ownGit(store, ['config', 'remote.origin.url', url.stdout], { env });
    await ownGit(store, ['config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'], { env });
  }
  await ownGit(store, ['config', 'core.bare', 'false'], { env });
}

/** The submodules of `.gitmodules` that are checked out as repositories. */
async function modulesIn(
  repo: Pick<Repository, 'commonDir'>,
  above: Pick<Module, 'folder' | 'gitDir' | 'store'>,
): Promise<Module[]> {
  const file = join(above.folder, '.gitmodules');
  if (lstatOrNull(file)?.isFile() !== true) return [];
  const stores = join(above.store, 'modules');
  const modules: Module[] = [];
  for (const [path, name] of await namesIn(above.folder, ['-f', file])) {
    const folder = join(above.folder, path);
    const places = { modules: join(above.gitDir, 'modules'), stores: join(repo.commonDir, 'modules') };
    const gitDir = hasOwnStore(stores, name) ? await moduleGitDir(folder, places) : null;
    if (gitDir !== null) modules.push({ name, path, folder, gitDir, store: join(stores, name) });
  }
  return modules;
}

/** All folders are named, so that git searches for none: links that an agent wrote may lead anywhere. */
function foldersOf({ folder, gitDir }: Module): Record<string, string> {
  return { GIT_DIR: gitDir, GIT_COMMON_DIR: gitDir, GIT_WORK_TREE: folder };
}

/** The names of submodules by their paths; git itself refuses names and paths that lead out of the repository. */
async function namesIn(cwd: string, source: readonly string[]): Promise<Map<string, string>> {
  const listing = await tryOwnGit(cwd, ['config', ...source, '-z', '--get-regexp', '^submodule\\..*\\.path$']);
  const names = new Map<string, string>();
  if (listing.exitCode !== 0) return names;
  for (const entry of listing.stdout.split('\0')) {
    const [key = '', path = ''] = entry.split('\n');
    const name = key.slice('submodule.'.length, -'.path'.length);
    if (path !== '' && ![...path.split('/'), ...name.split('/')].includes('..')) names.set(path, name);
  }
  return names;
}

/** Pointers to commits of other repositories that `commit` has and `base` lacks. */
async function linksOf(repo: Repository, base: string, commit: string): Promise<{ path: string; commit: string }[]> {
  if (repo.memo.known(noLinks(await treeOf(repo, commit))) !== null) return [];
  const fields = (
    await ownGit(repo.path, ['diff-tree', '-r', '-z', '--no-renames', ...wholeDiff, base, commit], slow)
  ).split('\0');
  const links: { path: string; commit: string }[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, mode = '', , id = ''] = (fields[at] ?? '').split(' ');
    if (mode === '160000') links.push({ path: fields[at + 1] ?? '', commit: id });
  }
  return links;
}

async function holds(gitDir: string, cwd: string, commit: string): Promise<boolean> {
  if (statOrNull(gitDir) === null) return false;
  return (await tryOwnGit(cwd, ['--git-dir', gitDir, 'cat-file', '-e', `${commit}^{commit}`])).exitCode === 0;
}
