/**
 * A repo with members: some of its folders contain the files of other repos' branches. The message of a commit on its base branch names the members'
 * commits, as `Stator-Member: <folder> <commit>`. A change in the repo is split into commits of the members, each with the member's own files only.
 */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { type CheckoutMerge, mergePrepared } from './checkout-merge.ts';
import { checkoutTimeoutMs, gitFailure, ownGit, tryOwnGit } from './git.ts';
import { commitTree, findCommit, isAncestor, pointee, treeOf } from './objects.ts';
import { branchRef, setRef } from './refs.ts';
import { authorVariables } from './replay.ts';
import type { Repository } from './repository.ts';

/** A member, and the commit of its branch that the repo contains or should contain. */
export interface MemberHead {
  /** Its folder at the root of the repo. */
  readonly folder: string;
  readonly repository: Repository;
  readonly branch: string;
  readonly commit: string;
}

const trailer = 'Stator-Member';
/** The most commits of the base branch that are read: a plan that began before the oldest one is sent to each member as one commit. */
const maxBehind = 10_000;
/** The most commits of a plan that are made anew one by one; a longer plan is sent to each member as one commit. */
const maxSplit = 500;

/** The last fetched commit of a member. The ref preserves the objects if the member's own branch is rewritten. */
const memberRef = (folder: string): string => `refs/stator/members/${folder}`;

/** The members' commits in a commit of the base branch, by folder; empty: the members were never copied there. */
export async function membersAt({ path }: Pick<Repository, 'path'>, commit: string): Promise<Map<string, string>> {
  const format = `--format=%(trailers:key=${trailer},valueonly)`;
  const args = ['log', '--first-parent', '--max-count=1', `--grep=^${trailer}: `, format, commit];
  const said = await ownGit(path, args);
  const found = said.split('\n').map((line) => /^([\w.-]+) ([0-9a-f]{40,64})$/.exec(line));
  return new Map(found.flatMap((each) => (each === null ? [] : [[each[1] ?? '', each[2] ?? '']])));
}

export type Composed =
  | { readonly kind: 'composed'; readonly commit: string }
  /** The branch has commits in the folders of these members that the members do not have. */
  | { readonly kind: 'own_work'; readonly folders: readonly string[] }
  | Exclude<CheckoutMerge, { kind: 'merged' }>
  | { readonly kind: 'moved' };

/**
 * Updates the members' folders in the branch `into` to those commits, as a new commit if anything has changed; the branch's checkout follows.
 * `merged`: a commit made for the present head, whose other files are added too. If a member's folder has work that the member lacks, nothing is
 * changed. Throws `bad_repo` for members that cannot be combined, and git's errors.
 */
export async function compose(
  repo: Repository,
  { into, heads, merged = null }: { into: string; heads: readonly MemberHead[]; merged?: string | null },
): Promise<Composed> {
  const head = await findCommit(repo, branchRef(into));
  if (head === null) return { kind: 'no_branch' };
  const before = await membersAt(repo, head);
  for (const each of heads) if (before.get(each.folder) !== each.commit) await bringObjects(repo, each);
  const source = merged ?? head;
  const trees = new Map<string, string>();
  const unknown: string[] = [];
  for (const { folder, commit } of heads) {
    const tree = await treeOf(repo, commit);
    const there = await folderTree(repo, source, folder);
    const known = before.get(folder);
    if (there !== null && there !== tree && (known === undefined || there !== (await treeOf(repo, known))))
      unknown.push(folder);
    trees.set(folder, tree);
  }
  if (unknown.length > 0) return { kind: 'own_work', folders: unknown };
  const isSame = heads.length === before.size && heads.every(({ folder, commit }) => before.get(folder) === commit);
  const tree = await treeWith(repo, source, trees);
  if (isSame && merged === null && tree === (await treeOf(repo, head))) return { kind: 'composed', commit: head };
  const made = await commitTree(repo, {
    tree,
    parents: merged === null ? [head] : [head, merged],
    message: messageOf(heads),
  });
  const moved = await mergePrepared(repo, { into, base: head, commit: made, tip: made });
  return moved.kind === 'merged' ? { kind: 'composed', commit: made } : moved;
}

function messageOf(heads: readonly MemberHead[]): string {
  const short = heads.map(({ folder, branch, commit }) => `${folder} (${branch} ${commit.slice(0, 12)})`);
  const trailers = heads.map(({ folder, commit }) => `${trailer}: ${folder} ${commit}`);
  return `Compose ${short.join(', ')}\n\n${trailers.join('\n')}`;
}

