/**
 * The parts of a branch with a stack of pull requests: where each one ends, and how one is updated after the part below it has changed or landed.
 * Commits are made anew as by `git rebase --onto`, without a worktree. No ref is moved, so a second run is harmless.
 */
import { ownGit } from './git.ts';
import { areAncestors, findCommit, isAncestor, mergeTrees, treeOf } from './objects.ts';
import { replay, sideOf } from './replay.ts';
import type { Repository } from './repository.ts';
import { withFilesOf } from './tree-file.ts';

/** A part, and the commits that its work ended with. */
interface Part {
  readonly name: string;
  readonly commits: readonly string[];
}

/**
 * For each part, the first commit of the branch that contains all of its work, by name and in branch order. A part that is not on the branch, or that
 * ends where the part below ends, is left out.
 */
export async function endsOf(
  repo: Repository,
  { base, head, parts }: { readonly base: string; readonly head: string; readonly parts: readonly Part[] },
): Promise<Map<string, string>> {
  const listed = await ownGit(repo.path, ['rev-list', '--parents', `${base}..${head}`]);
  const graph = new Map(
    listed.split('\n').flatMap((line) => {
      const [commit = '', ...parents] = line.split(' ');
      return commit === '' ? [] : [[commit, parents]];
    }),
  );
  const chain = firstParents(graph);
  const firstWith = firstsWith(graph, chain);
  const found: { name: string; at: number }[] = [];
  for (const { name, commits } of parts) {
    const low = Math.max(0, ...commits.map((commit) => firstWith.get(commit) ?? 0));
    const others = commits.filter((commit) => !firstWith.has(commit));
    const at = await firstFrom(repo, { chain, low, commits: others });
    if (at !== null && found.every((other) => other.at !== at)) found.push({ name, at });
  }
  found.sort((one, other) => one.at - other.at);
  return new Map(found.map(({ name, at }) => [name, chain[at] ?? head]));
}

/** The commits of a graph, each with its parents. The first is the head: git lists a commit before its ancestors. */
type Graph = ReadonlyMap<string, readonly string[]>;

/** The commits of the branch itself, the oldest first. */
function firstParents(graph: Graph): string[] {
  const chain: string[] = [];
  const [head] = graph.keys();
  for (let commit = head; commit !== undefined && graph.has(commit); [commit] = graph.get(commit) ?? [])
    chain.push(commit);
  return chain.reverse();
}

/** For each commit of the graph, the place in the chain of the first one that has it in its history. */
function firstsWith(graph: Graph, chain: readonly string[]): Map<string, number> {
  const firsts = new Map<string, number>();
  for (const [at, last] of chain.entries()) {
    const reached = [last];
    for (let commit = reached.pop(); commit !== undefined; commit = reached.pop()) {
      if (firsts.has(commit) || !graph.has(commit)) continue;
      firsts.set(commit, at);
      reached.push(...(graph.get(commit) ?? []));
    }
  }
  return firsts;
}

/** The place, from `low` on, of the first commit of the chain that has all of the others in its history, which are not in the graph; null: none has. */
async function firstFrom(
  repo: Repository,
  {
    chain,
    low,
    commits,
  }: { readonly chain: readonly string[]; readonly low: number; readonly commits: readonly string[] },
): Promise<number | null> {
  const isAt = async (at: number) => areAncestors(repo, commits, chain[at] ?? '');
  let [from, to] = [low, chain.length - 1];
  if (to < 0 || !(await isAt(to))) return null;
  if (await isAt(from)) return from;
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (await isAt(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

export type Restacked =
  | { readonly kind: 'stacked'; readonly head: string }
  /** `tree` has git's conflict marks in `files`. */
  | { readonly kind: 'conflict'; readonly files: readonly string[]; readonly tree: string; readonly cut: string };

interface Restack {
  /** The present head of the part. */
  readonly head: string;
  /** The new base of the part. */
  readonly onto: string;
  /** `onto` is the target branch of the stack: it contains the parts below, by a merge, or as other commits after a squash or a rebase. */
  readonly isLanded: boolean;
  /** The present and earlier heads of the parts below. Their commits do not belong to this part. */
  readonly below: readonly string[];
  /** The message of the single commit, if the part's commits cannot be made anew one by one. */
  readonly message: string;
}

/** Makes the part's own commits anew on top of `onto`. If the part is already there, returns it unchanged. Throws `git_failed`. */
export async function restack(repo: Repository, { head, onto, isLanded, below, message }: Restack): Promise<Restacked> {
  const known = await existing(repo, below);
  const cut = await nearest(repo, known, head);
  const isInPlace = isLanded ? cut === null || (await isAncestor(repo, cut, onto)) : await isAncestor(repo, onto, head);
  if (isInPlace) return { kind: 'stacked', head };
  const from = cut ?? (await ownGit(repo.path, ['merge-base', onto, head]));
  return withChange(repo, { onto, from, to: head, without: known, message });
}

interface Decided extends Pick<Restack, 'head' | 'onto' | 'below' | 'message'> {
  /** The part as `restack` made it. */
  readonly stacked: Restacked;
  /** A commit in which a person merged everything with the base of the new parts. */
  readonly decided: string;
  /** The part gets all files of this commit. */
  readonly isWhole: boolean;
}

/**
 * A new part on top of `onto`. Conflicting files are taken from the person's commit, and may contain changes of the parts above. Throws `git_failed`.
 */
export async function stackDecided(
  repo: Repository,
  { stacked, head, onto, below, message, decided, isWhole }: Decided,
): Promise<Restacked> {
  if (stacked.kind === 'stacked' && (!isWhole || stacked.head === head)) return stacked;
  const tree =
    isWhole || stacked.kind === 'stacked'
      ? await treeOf(repo, decided)
      : await withFilesOf(repo, stacked.tree, { paths: stacked.files, from: decided });
  if (tree === (await treeOf(repo, onto))) return { kind: 'stacked', head: onto };
  const without = await existing(repo, below);
  return { kind: 'stacked', head: await replay(repo, { head, onto, tree, message, without }) };
}

interface Change {
  readonly onto: string;
  readonly from: string;
  readonly to: string;
  /** Commits, besides `from`, whose history does not belong to the change. */
  readonly without?: readonly string[];
  readonly message: string;
}

/** `onto` plus the change between two commits; `onto` itself if it already contains the change. Throws `git_failed`. */
export async function withChange(
  repo: Repository,
  { onto, from, to, without = [], message }: Change,
): Promise<Restacked> {
  const before = await treeOf(repo, onto);
  const merged = await mergeTrees(repo, await sideOf(repo, { tree: before, parent: from }), to);
  if (merged.kind === 'conflict') return { ...merged, cut: from };
  if (merged.tree === before) return { kind: 'stacked', head: onto };
  const head = await replay(repo, { head: to, onto, tree: merged.tree, message, without: [from, ...without] });
  return { kind: 'stacked', head };
}

/** Commits of an earlier try may have been deleted. */
async function existing(repo: Repository, commits: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const commit of new Set(commits)) if ((await findCommit(repo, commit)) !== null) found.push(commit);
  return found;
}

/** The commit in the history of `head` that is nearest to it; null: none is in its history. */
async function nearest(repo: Repository, commits: readonly string[], head: string): Promise<string | null> {
  let best: string | null = null;
  for (const commit of commits) {
    if (commit === head || !(await isAncestor(repo, commit, head))) continue;
    if (best === null || (await isAncestor(repo, best, commit))) best = commit;
  }
  return best;
}
