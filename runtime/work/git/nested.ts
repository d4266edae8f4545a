/**
 * Separate git repositories inside a worktree: linked worktrees, clones and submodules that its agent made there. No commit of ours can hold them, and they
 * are deleted with the worktree. So their work is saved as refs of the repository, with uncommitted files. An agent wrote all of it, so git never runs on a
 * git folder there: refs are read from their files, objects are imported like foreign ones, and files are read with the worktree's git folder.
 */
import { createHash } from 'node:crypto';
import { copyFile, rmdir } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import { lstatOrNull } from '../../base/platform/quiet-look.ts';
import { removeTree } from '../../base/platform/remove-tree.ts';
import { takeObjects } from './foreign-objects.ts';
import { type ForeignHeads, foreignHead, foreignHeads, foreignRef } from './foreign-refs.ts';
import { checkoutTimeoutMs } from './git.ts';
import { entriesIn, isPlainFile, isPlainFolder, textOf } from './git-folder.ts';
import { targetOf } from './module-folder.ts';
import { noteMended } from './notes.ts';
import { commitTree, findCommit, isAncestor, treeOf } from './objects.ts';
import { attemptRef, readRef, setRef } from './refs.ts';
import type { Repository } from './repository.ts';
import { stageAll } from './stage-all.ts';
import { withTempIndex } from './temp-index.ts';
import { entryFolders } from './worktree-entry.ts';
import { isWithin } from './worktree-folder.ts';
import { inWorktree, isOwnFolder, type OpenWorktree } from './worktree-list.ts';

/** A repository that was found inside a worktree. */
export interface Nested {
  /** The path from the worktree's root. */
  readonly path: string;
  /** The branch of its HEAD; null: HEAD is detached or unreadable. */
  readonly branch: string | null;
  /** The ref that holds its HEAD with its uncommitted files on top. null: all of its work is also elsewhere, or it could not be saved. */
  readonly ref: string | null;
  /** Why it could not be saved: its folder then stays. null: nothing is lost with its folder. */
  readonly why: string | null;
}

/** Beyond this number, repositories are not read, and stay in place. */
const maxNested = 50;
const maxDepth = 5;
/** The most linked worktrees of a run's own git folder that are looked at: more than `maxNested`, so that the others keep their folder as well. */
const maxEntries = 1_000;
/** The limit for the files that are read, and for a clone's objects. A larger clone is no agent's own work, and its folder stays. */
const sizeLimitBytes = 256 * 1024 ** 2;
const branchLimit = 100;
const indexLimitBytes = 64 * 1024 ** 2;
const linkLimitBytes = 8_192;
const slow = { timeoutMs: checkoutTimeoutMs };

interface Keeping {
  /** A valid ref name; the saved refs lie beside the ref of that run. */
  readonly run: string;
  readonly message: string;
  /** The git folder in which the agent of that worktree committed inside walls; null: it had none, or it is gone. */
  readonly ownGitDir?: string | null;
}

/** The folders of its repository that are read. */
interface Place {
  readonly gitDir: string;
  /** The same folder, or for a linked worktree the folder with its refs and objects. */
  readonly commonDir: string;
}

/** The paths of linked worktrees inside a worktree, from the lists of the repository and of the run's own git folder. Reads a few files. */
export function linkedInside(
  repo: Pick<Repository, 'commonDir'>,
  worktree: OpenWorktree,
  ownGitDir: string | null = null,
): string[] {
  const found = new Set<string>();
  for (const entry of entriesOf(repo, ownGitDir)) {
    const folder = folderOfEntry(entry);
    if (folder !== null && folder !== worktree.path && isWithin(worktree.path, folder))
      found.add(relative(worktree.path, folder));
  }
  return [...found].sort();
}

