/** Finds, compares and makes commits and trees. Nothing here moves a ref or changes a working tree, so all of it may run again. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { SignMode } from '../../base/config/config.ts';
import { askOwnGit, gitFailure, ownGit, tryOwnGit } from './git.ts';
import { commitLines, identity } from './identity.ts';
import { isObjectId, type ObjectMemo } from './object-memo.ts';
import type { OpenPlace } from './open-gits.ts';
import { signedTree } from './signing.ts';

interface Place extends OpenPlace {
  readonly memo?: ObjectMemo;
  /** Whether commits are signed; default: not. */
  readonly sign?: SignMode;
}

interface NewCommit {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** true: the commit is only saved under refs/stator, not on a branch. */
  readonly isKept?: boolean;
  /** If variables are given, the commit is repeatable, and is never signed. */
  readonly env?: Readonly<Record<string, string>>;
  /** git's variables for the original author of a commit that is made anew; undefined: the user is the author. */
  readonly author?: Readonly<Record<string, string>>;
}

/** The remembered answer if every name is an object's id, otherwise the answer of `look`. */
async function remembered<T extends string | boolean>(
  { memo }: Place,
  question: readonly [what: string, ...ids: string[]],
  look: () => Promise<T | null>,
): Promise<T | null> {
  const [, ...ids] = question;
  return memo === undefined || !ids.every(isObjectId) ? look() : memo.get(question.join(' '), look);
}

/** The commit that a branch, remote branch, tag or commit id names, in this order (git alone would prefer a tag to a branch); null: none. */
export function findCommit(repo: Place, name: string): Promise<string | null> {
  return remembered(repo, ['commit', name], () => lookForCommit(repo, name));
}

async function lookForCommit(repo: Place, name: string): Promise<string | null> {
  const isExact = name === 'HEAD' || name.startsWith('refs/') || isObjectId(name);
  const candidates = isExact ? [name] : [`refs/heads/${name}`, `refs/remotes/${name}`, name];
  for (const candidate of candidates) {
    if (candidate === '' || candidate.startsWith('-')) continue;
    const commit = await pointee(repo, candidate);
    if (commit !== null) return commit;
  }
  return null;
}

/** The commit that git finds under exactly this name; null: none. */
export async function pointee({ path, gits }: Place, name: string): Promise<string | null> {
  const found = await gits?.lookUp(path, `${name}^{commit}`);
  return found === undefined ? askOwnGit(path, ['rev-parse', '-q', '--verify', `${name}^{commit}`]) : found;
}

/** The first or second parent of a commit. Throws if it has no such parent. */
export function parentOf({ path }: Pick<Place, 'path'>, commit: string, number: 1 | 2): Promise<string> {
  return ownGit(path, ['rev-parse', '--verify', `${commit}^${number}`]);
}

/** `findCommit` for a commit that must exist. Throws `git_failed`. */
export async function commitOf(repo: Place, name: string): Promise<string> {
  const commit = await findCommit(repo, name);
  if (commit !== null) return commit;
  throw new EngineError(
    'git_failed',
    `${repo.path} has no branch, tag or commit ${name}`,
    `see what there is: git -C ${repo.path} branch --all`,
  );
}

export async function treeOf(repo: Place, commit: string): Promise<string> {
  const name = `${commit}^{tree}`;
  const look = async () =>
    (await repo.gits?.lookUp(repo.path, name)) ?? ownGit(repo.path, ['rev-parse', '--verify', name]);
  return (await remembered(repo, ['tree', commit], look)) ?? '';
}

/** Whether `ancestor` is `descendant` or lies in its history. */
export async function isAncestor(repo: Place, ancestor: string, descendant: string): Promise<boolean> {
  if (ancestor === descendant && isObjectId(ancestor)) return true;
  if (isObjectId(ancestor) && isKnownAncestor(repo, ancestor, descendant)) return true;
  const look = () => lookForAncestor(repo, ancestor, descendant);
  return (await remembered(repo, ['ancestor', ancestor, descendant], look)) ?? false;
}

/** `isAncestor` for several commits with one call; also false if one of them is no commit of this repository. */
export async function areAncestors(repo: Place, ancestors: readonly string[], descendant: string): Promise<boolean> {
  const asked = [...new Set(ancestors)].filter(
    (commit) => commit !== descendant && !isKnownAncestor(repo, commit, descendant),
  );
  if (asked.length === 0) return true;
  const args = ['rev-list', '--max-count=1', '--stdin'];
  const result = await tryOwnGit(repo.path, args, { input: `${[...asked, `^${descendant}`].join('\n')}\n` });
  return result.exitCode === 0 && result.stdout === '';
}

/** The number of commits of `commit`, without merges, that have no commit with the same change (git's patch id) in `head`. */
export async function commitsNotIn(repo: Place, commit: string, head: string): Promise<number> {
  const listed = await ownGit(repo.path, ['cherry', head, commit]);
  return listed.split('\n').filter((line) => line.startsWith('+ ')).length;
}