/** Copies the member's commit, and checks that its files may be in a subfolder. */
async function bringObjects(repo: Repository, { folder, repository, commit }: MemberHead): Promise<void> {
  await fetchCommit(repo, { from: repository, commit });
  await refuseUnfit(repo, { folder, commit, path: repository.path });
  await setRef(repo, memberRef(folder), commit);
}

/** Copies a commit and its history from another repository of this machine, without refs and settings. */
export async function fetchCommit(
  repo: Repository,
  { from, commit }: { from: Pick<Repository, 'path'>; commit: string },
): Promise<void> {
  if ((await pointee(repo, commit)) !== null) return;
  const flags = [
    '--quiet',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-fetch-head',
    '--upload-pack=git-upload-pack',
  ];
  const args = ['fetch', ...flags, '--', from.path, commit];
  const options = { protocols: ['file'], timeoutMs: checkoutTimeoutMs };
  const result = await tryOwnGit(repo.path, args, options);
  if (result.exitCode !== 0) throw gitFailure({ cwd: repo.path, args, result });
}

/** Refuses members with submodules or files in Git LFS: git finds their sources only at the root of a repository. */
async function refuseUnfit(
  repo: Repository,
  { folder, commit, path }: { folder: string; commit: string; path: string },
): Promise<void> {
  const hasModules = (await rootFile(repo, commit, '.gitmodules')) !== null;
  const what = hasModules
    ? 'submodules (.gitmodules)'
    : /\bfilter=lfs\b/.test((await rootFile(repo, commit, '.gitattributes')) ?? '')
      ? 'files in Git LFS (.gitattributes)'
      : null;
  if (what === null) return;
  throw new EngineError(
    'bad_repo',
    `${path} has ${what}, so it cannot be the folder ${folder} of another repo`,
    `take [members.${folder}] out of .stator/config.toml of ${repo.path}, and write a plan of its own for ${path}`,
  );
}

/** null: there is no such file. */
async function rootFile({ path }: Repository, commit: string, file: string): Promise<string | null> {
  const { exitCode, stdout } = await tryOwnGit(path, ['cat-file', 'blob', `${commit}:${file}`]);
  return exitCode === 0 ? stdout : null;
}

/** The tree of a folder at the root; null: there is no such folder. */
async function folderTree({ path }: Repository, commit: string, folder: string): Promise<string | null> {
  const listed = await ownGit(path, [
    'ls-tree',
    '-d',
    '--full-tree',
    '--format=%(objecttype) %(objectname)',
    commit,
    folder,
  ]);
  return /^tree ([0-9a-f]{40,64})$/.exec(listed)?.[1] ?? null;
}

/** The tree of `commit` with these folders at its root replaced or added. */
async function treeWith({ path }: Repository, commit: string, folders: ReadonlyMap<string, string>): Promise<string> {
  const listed = (await ownGit(path, ['ls-tree', '-z', '--full-tree', commit]))
    .split('\0')
    .filter((line) => line !== '');
  const kept = listed.filter((line) => !folders.has(line.slice(line.indexOf('\t') + 1)));
  const added = [...folders].map(([folder, tree]) => `040000 tree ${tree}\t${folder}`);
  return ownGit(path, ['mktree', '-z'], { input: [...kept, ...added].map((line) => `${line}\0`).join('') });
}

/** A member's commit with the plan's changes there. */
export interface MemberChange {
  readonly folder: string;
  readonly commit: string;
}

interface Split {
  /** The base commit for which `commit` was made, and its members. */
  readonly base: string;
  readonly members: ReadonlyMap<string, string>;
  readonly commit: string;
  /** Makes the same commits each time unless they are signed, by using the date of the author. */
  readonly isRepeatable?: boolean;
  /** These members get a commit even if nothing in them has changed. */
  readonly also?: ReadonlySet<string>;
}

/**
 * The members that `commit` changes, each with the new head of its branch: the plan's commits that touch its folder, made anew with their authors and
 * messages. It is one commit if the plan has too many, or if it contains another plan that was merged into the base. Throws `refused` if a member's
 * folder is gone.
 */