/** Saves the work in each of these repositories. A second call returns the same. Throws only errors that are worth waiting for, such as a full disk. */
export async function keepNested(
  repo: Repository,
  worktree: OpenWorktree,
  { paths, ...keeping }: Keeping & { readonly paths: readonly string[] },
): Promise<Nested[]> {
  const kept: Nested[] = [];
  const waiting = [...new Set(paths)].map((path) => ({ path, depth: 1 }));
  const seen = new Set(paths);
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { path, depth } = next;
    const { inside, isNew, ...nested } =
      kept.length < maxNested && depth <= maxDepth
        ? await keepOne(repo, worktree, { ...keeping, path })
        : unkept(path, 'there are too many of them');
    if (isNew) noteMended(`in ${worktree.path}, ${nestedText(nested)}`);
    kept.push(nested);
    for (const below of inside) {
      const whole = join(path, below);
      if (!seen.has(whole)) waiting.push({ path: whole, depth: depth + 1 });
      seen.add(whole);
    }
  }
  return kept;
}

/**
 * Removes repositories whose work is saved, with their entries as linked worktrees, so that their branches are free again. Returns those that are not saved;
 * they stay.
 */
export async function clearNested(
  repo: Pick<Repository, 'commonDir'>,
  worktree: OpenWorktree,
  nested: readonly Nested[],
): Promise<string[]> {
  const left: string[] = [];
  for (const { path, why } of nested) {
    const isAbove = nested.some((other) => other.why !== null && isWithin(path, other.path));
    if (why !== null || isAbove) {
      left.push(path);
      continue;
    }
    await forgetInside(repo, join(worktree.path, path));
    if (isOwnFolder(join(worktree.path, path))) await removeTree(join(worktree.path, path));
  }
  return left;
}

/** Removes the entries of linked worktrees at `folder` or in it. */
export async function forgetInside(repo: Pick<Repository, 'commonDir'>, folder: string): Promise<void> {
  const gone = entryFolders(repo.commonDir).filter((entry) => {
    const place = folderOfEntry(entry);
    return place !== null && isWithin(folder, place);
  });
  for (const entry of gone) await removeTree(entry);
  // Like git, also removes an empty `worktrees` folder.
  if (gone.length > 0) await rmdir(join(repo.commonDir, 'worktrees')).catch(() => {});
}

function entriesOf(repo: Pick<Repository, 'commonDir'>, ownGitDir: string | null): string[] {
  const own = ownGitDir === null ? [] : entriesIn(join(ownGitDir, 'worktrees'), { most: maxEntries });
  return [...entryFolders(repo.commonDir), ...own.map((name) => join(ownGitDir ?? '', 'worktrees', name))];
}

/** The folder of an entry's linked worktree; null: the entry does not name it. */
function folderOfEntry(entry: string): string | null {
  const link = textOf(join(entry, 'gitdir'), linkLimitBytes)?.trimEnd();
  if (link === undefined || link === '') return null;
  const place = resolve(entry, link);
  return basename(place) === '.git' ? dirname(place) : null;
}

/** `isNew`: this call has saved something that was not saved before. */
type Kept = Nested & { readonly inside: readonly string[]; readonly isNew: boolean };

function unkept(path: string, why: string): Kept {
  return { path, branch: null, ref: null, why, isNew: false, inside: [] };
}

async function keepOne(
  repo: Repository,
  worktree: OpenWorktree,
  one: Keeping & { readonly path: string },
): Promise<Kept> {
  try {
    return await keep(repo, worktree, one);
  } catch (thrown) {
    if (environmentFault(thrown) !== null) throw thrown;
    return unkept(one.path, reasonOf(thrown));
  }
}

