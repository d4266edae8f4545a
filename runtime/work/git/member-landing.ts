/**
 * Moves the branches of several repositories to commits that belong together: all of them, or none. The planned moves are stored as refs before the
 * first branch moves. After a kill, the next access to the repo finishes them if every branch can still move, and otherwise undoes them.
 */

import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Faults } from '../../base/platform/faults.ts';
import { type CheckoutMerge, mergeObstacle, mergePrepared } from './checkout-merge.ts';
import { checkoutTimeoutMs, ownGit, tryOwnGit } from './git.ts';
import { createRepositoryLocks } from './locks.ts';
import { type Composed, compose, fetchCommit, type MemberHead, membersAt, splitOf } from './members.ts';
import { findCommit, isAncestor } from './objects.ts';
import { branchRef, dropRefs, listRefs, moveRef, moveRefs } from './refs.ts';
import type { Repository } from './repository.ts';
import { worktreesAt } from './worktree-list.ts';

/** A member, and the branch on which plans land. */
export interface Member {
  readonly folder: string;
  readonly repository: Repository;
  readonly branch: string;
}

/** The planned move of a member's branch. */
interface Move {
  readonly member: Member;
  readonly from: string;
  readonly to: string;
}

/**
 * The state of a branch. `before`: it can move. `landed`: it has moved, and the move can be undone. `built_on`: it has moved, and has further
 * commits. `elsewhere`: it has commits that the change was not made for.
 */
export type Place = 'before' | 'landed' | 'built_on' | 'elsewhere';

/** `land` and `take_back` name a move by its number. */
export type Step =
  | { readonly do: 'land' | 'take_back'; readonly move: number }
  /** All branches have moved. */
  | { readonly do: 'end' }
  /** No branch has moved, or all moves are undone. */
  | { readonly do: 'give_up' }
  /** Some moves can neither be completed nor undone. */
  | { readonly do: 'report' };

/** The next step from the states of the branches, in landing order. `isHindered`: a branch could not be moved. */
export function nextStep(places: readonly Place[], isHindered = false): Step {
  const isOver = isHindered || places.includes('elsewhere');
  if (!isOver) {
    const move = places.indexOf('before');
    return move < 0 ? { do: 'end' } : { do: 'land', move };
  }
  if (places.includes('built_on')) return { do: 'report' };
  const move = places.lastIndexOf('landed');
  return move < 0 ? { do: 'give_up' } : { do: 'take_back', move };
}

export type MembersLanded =
  | { readonly kind: 'merged'; readonly head: string; readonly tip: string }
  | { readonly kind: 'moved' }
  /** A branch could not be moved, and none has moved. */
  | {
      readonly kind: 'hindered';
      readonly member: Member;
      readonly obstacle: Exclude<CheckoutMerge, { kind: 'merged' }>;
    }
  /** Some branches have landed, and the rest cannot. `said`: which ones, and how to undo each. */
  | { readonly kind: 'half'; readonly said: string }
  | Exclude<Composed, { kind: 'composed' }>;

const root = 'refs/stator/landing';
/** One change of the members at a time, so that no composition is read halfway. */
const queues = createRepositoryLocks();

/** Copies the members' present commits to the branch `into`. An interrupted landing is finished first. */
export function composeMembers(
  repo: Repository,
  { into, heads }: { into: string; heads: () => Promise<readonly MemberHead[]> },
): Promise<Composed | Extract<MembersLanded, { kind: 'half' }>> {
  return queues(repo.commonDir)(async () => {
    let members = await heads();
    for (const commit of await interrupted(repo)) {
      const ended = await carryOut(repo, { commit, into, members });
      if (ended.kind === 'half') return ended;
      members = await heads();
    }
    return compose(repo, { into, heads: members });
  });
}

/**
 * Lands `commit`, a merge that was made for `base` of the branch `into`. Each member that it changes gets its part, in the order of `members`, and
 * then `into` moves. `moved`: a branch has moved meanwhile, and nothing was changed.
 */
