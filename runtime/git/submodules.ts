/**
 * What lies in the submodules of a worktree. Git keeps their commits in the worktree's own part of the repository, and they go when it goes: so they are
 * fetched into the main checkout's module store (`.git/modules/<name>`) as refs/stator/attempts/<run>-<commit>, before any branch of ours points to them.
 */
import { mkdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { checkoutTimeoutMs, ownGit, tryOwnGit } from './git.ts';
import { commitTree } from './objects.ts';
import type { Repository } from './repository.ts';
import { stageAll } from './stage-all.ts';

interface Module {
  readonly name: string;
  /** Below the worktree that it is a submodule of. */
  readonly path: string;
  readonly folder: string;
  readonly gitDir: string;
  /** The main checkout's part of it; may be missing. */
  readonly store: string;
}

const slow = { timeoutMs: checkoutTimeoutMs };
/** The stores lie on this machine, and are ours. */
const local = { ...slow, protocols: ['file'] };

/**
 * Keeps what was done in the submodules of a worktree, theirs included: what is uncommitted is committed there, and every commit of theirs survives the
 * worktree under refs/stator/attempts. Safe to run again.
 */
export async function keepModules(
  repo: Repository,
  worktree: { path: string },
  kept: { run: string; message: string },
): Promise<void> {
  await keepIn(repo, { folder: worktree.path, store: repo.commonDir }, kept);
}

/** Brings the submodules that are there to what `commit` says of them. What lay in them must be kept by then. */
export async function resetModules(repo: Repository, worktree: { path: string }, commit: string): Promise<void> {
  for (const module of await modulesIn(worktree.path, repo.commonDir)) {
    const { folder, path, store } = module;
    const wanted = await tryOwnGit(worktree.path, ['rev-parse', '-q', '--verify', `${commit}:${path}`]);
    if (wanted.exitCode !== 0) continue;
    const isThere = await holds(join(folder, '.git'), folder, wanted.stdout);
    if (!isThere && (await exists(store)))
      await tryOwnGit(folder, ['fetch', '-q', '--no-tags', store, '+refs/stator/*:refs/stator/*'], local);
    await tryOwnGit(folder, ['checkout', '-q', '--force', '--detach', wanted.stdout], slow);
    await tryOwnGit(folder, ['clean', '-f', '-d', '-q'], slow);
  }
}

/**
 * Throws `nested_repository` where `commit` points, other than `base`, to a commit of a submodule that would be gone with the worktree, and for `nested`,
 * the repositories that no commit can hold.
 */
export async function refuseLost(
  repo: Repository,
  place: { path: string; base: string; commit: string; nested: readonly string[] },
): Promise<void> {
  const { path, base, commit } = place;
  const lost = place.nested.map((folder) => folder.replace(/\/$/, ''));
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

/** Repositories inside a worktree that `tree` points to and that are no submodules: they would go with its folder. */
export async function strayIn(worktree: { path: string }, tree: string): Promise<string[]> {
  const listing = await ownGit(worktree.path, ['ls-tree', '-r', '-z', '--full-tree', tree], slow);
  const links = listing.split('\0').filter((entry) => entry.startsWith('160000 '));
  if (links.length === 0) return [];
  const names = await namesIn(worktree.path, ['-f', join(worktree.path, '.gitmodules')]);
  const stray: string[] = [];
  for (const entry of links) {
    const path = entry.slice(entry.indexOf('\t') + 1);
    if (!names.has(path) && (await exists(join(worktree.path, path, '.git')))) stray.push(path);
  }
  return stray;
}

async function keepIn(
  repo: Repository,
  above: { folder: string; store: string },
  kept: { run: string; message: string },
): Promise<void> {
  for (const module of await modulesIn(above.folder, above.store)) {
    await keepIn(repo, module, kept);
    const head = await tryOwnGit(module.folder, ['rev-parse', '-q', '--verify', 'HEAD^{commit}']);
    if (head.exitCode !== 0) continue; // a clone that was killed: nothing was done in it
    await commitWhatIsLeft(repo, module, { head: head.stdout, message: kept.message });
    await fetchIntoStore(module, kept.run);
  }
}

async function commitWhatIsLeft(
  repo: Repository,
  { folder }: Module,
  { head, message }: { head: string; message: string },
): Promise<void> {
  const status = await ownGit(folder, ['status', '--porcelain', '-z', '--ignore-submodules=dirty'], slow);
  if (status === '') return;
  await stageAll(folder, (args, input) => ownGit(folder, args, { ...slow, ...input }));
  const tree = await ownGit(folder, ['write-tree'], slow);
  const env = await identityOf(repo);
  const commit = await commitTree({ path: folder }, { tree, parents: [head], message, env });
  await ownGit(folder, ['update-ref', '-m', 'stator', 'HEAD', commit, head]);
}

/** A submodule has a configuration of its own: the commits in it are the same person's. */
async function identityOf(repo: Repository): Promise<Record<string, string>> {
  const who = await ownGit(repo.path, ['var', 'GIT_COMMITTER_IDENT']);
  const [, name = '', email = ''] = /^(.*) <(.*)> \d+ [+-]\d+$/.exec(who) ?? [];
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}

/** Under a name of the commit's own: what is kept of a run is never written over. */
async function fetchIntoStore({ folder, gitDir, store }: Module, run: string): Promise<void> {
  if (!(await exists(join(store, 'HEAD')))) await makeStore({ folder, store });
  if ((await realpath(store)) === (await realpath(gitDir))) return;
  const listing = await ownGit(folder, ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads']);
  const head = await ownGit(folder, ['rev-parse', 'HEAD']);
  const refs: string[] = [];
  for (const line of [`${head} HEAD`, ...listing.split('\n')]) {
    const [commit = '', ref = ''] = line.split(' ');
    if (ref !== '' && !(await isKeptIn(store, commit)))
      refs.push(`${ref}:refs/stator/attempts/${run}-${commit.slice(0, 12)}`);
  }
  if (refs.length === 0) return;
  // Without a work tree of its own: that of the main checkout may not be there.
  const env = { GIT_DIR: store, GIT_WORK_TREE: folder };
  const args = ['fetch', '-q', '--no-tags', '--update-shallow', '--no-write-fetch-head', gitDir];
  await ownGit(folder, [...args, ...new Set(refs)], { ...local, env });
}

async function isKeptIn(store: string, commit: string): Promise<boolean> {
  const args = ['--git-dir', store, 'for-each-ref', '--count=1', `--contains=${commit}`];
  const answer = await tryOwnGit(store, args);
  return answer.exitCode === 0 && answer.stdout !== '';
}

/** As `git submodule update` would have made it, so that it goes on from there: with the remote of the clone in the worktree. */
async function makeStore({ folder, store }: { folder: string; store: string }): Promise<void> {
  const url = await tryOwnGit(folder, ['config', '--get', 'remote.origin.url']);
  await mkdir(store, { recursive: true });
  await ownGit(store, ['init', '-q', '--bare', store]);
  const env = { GIT_DIR: store };
  if (url.exitCode === 0) {
    await ownGit(store, ['config', 'remote.origin.url', url.stdout], { env });
    await ownGit(store, ['config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'], { env });
  }
  await ownGit(store, ['config', 'core.bare', 'false'], { env });
}

/** The submodules of `.gitmodules` that are there as repositories. */
async function modulesIn(folder: string, store: string): Promise<Module[]> {
  if (!(await exists(join(folder, '.gitmodules')))) return [];
  const modules: Module[] = [];
  for (const [path, name] of await namesIn(folder, ['-f', join(folder, '.gitmodules')])) {
    const inside = join(folder, path);
    if (!(await exists(join(inside, '.git')))) continue;
    const gitDir = await ownGit(inside, ['rev-parse', '--absolute-git-dir']);
    modules.push({ name, path, folder: inside, gitDir, store: join(store, 'modules', name) });
  }
  return modules;
}

/** The names of submodules by their paths; git itself takes no name or path that leads out. */
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

/** Pointers to commits of other repositories that `commit` has and `base` has not. */
async function linksOf(repo: Repository, base: string, commit: string): Promise<{ path: string; commit: string }[]> {
  const fields = (await ownGit(repo.path, ['diff-tree', '-r', '-z', '--no-renames', base, commit], slow)).split('\0');
  const links: { path: string; commit: string }[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, mode = '', , id = ''] = (fields[at] ?? '').split(' ');
    if (mode === '160000') links.push({ path: fields[at + 1] ?? '', commit: id });
  }
  return links;
}

async function holds(gitDir: string, cwd: string, commit: string): Promise<boolean> {
  if (!(await exists(gitDir))) return false;
  return (await tryOwnGit(cwd, ['--git-dir', gitDir, 'cat-file', '-e', `${commit}^{commit}`])).exitCode === 0;
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
