/**
 * Detects moves of a person's refs, which stator must not move: HEAD of their checkout, branches without our mark, tags, and the stash. They are read from
 * git's files before and after a run, so that every move is noticed.
 */
import { join } from 'node:path';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { textOf } from './git-folder.ts';
import { findCommit, isAncestor } from './objects.ts';
import { refsBelow } from './ref-files.ts';
import type { OwnMoves } from './ref-moves.ts';
import { attemptRef, setRef } from './refs.ts';
import type { Repository } from './repository.ts';

/** The person's refs at one moment. */
export interface PersonsRefs {
  /** The content of git's file: `ref: refs/heads/main`, or a commit. null: unreadable. */
  readonly head: string | null;
  /** Branches and tags by their full names, with their targets. */
  readonly refs: Readonly<Record<string, string>>;
  /** stator's own branches among them. */
  readonly owned: readonly string[];
  /** The commits of the stash, the oldest first. */
  readonly stash: readonly string[];
}

/** `from` null: it was made. `to` null: it is gone. For HEAD both are branches or commits; for the stash one of them is null. */
export interface RefMove {
  readonly ref: string;
  readonly from: string | null;
  readonly to: string | null;
  /**
   * Whether HEAD named a branch without a commit. `before`: this move ended that, so no command undoes it. `after`: HEAD alone was changed, while `git switch`
   * may refuse because of the index or of files.
   */
  readonly unborn?: 'before' | 'after';
}

/** A repository with more refs is not checked: each check reads all of them. */
const refLimit = 20_000;
const stashLimitBytes = 4 * 1024 * 1024;
const marks = 'refs/stator/owned';

/** Starts no process, unless the repository stores its refs in tables. null: there are too many refs. */
export async function lookAtRefs(repo: Pick<Repository, 'path' | 'commonDir'>): Promise<PersonsRefs | null> {
  const { commonDir } = repo;
  const ownedOf = async () =>
    [...(await refsBelow(repo, [marks])).keys()].map((name) => `refs/heads/${name.slice(marks.length + 1)}`);
  const head = textOf(join(commonDir, 'HEAD'))?.trim() ?? null;
  // Our branches come and go between two readings: the mark exists before the branch and after it.
  const before = await ownedOf();
  const refs = await refsBelow(repo, ['refs/heads', 'refs/tags']);
  if (refs.size > refLimit) return null;
  const owned = [...new Set([...before, ...(await ownedOf())])];
  return { head, refs: Object.fromEntries(refs), owned, stash: stashIn(commonDir) };
}

/** The commits of the stash, from its log, which has a line for each entry. */
function stashIn(commonDir: string): string[] {
  const log = textOf(join(commonDir, 'logs', 'refs', 'stash'), stashLimitBytes) ?? '';
  return log.split('\n').flatMap((line) => {
    const id = /^\S+ ([0-9a-f]{40}|[0-9a-f]{64}) /.exec(line)?.[1];
    return id === undefined ? [] : [id];
  });
}

/**
 * The differences between two readings, without stator's own moves in between, such as the merge of a plan into a person's branch. The commands that undo
 * them can be run in this order: deleted refs are made again before HEAD returns to one of them, and HEAD leaves a new branch before that is deleted.
 */
export function movesBetween(before: PersonsRefs, after: PersonsRefs, own: OwnMoves): RefMove[] {
  const owned = new Set([...before.owned, ...after.owned]);
  const names = new Set([...Object.keys(before.refs), ...Object.keys(after.refs)]);
  const unbornBefore = unbornIn(before);
  const unborn = unbornBefore !== null ? 'before' : unbornIn(after) !== null ? 'after' : null;
  const head: RefMove[] =
    before.head === after.head
      ? []
      : [{ ref: 'HEAD', from: before.head, to: after.head, ...(unborn === null ? {} : { unborn }) }];
  const [gone, others]: [RefMove[], RefMove[]] = [[], []];
  for (const ref of [...names].sort()) {
    const from = before.refs[ref] ?? null;
    const to = own.before(ref, { from, to: after.refs[ref] ?? null });
    const ended = ref === unbornBefore ? { unborn: 'before' as const } : {};
    if (!owned.has(ref) && from !== to) (to === null ? gone : others).push({ ref, from, to, ...ended });
  }
  for (const from of before.stash) if (!after.stash.includes(from)) others.push({ ref: 'refs/stash', from, to: null });
  for (const to of after.stash) if (!before.stash.includes(to)) others.push({ ref: 'refs/stash', from: null, to });
  return [...gone, ...head, ...others];
}

/** The full name of HEAD's branch if that branch has no commit. */
function unbornIn({ head, refs, owned }: PersonsRefs): string | null {
  const branch = branchOf(head);
  const ref = `refs/heads/${branch}`;
  return branch === null || refs[ref] !== undefined || owned.includes(ref) ? null : ref;
}

/** Saves commits that no ref may reach any more, so that they can be restored: a dropped stash, a deleted branch, a branch that was set back. */
export async function keepMoved(repo: Repository, run: string, moves: readonly RefMove[]): Promise<void> {
  for (const { ref, from, to } of moves) {
    if (ref === 'HEAD' || from === null) continue;
    const commit = await findCommit(repo, from);
    if (commit === null) continue;
    const now = to === null ? null : await findCommit(repo, to);
    if (now !== null && (await isAncestor(repo, commit, now))) continue;
    await setRef(repo, attemptRef(`${run}-moved-${commit.slice(0, 12)}`), commit);
  }
}

/** One move as a sentence, with the command that undoes it, if that leaves HEAD on a commit. */
export function moveText({ path }: Pick<Repository, 'path'>, { ref, from, to, unborn }: RefMove): string {
  const git = `git -C ${shellWord(path)}`;
  const name = shellWord(ref);
  if (ref === 'HEAD') {
    const branch = branchOf(from);
    if (unborn === 'before') return `HEAD: ${headText(from)}, a branch without a commit -> ${headText(to)}`;
    const commands =
      branch === null
        ? { switched: `switch --detach ${from}`, headAlone: `update-ref --no-deref HEAD ${from}` }
        : {
            switched: `switch ${shellWord(branch)}`,
            headAlone: `symbolic-ref HEAD ${shellWord(`refs/heads/${branch}`)}`,
          };
    const back = unborn === 'after' ? commands.headAlone : commands.switched;
    return `HEAD: ${headText(from)} -> ${headText(to)}; back: ${git} ${back}`;
  }
  if (ref === 'refs/stash')
    return from === null
      ? `${ref}: ${to} is new; look: ${git} stash list`
      : `${ref}: ${from} is gone; back: ${git} stash store -m ${shellWord('as it was')} ${from}`;
  if (from === null && unborn === 'before') return `${ref}: made at ${to}; HEAD named it before it had a commit`;
  if (from === null) return `${ref}: made at ${to}; back: ${git} update-ref -d ${name} ${to}`;
  if (to === null) return `${ref}: deleted at ${from}; back: ${git} update-ref ${name} ${from}`;
  return `${ref}: ${from} -> ${to}; back: ${git} update-ref ${name} ${from} ${to}`;
}

function branchOf(head: string | null): string | null {
  return /^ref: refs\/heads\/(.+)$/.exec(head ?? '')?.[1] ?? null;
}

function headText(head: string | null): string {
  return branchOf(head) ?? head ?? 'unreadable';
}