async function keep(
  repo: Repository,
  worktree: OpenWorktree,
  { path, run, message, ownGitDir = null }: Keeping & { readonly path: string },
): Promise<Kept> {
  const folder = join(worktree.path, path);
  const place = placeOf(repo, worktree, { folder, ownGitDir });
  const ref = attemptRef(`${run}-nested-${nameOf(path)}`);
  const before = await readRef(repo, ref);
  const { head: found, branch, heads } = place === null ? nothing : await readHeads(repo, place);
  const none = { path, branch, ref: null, why: null, isNew: false, inside: [] };
  // If the git folder is gone by now, the ref has its earlier HEAD.
  const head = found ?? (place === null ? before : null);
  const isTheirs = found !== null && heads.remote.has(found) && (await findCommit(repo, found)) === null;
  if (place !== null && isTheirs && (await isUntouched(worktree, folder, place))) {
    const others = await takeHeads(repo, place, { heads: heads.own, ref, ownGitDir });
    return { ...none, why: others.why, isNew: others.isNew };
  }
  const others =
    place === null
      ? { why: null, isNew: false }
      : await takeHeads(repo, place, { heads: [...(head === null ? [] : [head]), ...heads.own], ref, ownGitDir, head });
  if (others.why !== null) return { ...none, why: others.why, isNew: others.isNew };
  const { tree, inside } = await filesOf(worktree, folder, head);
  const commit = await commitFor(repo, { head, tree, before, message });
  if (commit === null) return { ...none, isNew: others.isNew, inside };
  await setRef(repo, ref, commit);
  return { path, branch, ref, why: null, isNew: others.isNew || commit !== before, inside };
}

const nothing = {
  head: null,
  branch: null,
  heads: { own: [], remote: new Set() } satisfies ForeignHeads,
} as const;

/** A valid part of a ref's name, different for each path. */
function nameOf(path: string): string {
  const name = basename(path)
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, 40);
  return `${name}-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`;
}

/**
 * The git folders of the repository in a folder: inside it, in the run's own git folder, or, for a linked worktree or a submodule, in the worktree's part of
 * the repository. null: there is none, or it is elsewhere, which an agent may have written to have foreign files read.
 */
function placeOf(
  repo: Repository,
  worktree: OpenWorktree,
  { folder, ownGitDir }: { folder: string; ownGitDir: string | null },
): Place | null {
  const link = join(folder, '.git');
  const gitDir = isPlainFolder(link) ? link : linkedGitDir(repo, worktree, { folder, ownGitDir });
  if (gitDir === null) return null;
  const isLinked = basename(dirname(gitDir)) === 'worktrees';
  return { gitDir, commonDir: isLinked ? dirname(dirname(gitDir)) : gitDir };
}

function linkedGitDir(
  repo: Repository,
  worktree: OpenWorktree,
  { folder, ownGitDir }: { folder: string; ownGitDir: string | null },
): string | null {
  const named = targetOf(textOf(join(folder, '.git'), linkLimitBytes) ?? '');
  const known = entriesOf(repo, ownGitDir).find((entry) => folderOfEntry(entry) === folder);
  if (named === null) return known ?? null;
  const target = resolve(folder, named);
  // Inside walls the run's own git folder has the path of the worktree's part of the repository.
  const isOfRun = ownGitDir !== null && isWithin(worktree.adminDir, target);
  const mapped = isOfRun ? join(ownGitDir, relative(worktree.adminDir, target)) : target;
  if (isOfRun && isPlainFolder(mapped)) return mapped;
  const isOwn = [worktree.path, worktree.adminDir].some((root) => isWithin(root, target) && target !== root);
  return isPlainFolder(target) && (isOwn || target === known) ? target : null;
}

interface FoundHeads {
  readonly head: string | null;
  readonly branch: string | null;
  /** The commits besides HEAD: of its branches, its stash and its remotes. None for a linked worktree, whose refs belong to its repository. */
  readonly heads: ForeignHeads;
}