async function lookForAncestor(repo: Place, ancestor: string, descendant: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', ancestor, descendant];
  const result = await tryOwnGit(repo.path, args);
  if (result.exitCode === 0 || result.exitCode === 1) return result.exitCode === 0;
  throw gitFailure({ cwd: repo.path, args, result });
}

/** Makes a commit object with the user's identity; nothing points to it yet. Throws `bad_config` if no identity is set, `unsigned`. */
export async function commitTree(repo: Place, commit: NewCommit): Promise<string> {
  const words = [commit.tree, ...commit.parents.flatMap((parent) => ['-p', parent])];
  const { message, isKept = false, author = {} } = commit;
  const signed = commit.env === undefined ? await signedTree(repo, { args: words, message, isKept, author }) : null;
  const made = signed ?? (await writeCommit(repo, commit));
  if (made !== undefined) {
    noteMade(repo, made, commit);
    return made;
  }
  const args = ['commit-tree', ...words, '-F', '-'];
  const result = await tryOwnGit(repo.path, args, {
    input: `${commit.message.trimEnd()}\n`,
    env: commit.env ?? author,
  });
  if (result.exitCode === 0) {
    noteMade(repo, result.stdout, commit);
    return result.stdout;
  }
  await identity(repo);
  throw gitFailure({ cwd: repo.path, args, result });
}

/** Makes a commit with the open git; undefined: there is none, or a separate git must do it. */
async function writeCommit(
  { path, gits }: Place,
  { tree, parents, message, env, author }: NewCommit,
): Promise<string | undefined> {
  if (gits === undefined || env !== undefined || author !== undefined || message.includes('\0')) return undefined;
  const lines = await commitLines({ path });
  if (lines === null) return undefined;
  const above = [`tree ${tree}`, ...[...new Set(parents)].map((parent) => `parent ${parent}`), lines];
  return gits.writeCommit(path, `${above.join('\n')}\n\n${message.trimEnd()}\n`);
}

/** The tree and the parents of a commit that we made are remembered without git. */
function noteMade(
  { memo }: Place,
  made: string,
  { tree, parents }: { tree: string; parents: readonly string[] },
): void {
  memo?.set(`tree ${made}`, tree);
  memo?.set(`parents ${made}`, parents.join(' '));
}

/** Whether remembered commits lead from one commit to the other; false means not known. */
function isKnownAncestor({ memo }: Place, ancestor: string, descendant: string): boolean {
  const seen = new Set([descendant]);
  for (const commit of seen) {
    if (commit === ancestor) return true;
    for (const parent of memo?.known(`parents ${commit}`)?.split(' ') ?? []) seen.add(parent);
  }
  return false;
}

/** After a conflict, `tree` has the files with git's conflict marks. */
export type MergedTree = { kind: 'tree'; tree: string } | { kind: 'conflict'; tree: string; files: string[] };

/**
 * Merges two commits without a working tree. Where our own commits show that one of the two lies in the history of the other, git is not asked: the merge has
 * the tree of the later one. Throws `conflict` for commits without a common history, unless `allowsUnrelated` is set, as for a comparison.
 */
export async function mergeTrees(
  repo: Place,
  ours: string,
  theirs: string,
  { allowsUnrelated = false }: { readonly allowsUnrelated?: boolean } = {},
): Promise<MergedTree> {
  const later = isKnownAncestor(repo, ours, theirs) ? theirs : isKnownAncestor(repo, theirs, ours) ? ours : null;
  if (later !== null && isObjectId(ours) && isObjectId(theirs))
    return { kind: 'tree', tree: await treeOf(repo, later) };
  const unrelated = allowsUnrelated ? ['--allow-unrelated-histories'] : [];
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ...unrelated, ours, theirs];
  const result = await tryOwnGit(repo.path, args);
  const [tree = '', ...files] = result.stdout.split('\0').filter((field) => field !== '');
  if (result.exitCode === 0) return { kind: 'tree', tree: tree.trim() };
  if (result.exitCode === 1 && files.length > 0)
    return { kind: 'conflict', tree: tree.trim(), files: [...new Set(files)] };
  if (result.stderr.includes('refusing to merge unrelated histories'))
    throw unrelatedHistories(repo.path, ours, theirs);
  throw gitFailure({ cwd: repo.path, args, result });
}

function unrelatedHistories(path: string, ours: string, theirs: string): EngineError {
  const [one, other] = [ours.slice(0, 12), theirs.slice(0, 12)];
  return new EngineError(
    'conflict',
    `${one} and ${other} have no commit in common, since the history of one was begun anew, so git does not merge them`,
    `see both: git -C ${shellWord(path)} log --oneline --graph ${one} ${other}; to join them by hand, check out the branch of ${other}, then: git merge --allow-unrelated-histories ${one}`,
  );
}
