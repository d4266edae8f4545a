/** Adds commits that people pushed to a part of a stack to the plan's branch, as soon as the plan is done, because no agent works there then. */
import { storedPlan } from '../../../actors/stored-tree.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import type { Approval } from '../../../machines/vocabulary/plan-merge.ts';
import { maxPushes, type PersonsPush, type StackLayer } from '../../../machines/vocabulary/plan-pull.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { PlanKey, Store } from '../../core/store/port.ts';
import type { PullRequest } from '../forges/forge.ts';
import { fetchHead } from '../git/base-remote.ts';
import { findCommit, isAncestor, treeOf } from '../git/objects.ts';
import { type TakenPushes, takePushed } from '../git/pushed.ts';
import type { Repository } from '../git/repository.ts';

/**
 * `open`: the part has a request, or gets one. `landed`: `into` contains its work. `folded`: it was merged into an open part below. `closed`: a
 * person closed it. `none`: it gets a new request.
 */
export type LayerState = 'open' | 'landed' | 'folded' | 'closed' | 'none';

interface Part {
  readonly branch: string;
  readonly state: LayerState;
  readonly known: Pick<StackLayer, 'head' | 'state' | 'pushed'> | null;
  /** The commit of its branch at the remote; null: the remote does not have that branch. */
  readonly there: string | null;
  readonly found: Pick<PullRequest, 'base' | 'headCommit' | 'mergeCommit'> | null;
}

/**
 * The pushed commits of a part that the plan's branch does not have, as known from the last reading of the forge. `parts`: all parts of its stack.
 * Commits that have landed are left out. Pure.
 */
export function pushesTo({ branch, state, known, there }: Part, parts: readonly Part[]): PersonsPush[] {
  if (known === null || state === 'landed' || state === 'folded') return [];
  const before = known.pushed ?? [];
  if (there === null || there === known.head) return before;
  const folded = parts.filter((part) => part.state === 'folded' && part.found?.base === branch);
  const without = folded
    .filter((part) => part.known?.state === 'open')
    .flatMap((part) => [part.known?.head, part.found?.headCommit, part.found?.mergeCommit])
    .filter((commit): commit is string => commit != null && commit !== '');
  const last = before.length < maxPushes ? undefined : before.at(-1);
  const all = [...without, ...(last?.without ?? [])];
  const push = { from: last?.from ?? known.head, to: there, ...(all.length === 0 ? {} : { without: all }) };
  return [...before.slice(0, maxPushes - 1), push];
}

export interface Taking extends PlanKey {
  readonly repository: Repository;
  readonly remote: string;
  /** The commit of the plan's branch. */
  readonly head: string;
  readonly approved: Approval | null;
  /** Whether the plan was done at the time of the request. */
  readonly isWhole: boolean;
  readonly pushes: readonly { readonly branch: string; readonly push: PersonsPush }[];
  /** Reads the target branch of the stack at the remote. */
  receivingHead(): Promise<string>;
}

export type Taken =
  | TakenPushes
  /** The plan is still working. */
  | { readonly kind: 'waits' }
  /** The plan's branch has moved since its approval. */
  | { readonly kind: 'moved' };

/**
 * Makes the commit with the pushed commits for the plan's branch, but does not move the branch. If an earlier try has moved it, returns its head.
 * Throws `git_failed`.
 */
export async function taken(store: Pick<Store, 'tree'>, at: Taking): Promise<Taken> {
  const { repository, remote, head, approved, pushes } = at;
  const onto = approved?.sha ?? head;
  const isMoved = onto !== head;
  if (pushes.length === 0) return isMoved ? { kind: 'moved' } : { kind: 'taken', head };
  if (!at.isWhole || !(await isDone(store, at))) return isMoved ? { kind: 'moved' } : { kind: 'waits' };
  for (const { branch, push } of pushes)
    if ((await findCommit(repository, push.to)) === null) await fetchHead(repository, { remote, branch });
  const made = await takePushed(repository, {
    pushes: pushes.map(({ push }) => push),
    onto,
    into: await at.receivingHead(),
  });
  if (!isMoved) return made;
  const isMade =
    made.kind === 'taken' &&
    (await isAncestor(repository, onto, head)) &&
    (await treeOf(repository, head)) === (await treeOf(repository, made.head));
  return isMade ? { kind: 'taken', head } : { kind: 'moved' };
}

async function isDone(store: Pick<Store, 'tree'>, { project, plan }: PlanKey): Promise<boolean> {
  const tree = planTree(project, plan);
  const row = await store.tree(tree);
  return row !== null && storedPlan(tree, row.stored).has('status:done');
}

export function takeConflictText(
  { files, to }: Extract<TakenPushes, { kind: 'conflict' }>,
  { plan, branch, part }: { readonly plan: string; readonly branch: string; readonly part: string },
): string {
  const listed = files.length === 0 ? '' : ` in ${files.slice(0, 20).join(', ')}`;
  return [
    `what was pushed to ${part} up to ${to.slice(0, 12)} conflicts with ${branch}${listed}, so ${branch} does not have it;`,
    `merge it by hand where ${branch} is checked out (git worktree list), or in a checkout of your own: git merge ${to.slice(0, 12)}`,
    `(or leave it out: git merge --strategy=ours ${to.slice(0, 12)}), then: stator plan answer ${shellWord(plan)}`,
  ].join(' ');
}