export function landMembers(
  repo: Repository,
  wanted: Landing & { readonly base: string; readonly tip: string },
): Promise<MembersLanded> {
  const { into, base, commit, tip, members } = wanted;
  return queues(repo.commonDir)(async () => {
    const head = await findCommit(repo, branchRef(into));
    if (head === null) return { kind: 'no_branch' };
    if (await isAncestor(repo, commit, head)) return { kind: 'merged', head, tip };
    if ((await interrupted(repo)).includes(commit)) return landedAs(await carryOut(repo, wanted), tip);
    if (head !== base || (await findCommit(repo, commit)) === null) return { kind: 'moved' };
    const known = await membersAt(repo, base);
    const changes = await splitOf(repo, { base, members: known, commit });
    const moves: Move[] = [];
    for (const member of members) {
      const change = changes.find(({ folder }) => folder === member.folder);
      if (change === undefined) continue;
      const from = await findCommit(member.repository, branchRef(member.branch));
      // A commit that the repo does not have was never copied into it.
      const isKnown = from !== null && (await findCommit(repo, from)) !== null;
      if (!isKnown || !(await isAncestor(repo, from, known.get(member.folder) ?? from))) return { kind: 'moved' };
      await fetchCommit(member.repository, { from: repo, commit: change.commit });
      const obstacle = await mergeObstacle(member.repository, {
        into: member.branch,
        base: from,
        commit: change.commit,
      });
      if (obstacle !== null) return { kind: 'hindered', member, obstacle };
      moves.push({ member, from, to: change.commit });
    }
    const own = await mergeObstacle(repo, { into, base, commit });
    if (own !== null) return own;
    await note(repo, commit, base, moves);
    wanted.faults?.('members.after-note');
    return landedAs(await carryOut(repo, wanted), tip);
  });
}

function landedAs(ended: Ended, planHead: string): MembersLanded {
  return ended.kind === 'composed' ? { kind: 'merged', head: ended.commit, tip: planHead } : ended;
}

/** Stores the planned moves before the first branch moves. */
async function note(repo: Repository, commit: string, base: string, moves: readonly Move[]): Promise<void> {
  const at = `${root}/${commit}`;
  const refs = moves.flatMap(({ member: { folder }, from, to }, nth) => [
    { ref: `${at}/${nth}/${folder}/from`, from: null, to: from },
    { ref: `${at}/${nth}/${folder}/to`, from: null, to },
  ]);
  for (const { from, member } of moves) await fetchCommit(repo, { from: member.repository, commit: from });
  // These refs are left from an interrupted `note`.
  await dropRefs(repo, await listRefs(repo, [`${at}/`]));
  const refused = await moveRefs(repo, [...refs, { ref: `${at}/base`, from: null, to: base }]);
  if (refused !== null) throw new Error(`${repo.path}: the landing of ${commit} cannot be noted: ${refused.stderr}`);
}

/** The commits whose landing was interrupted. */
async function interrupted(repo: Repository): Promise<string[]> {
  const names = (await listRefs(repo, [`${root}/`])).map(({ name }) => name.slice(root.length + 1));
  return names.flatMap((name) => /^([0-9a-f]{40,64})\/base$/.exec(name)?.[1] ?? []);
}

type Ended = Composed | Extract<MembersLanded, { kind: 'moved' | 'hindered' | 'half' }>;

interface Landing {
  readonly commit: string;
  readonly into: string;
  readonly members: readonly Member[];
  readonly faults?: Faults | undefined;
}

async function carryOut(repo: Repository, { commit, into, members, faults }: Landing): Promise<Ended> {
  const at = `${root}/${commit}`;
  const refs = await listRefs(repo, [`${at}/`]);
  const found = new Map(refs.map(({ name, commit: target }) => [name.slice(at.length + 1), target]));
  // The stored order is that of the plan, which is not known after a kill.
  const moves = [...members.keys()].flatMap((nth) =>
    members.flatMap((member): Move[] => {
      const [from, to] = ['from', 'to'].map((end) => found.get(`${nth}/${member.folder}/${end}`));
      return from === undefined || to === undefined ? [] : [{ member, from, to }];
    }),
  );
  let failed: Extract<MembersLanded, { kind: 'hindered' | 'moved' }> | null = null;
  for (;;) {
    const places = await Promise.all(moves.map(placeOf));
    const step = nextStep(places, failed !== null);
    switch (step.do) {
      case 'land': {
        const { member, from, to } = moveAt(moves, step.move);
        const landed = await mergePrepared(member.repository, { into: member.branch, base: from, commit: to, tip: to });
        faults?.('members.after-move');
        if (landed.kind === 'moved') failed = landed;
        else if (landed.kind !== 'merged') failed = { kind: 'hindered', member, obstacle: landed };
        break;
      }
      case 'take_back':
        if (!(await takeBack(moveAt(moves, step.move)))) return giveUp(repo, refs, await half(moves, places));
        break;
      case 'report':
        return giveUp(repo, refs, await half(moves, places));
      case 'give_up':
        return giveUp(repo, refs, failed ?? { kind: 'moved' });
      case 'end': {
        const base = found.get('base') ?? null;
        faults?.('members.after-moves');
        const heads = await headsAfter(repo, { base: base ?? commit, members, moves });
        // If the base branch has moved, the repo's own files are merged at the next try.
        const isAtBase = (await findCommit(repo, branchRef(into))) === base;
        const composed = await compose(repo, { into, heads, merged: isAtBase ? commit : null });
        return giveUp(repo, refs, isAtBase || composed.kind !== 'composed' ? composed : { kind: 'moved' });
      }
      default:
        return step satisfies never;
    }
  }
}