export async function splitOf(
  repo: Repository,
  { base, members, commit, isRepeatable = false, also = new Set() }: Split,
): Promise<MemberChange[]> {
  const changes: MemberChange[] = [];
  let history: History | null = null;
  for (const [folder, from] of members) {
    const tree = await folderTree(repo, commit, folder);
    if (tree === null) {
      throw new EngineError(
        'refused',
        `the plan deletes the folder ${folder}, which is a repo of its own`,
        `bring it back on the plan's branch: git restore --source=${shellWord(base)} -- ${shellWord(folder)}`,
      );
    }
    if (tree === (await treeOf(repo, from)) && !also.has(folder)) continue;
    history ??= await historyOf(repo, { base, commit, isRepeatable });
    const head = await oneByOne(repo, { history, commit, folder });
    const isWhole = head !== null && (await treeOf(repo, head)) === tree;
    const message = await ownGit(repo.path, ['show', '--no-patch', '--format=%B', '--encoding=UTF-8', commit]);
    changes.push({ folder, commit: isWhole ? head : await commitTree(repo, { tree, parents: [from], message }) });
  }
  return changes;
}

interface Listed {
  readonly id: string;
  readonly parents: readonly string[];
  readonly message: string;
  readonly author: Readonly<Record<string, string>>;
}

/** The plan's commits, the oldest first, and those of the base branch; `commits` null: too many. */
interface History {
  readonly commits: readonly Listed[] | null;
  readonly chain: ReadonlySet<string>;
}

async function historyOf(
  repo: Repository,
  { base, commit, isRepeatable }: { base: string; commit: string; isRepeatable: boolean },
): Promise<History> {
  const chain = await ownGit(repo.path, ['rev-list', '--first-parent', `--max-count=${maxBehind}`, base]);
  const listed = await commitsBetween(repo, base, commit);
  const dated = ({ author, ...rest }: Listed) => ({
    ...rest,
    author: { ...author, ...(isRepeatable && { GIT_COMMITTER_DATE: author.GIT_AUTHOR_DATE ?? '' }) },
  });
  return { commits: listed?.map(dated) ?? null, chain: new Set(chain.split('\n')) };
}

/** null: that is not possible. */
async function oneByOne(
  repo: Repository,
  { history: { commits, chain }, commit, folder }: { history: History; commit: string; folder: string },
): Promise<string | null> {
  if (commits === null) return null;
  const made = new Map<string, string>();
  const own = new Set(commits.map(({ id }) => id));
  for (const { id, parents, message, author } of commits) {
    const above = new Set<string>();
    for (const parent of parents) {
      const known =
        made.get(parent) ??
        (own.has(parent) || !chain.has(parent) ? null : (await membersAt(repo, parent)).get(folder));
      if (known == null) return null;
      above.add(known);
    }
    const kept = await withoutAncestors(repo, [...above]);
    const tree = await folderTree(repo, id, folder);
    const [first] = kept;
    if (first === undefined || tree === null) return null;
    const isUnchanged = kept.length === 1 && tree === (await treeOf(repo, first));
    made.set(id, isUnchanged ? first : await commitTree(repo, { tree, parents: kept, message, author }));
  }
  return made.get(commit) ?? null;
}

/** The oldest first; null: there are too many. */
async function commitsBetween({ path }: Repository, base: string, commit: string): Promise<Listed[] | null> {
  const format = '--format=%H%x00%P%x00%an%x00%ae%x00%ad%x00%B';
  const range = ['--topo-order', '--reverse', commit, `^${base}`];
  const counted = Number(await ownGit(path, ['rev-list', '--count', ...range]));
  if (counted > maxSplit) return null;
  const fields = (await ownGit(path, ['log', '-z', '--date=raw', '--encoding=UTF-8', format, ...range])).split('\0');
  return Array.from({ length: counted }, (_, at): Listed => {
    const [id = '', parents = '', name = '', email = '', date = '', message = ''] = fields.slice(at * 6, at * 6 + 6);
    const author = authorVariables(name, email, date);
    return { id, parents: parents.split(' ').filter((each) => each !== ''), message, author };
  });
}

async function withoutAncestors(repo: Repository, commits: readonly string[]): Promise<string[]> {
  const kept: string[] = [];
  for (const commit of commits) {
    const others = commits.filter((other) => other !== commit);
    const isBelow = await Promise.all(others.map((other) => isAncestor(repo, commit, other)));
    if (!isBelow.includes(true)) kept.push(commit);
  }
  return kept;
}