async function readHeads(repo: Repository, { gitDir, commonDir }: Place): Promise<FoundHeads> {
  const { ref, commit } = foreignHead(gitDir);
  const branch = ref?.replace(/^refs\/heads\//, '') ?? null;
  if (gitDir !== commonDir) {
    const isOfRepo = commonDir === repo.commonDir;
    const at = ref === null ? commit : isOfRepo ? await readRef(repo, ref) : foreignRef(commonDir, ref);
    return { head: at, branch, heads: nothing.heads };
  }
  return { head: commit, branch, heads: foreignHeads(gitDir, branchLimit) };
}

/** Imports these commits into the repository, and makes refs for all of them except HEAD. */
async function takeHeads(
  repo: Repository,
  { commonDir }: Place,
  {
    heads,
    ref,
    ownGitDir,
    head = null,
  }: { heads: readonly string[]; ref: string; ownGitDir: string | null; head?: string | null },
): Promise<{ why: string | null; isNew: boolean }> {
  const missing: string[] = [];
  for (const commit of new Set(heads)) if ((await findCommit(repo, commit)) === null) missing.push(commit);
  if (missing.length > 0) {
    const tempPrefix = commonDir === ownGitDir ? `${ownGitDir}-taken-` : join(commonDir, 'stator-taken-');
    const known = [repo.head];
    const taken = await takeObjects({
      ...{ gitDir: commonDir, tempPrefix, into: repo.commonDir },
      ...{ heads: missing, known, maxBytes: sizeLimitBytes },
    });
    if (taken.kind === 'refused') return { why: taken.why, isNew: false };
    for (const commit of missing)
      if ((await findCommit(repo, commit)) !== commit) return { why: `it has no commit ${commit}`, isNew: false };
  }
  let isNew = false;
  for (const commit of new Set(heads)) {
    if (commit === head) continue;
    const own = `${ref}-${commit.slice(0, 12)}`;
    if ((await readRef(repo, own)) === commit) continue;
    await setRef(repo, own, commit);
    isNew = true;
  }
  return { why: null, isNew };
}

/** Whether its own index shows no change or addition since its checkout. */
async function isUntouched(worktree: OpenWorktree, folder: string, { gitDir }: Place): Promise<boolean> {
  const index = join(gitDir, 'index');
  if (!isPlainFile(index) || (lstatOrNull(index)?.size ?? 0) > indexLimitBytes) return false;
  return withTempIndex(worktree.adminDir, async (env) => {
    await copyFile(index, env.GIT_INDEX_FILE);
    const asked = ['ls-files', '--modified', '--deleted', '--others', '--exclude-standard', '-z'];
    const there = { path: folder, adminDir: worktree.adminDir };
    return (await inWorktree(there, asked, { ...slow, env })) === '';
  });
}

/** The tree of a folder's files, without ignored ones, and the repositories inside. If there is no folder: the tree of HEAD, or none. */
async function filesOf(
  worktree: OpenWorktree,
  folder: string,
  head: string | null,
): Promise<{ tree: string | null; inside: readonly string[] }> {
  if (!isOwnFolder(folder)) return { tree: null, inside: [] };
  return withTempIndex(worktree.adminDir, async (env) => {
    const there = { path: folder, adminDir: worktree.adminDir };
    const options = { ...slow, env };
    if (head !== null) await inWorktree(there, ['read-tree', head], options);
    const run = (args: readonly string[], input = {}) => inWorktree(there, args, { ...options, ...input });
    const { nested, populated } = await stageAll(folder, run, { limitBytes: sizeLimitBytes });
    return { tree: await run(['write-tree']), inside: [...nested, ...populated] };
  });
}

/** The commit with its content: HEAD, the one that was saved before, or a new one. null: it is empty. */
async function commitFor(
  repo: Repository,
  { head, tree, before, message }: { head: string | null; tree: string | null; before: string | null; message: string },
): Promise<string | null> {
  if (tree === null || (head !== null && tree === (await treeOf(repo, head)))) return head;
  const isKept =
    before !== null &&
    (await treeOf(repo, before)) === tree &&
    (head === null || head === before || (await isAncestor(repo, head, before)));
  if (isKept) return before;
  if (head === null && isEmptyTree(tree)) return null;
  const parents = head === null ? [] : [head];
  return commitTree(repo, { tree, parents, message, isKept: true });
}

function isEmptyTree(tree: string): boolean {
  const hash = tree.length === 64 ? 'sha256' : 'sha1';
  return createHash(hash).update('tree 0\0').digest('hex') === tree;
}

/** A sentence for people: where it was, and where its work is now. */
export function nestedText({ path, branch, ref, why }: Nested): string {
  const name = branch === null ? path : `${path} (${branch})`;
  if (why !== null) return `${name} stays where it is, and could not be saved: ${why}`;
  return ref === null ? `${name} has nothing that is not elsewhere` : `${name} is kept as ${ref}`;
}
