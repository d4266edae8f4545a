/**
 * Merges a plan into the branch that people work on. The merge commit is built without a worktree; then the branch is fast-forwarded to it, with its
 * checkout, if there is one. An obstacle is reported with its files, and then nothing was changed.
 */
import { join } from 'node:path';
import { movedMeanwhile } from './branch.ts';
import { checkoutTimeoutMs, ownGit, tryOwnGit } from './git.ts';
import { entriesIn, textOf } from './git-folder.ts';
import { type CheckoutStep, differencesOf, markMerge, takeUp, unmarkMerge, wasKilled } from './half-merge.ts';
import { buildMerge } from './merge.ts';
import { commitOf, findCommit, isAncestor, treeOf } from './objects.ts';
import { branchRef, moveRef } from './refs.ts';
import type { Repository } from './repository.ts';
import { bringBack, isThere, worktreesAt } from './worktree-list.ts';

/** The most tries while someone else commits to the branch. */
const maxRounds = 5;

export type CheckoutMerge =
  /** `head`: the commit of `into` that contains the plan. `tip`: the plan's own commit. */
  | { readonly kind: 'merged'; readonly head: string; readonly tip: string }
  /** The plan's branch does not exist. */
  | { readonly kind: 'no_work' }
  /** The branch's head is `tip`, which is not the approved commit. */
  | { readonly kind: 'unapproved'; readonly tip: string }
  /** `into` is no branch of this repository. */
  | { readonly kind: 'no_branch' }
  | { readonly kind: 'conflict'; readonly files: string[] }
  /** The checkout has uncommitted changes in these files. */
  | { readonly kind: 'overlap'; readonly checkout: string; readonly files: string[] }
  /** `what` is under way in that checkout: `a merge`, `a rebase`. */
  | { readonly kind: 'busy'; readonly checkout: string; readonly what: string }
  /** Git itself refused it, with this message. */
  | { readonly kind: 'git'; readonly checkout: string; readonly said: string };

/** The target branch has moved since the merge was made. */
interface Moved {
  readonly kind: 'moved';
}

interface Prepared {
  readonly base: string;
  readonly commit: string;
  readonly tip: string;
}

export interface PreparedFor extends Prepared {
  readonly into: string;
}

export type PreparedMerge =
  | Exclude<CheckoutMerge, { kind: 'overlap' | 'busy' | 'git' }>
  | ({ readonly kind: 'new' } & Prepared);

/**
 * `only`: the only commit of `from` that may be merged; default: its head. `on`: the commit of `into` to merge it with; default: its head. `rebase`:
 * makes the commits of `from` anew instead of a merge commit.
 */
interface Wanted {
  readonly from: string;
  readonly into: string;
  readonly message: string;
  readonly only?: string | null;
  readonly on?: string | null;
  readonly rebase?: boolean;
}

/**
 * Merges `from` into the branch `into` by a commit with two parents and the user's identity. If the plan is already merged, by an earlier run or by
 * hand, returns where. Throws `git_failed`, `bad_config` without an identity.
 */
export function mergeIntoCheckout(repo: Repository, wanted: Wanted): Promise<CheckoutMerge> {
  return repo.exclusively(async () => {
    for (let round = 0; round < maxRounds; round++) {
      const merged = await tryMerge(repo, wanted);
      if (merged.kind !== 'moved') return merged;
    }
    throw movedMeanwhile(repo, wanted.into);
  });
}

async function tryMerge(repo: Repository, wanted: Wanted): Promise<CheckoutMerge | Moved> {
  const built = await prepareMerge(repo, wanted);
  if (built.kind !== 'new') return built;
  const { base: target, commit: head, tip } = built;
  return bring(repo, { into: wanted.into, target, head, tip });
}

/** Makes the merge with the present head of `into` as a commit that is on no branch yet. If nothing is left to merge, returns that result. */
export async function prepareMerge(repo: Repository, wanted: Wanted): Promise<PreparedMerge> {
  const { into, message, on = null, rebase = false } = wanted;
  const source = await findCommit(repo, branchRef(wanted.from));
  if (source === null) return { kind: 'no_work' };
  if (wanted.only != null && source !== wanted.only) return { kind: 'unapproved', tip: source };
  const target = on ?? (await findCommit(repo, branchRef(into)));
  if (target === null) return { kind: 'no_branch' };
  const built = await buildMerge(repo, { source, target, message, rebase });
  // The branch contains all of it, by a fast-forward or because the plan changed nothing.
  if (built.kind === 'nothing') return { kind: 'merged', head: source, tip: source };
  if (built.kind === 'merged') return { ...built, tip: source };
  if (built.kind === 'conflict') return built;
  // The branch already contains all of its changes, after a squash, a rebase or a cherry-pick by hand: a merge commit would change nothing.
  if ((await treeOf(repo, built.head)) === (await treeOf(repo, target)))
    return { kind: 'merged', head: target, tip: source };
  return { kind: 'new', commit: built.head, base: target, tip: source };
}

/**
 * Moves the branch `into` from `base` to `commit`, which was made for it, together with the checkout of that branch. `moved`: the branch is at
 * another commit now. A second run returns where the plan is. Throws `git_failed`.
 */
export function mergePrepared(repo: Repository, wanted: PreparedFor): Promise<CheckoutMerge | Moved> {
  const { into, base, commit, tip } = wanted;
  return repo.exclusively(async () => {
    const target = await findCommit(repo, branchRef(into));
    if (target === null) return { kind: 'no_branch' };
    if (target === commit || (target !== base && (await isAncestor(repo, commit, target))))
      return { kind: 'merged', head: commit, tip };
    // A garbage collection may have deleted the unreferenced commit: it is made anew.
    const isThere = target === base && (await findCommit(repo, commit)) !== null;
    return isThere ? bring(repo, { into, target, head: commit, tip }) : { kind: 'moved' };
  });
}