function moveAt(moves: readonly Move[], number: number): Move {
  const move = moves[number];
  if (move === undefined) throw new Error(`there is no move ${number} of ${moves.length}`);
  return move;
}

/** The heads of all members. A member that has not moved is still at the base's commit. */
async function headsAfter(
  repo: Repository,
  { base, members, moves }: { base: string; members: readonly Member[]; moves: readonly Move[] },
): Promise<MemberHead[]> {
  const known = await membersAt(repo, base);
  return members.flatMap((member): MemberHead[] => {
    const commit = moves.find((move) => move.member.folder === member.folder)?.to ?? known.get(member.folder);
    return commit === undefined ? [] : [{ ...member, commit }];
  });
}

async function placeOf({ member: { repository, branch }, from, to }: Move): Promise<Place> {
  const head = await findCommit(repository, branchRef(branch));
  if (head === from) return 'before';
  if (head === to) return 'landed';
  return head !== null && (await isAncestor(repository, to, head)) ? 'built_on' : 'elsewhere';
}

/** false: the branch has moved, or its checkout has changes that this would overwrite. */
async function takeBack({ member: { repository, branch }, from, to }: Move): Promise<boolean> {
  const checkout = (await worktreesAt(repository, branch))[0]?.path;
  const move = { ref: branchRef(branch), from: to, to: from };
  const forget = repository.moves.own.note(move);
  // git preserves changes of other files, and refuses if the same files have changed.
  const keeping = ['reset', '-q', '--keep', from];
  const isBack =
    checkout === undefined
      ? await moveRef(repository, move.ref, move)
      : (await tryOwnGit(checkout, keeping, { timeoutMs: checkoutTimeoutMs })).exitCode === 0;
  if (!isBack) forget();
  return isBack;
}

async function giveUp<E extends Ended>(repo: Repository, refs: Parameters<typeof dropRefs>[1], ended: E): Promise<E> {
  // The base ref is deleted first: while it exists, the others do.
  const isBase = ({ name }: { readonly name: string }) => name.endsWith('/base');
  await dropRefs(
    repo,
    refs.toSorted((a, b) => Number(isBase(b)) - Number(isBase(a))),
  );
  return ended;
}

async function half(
  moves: readonly Move[],
  places: readonly Place[],
): Promise<Extract<MembersLanded, { kind: 'half' }>> {
  const lines: string[] = [];
  for (const [at, { member, from, to }] of moves.entries()) {
    const { path } = member.repository;
    const name = `${member.branch} of ${path}`;
    const has = places[at] === 'landed' || places[at] === 'built_on';
    lines.push(has ? `${name} has it; take it back: ${await revertOf(path, from, to)}` : `${name} does not have it`);
  }
  return { kind: 'half', said: lines.join('\n') };
}

/** The command that undoes the move of a branch. A merge is reverted as one commit. */
export async function revertOf(path: string, from: string, to: string): Promise<string> {
  const [first, second] = (await ownGit(path, ['show', '--no-patch', '--format=%P', to])).split(' ');
  const what =
    first === from && second !== undefined ? `-m 1 ${to.slice(0, 12)}` : `${from.slice(0, 12)}..${to.slice(0, 12)}`;
  return `git -C ${shellWord(path)} revert --no-edit ${what}`;
}