/** The obstacle to `mergePrepared` now; null: none. Changes nothing. */
export async function mergeObstacle(
  repo: Repository,
  { into, base, commit }: { into: string; base: string; commit: string },
): Promise<Exclude<CheckoutMerge, { kind: 'merged' }> | null> {
  const closed = await closedTo(repo, into);
  if (closed !== null) return closed;
  const step = await stepIn(repo, { into, target: base, head: commit });
  if (step === null) return null;
  const busy = await underWay(step);
  if (busy !== null) return busy;
  const { own } = await differencesOf(repo, step, false);
  return own.length === 0 ? null : { kind: 'overlap', checkout: step.checkout, files: own };
}

/** null: the branch is checked out nowhere. */
async function stepIn(
  repo: Repository,
  of: Pick<CheckoutStep, 'into' | 'target' | 'head'>,
): Promise<CheckoutStep | null> {
  const checkout = (await worktreesAt(repo, of.into))[0]?.path;
  if (checkout === undefined) return null;
  return { ...of, checkout, gitDir: await ownGit(checkout, ['rev-parse', '--absolute-git-dir']) };
}

async function bring(
  repo: Repository,
  { into, target, head, tip }: { into: string; target: string; head: string; tip: string },
): Promise<CheckoutMerge | Moved> {
  const closed = await closedTo(repo, into);
  if (closed !== null) return closed;
  const step = await stepIn(repo, { into, target, head });
  const move = { ref: branchRef(into), from: target, to: head };
  if (step === null) {
    const forget = repo.moves.own.note(move);
    if (await moveRef(repo, move.ref, move)) return { kind: 'merged', head, tip };
    forget();
    return { kind: 'moved' };
  }
  const { checkout } = step;
  const isBegun = await wasKilled(repo, step);
  const obstacle = (await underWay(step)) ?? (await overlap(repo, step, isBegun));
  if (obstacle !== null) return obstacle;
  // Git checks every file before it writes the first: a refused merge changes nothing, but one that fails while it writes leaves files behind.
  // `branch.<name>.mergeOptions` of a person are for merges of their own: with --squash the branch would not move.
  const own = ['-c', `branch.${into}.mergeOptions=`];
  const args = [...own, 'merge', '--ff-only', '--no-overwrite-ignore', '--no-autostash', '--no-stat', '-q', head];
  const forget = repo.moves.own.note(move);
  const moved = await tryOwnGit(checkout, args, { timeoutMs: checkoutTimeoutMs });
  const now = await commitOf(repo, move.ref);
  if (now !== target || (await differencesOf(repo, step, true)).merged.length === 0) await unmarkMerge(step);
  if (moved.exitCode === 0 && now === head) return { kind: 'merged', head, tip };
  forget();
  if (now !== target) return { kind: 'moved' };
  return { kind: 'git', checkout, said: (moved.stderr.trim() || moved.stdout.trim()).slice(0, 2_000) };
}

/** A person's changes that prevent the merge. If there are none, the merge is marked as begun, and a killed merge's files are completed. */
async function overlap(repo: Repository, step: CheckoutStep, isBegun: boolean): Promise<CheckoutMerge | null> {
  const { own, merged } = await differencesOf(repo, step, isBegun);
  if (own.length > 0) return { kind: 'overlap', checkout: step.checkout, files: own };
  await markMerge(repo, step);
  if (merged.length > 0) await takeUp(step, merged);
  return null;
}

type Busy = Extract<CheckoutMerge, { kind: 'busy' }>;

const underWayFiles = [
  ['MERGE_HEAD', 'a merge'],
  ['CHERRY_PICK_HEAD', 'a cherry-pick'],
  ['REVERT_HEAD', 'a revert'],
  ['rebase-merge', 'a rebase'],
  ['rebase-apply', 'a rebase or am'],
] as const;

async function underWay({ checkout, gitDir }: CheckoutStep): Promise<Busy | null> {
  for (const [file, what] of underWayFiles) if (isThere(join(gitDir, file))) return { kind: 'busy', checkout, what };
  return null;
}

/**
 * Why no merge may move `into`; null: nothing. Where the folder of its worktree is gone, that may come back with old files. A rebase of `into` works without
 * a branch, and moves `into` at its end: a merge in between would be lost.
 */
async function closedTo(
  repo: Repository,
  into: string,
): Promise<Extract<CheckoutMerge, { kind: 'busy' | 'git' }> | null> {
  const [there] = await worktreesAt(repo, into);
  if (there !== undefined && !isThere(there.path))
    return { kind: 'git', checkout: there.path, said: `that folder is gone; ${bringBack(repo)}` };
  const linked = join(repo.commonDir, 'worktrees');
  const names = entriesIn(linked);
  const places = [
    { gitDir: repo.commonDir, checkout: repo.path },
    ...names.map((name) => ({ gitDir: join(linked, name), checkout: name })),
  ];
  for (const { gitDir, checkout } of places) {
    for (const folder of ['rebase-merge', 'rebase-apply']) {
      const head = textOf(join(gitDir, folder, 'head-name')) ?? '';
      if (head.trim() === branchRef(into)) return { kind: 'busy', checkout, what: `a rebase of ${into}` };
    }
  }
  return null;
}
