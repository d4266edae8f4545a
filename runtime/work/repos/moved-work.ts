/**
 * Brings the work of plans whose repository was on another host. That work is at the shared remote (`git/shared-refs.ts`). It is fetched and compared with
 * the stored plans, and nothing begins without it. A branch that a person made here by hand (without our mark) is a decision, and is used.
 */

import { storedHead } from '../../../actors/stored-tree.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import { isUnderWay } from '../../../machines/vocabulary/plan-status.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Store } from '../../core/store/port.ts';
import { adoptBranch, archiveBranch, ensureBranch } from '../git/branch.ts';
import { findCommit, isAncestor } from '../git/objects.ts';
import { branchRef, moveRef, ownedRef, readRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { fetchShared, hasRemote, isOfPlan, listShared, type SharedRef, shareRefs } from '../git/shared-refs.ts';

const tracesAtOnce = 500;

interface OpenPlan {
  readonly plan: string;
  readonly branch: string;
  /** The last known commit of the plan's branch; null: there is none. */
  readonly head: string | null;
  /** true: its branch may have been merged and deleted since. */
  readonly isDone: boolean;
}

/** The change of one ref here. */
interface Step {
  readonly plan: string;
  readonly ref: string;
  /** Its new commit; null: it does not move, and is ours. */
  readonly to: string | null;
}

type AskedStore = Pick<Store, 'planTraces' | 'tree' | 'signals'>;

/** The signals that report the present head of the plan's branch. */
const newHeads: ReadonlySet<string> = new Set(['work_merged', 'head_moved', 'branch_archived', 'branch_based']);

/**
 * Looks for the work of all plans under way, here and at the remote, and returns a function that brings it here and returns a text for people. Throws
 * `conflict` if commits that a plan knows are at neither place. No ref changes before that function is called; it may be called again.
 */
export async function findWork(store: AskedStore, repository: Repository): Promise<() => Promise<string[]>> {
  const { project } = repository;
  const plans = await openPlans(store, project);
  if (plans.length === 0) return async () => [];
  const { refs, trouble } = await sharedBy(repository, new Set(plans.map(({ plan }) => plan)));
  const steps: Step[] = [];
  for (const plan of plans) {
    const own = branchRef(plan.branch);
    // The remote may have other refs, but no other branch is changed.
    const ofPlan = refs.filter((ref) => ref.plan === plan.plan && isOfPlan(ref.local, plan));
    const there = ofPlan.find(({ local }) => local === own)?.commit ?? null;
    const chosen = await choose(repository, { ref: own, there, head: plan.head });
    if (chosen === 'missing' && !plan.isDone) throw missing(repository, plan, { there, trouble });
    if (chosen !== null && chosen !== 'missing')
      steps.push({ plan: plan.plan, ref: own, to: chosen === 'here' ? null : chosen });
    for (const { local, commit } of ofPlan) if (local !== own) steps.push({ plan: plan.plan, ref: local, to: commit });
  }
  return async () => {
    for (const step of steps) await take(repository, step);
    const brought = new Set(steps.filter(({ to }) => to !== null).map(({ plan }) => plan));
    return brought.size === 0 ? [] : [`fetched from the remote: the branches of ${[...brought].join(', ')}`];
  };
}

/** Pushes the work of all plans under way to the remote, for another host. Throws as `shareRefs`. */
export async function shareWork(store: AskedStore, repository: Repository): Promise<void> {
  const { project } = repository;
  for (const { plan, branch } of await openPlans(store, project))
    await shareRefs(repository, { project, plan, branch });
}

async function openPlans(store: AskedStore, project: string): Promise<OpenPlan[]> {
  const plans: OpenPlan[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const page: Awaited<ReturnType<Store['planTraces']>> = await store.planTraces({ after, limit: tracesAtOnce });
    for (const { project: of, plan, branch, deletedAt, base, status } of page.traces) {
      if (of !== project || deletedAt !== null || base === null) continue;
      const isDone = status === 'done';
      // Plans on which agents may have worked. A done plan may still need its merge.
      if (!isDone && !isUnderWay(status)) continue;
      const address = planTree(project, plan);
      const row = await store.tree(address);
      plans.push({
        plan,
        branch,
        head: (await comingHead(store, { project, plan })) ?? (row === null ? null : storedHead(address, row.stored)),
        isDone,
      });
    }
    after = page.next;
  }
  return plans;
}

/** The head that a lost host reported and the plan has not handled yet; null: none. */
async function comingHead(store: AskedStore, plan: { project: string; plan: string }): Promise<string | null> {
  const waiting = await store.signals({ ...plan, status: 'pending' });
  const heads = waiting.filter(({ type, origin }) => origin === 'engine' && newHeads.has(type));
  const newest = heads.toSorted((a, b) => b.id - a.id)[0];
  return newest === undefined ? null : (JSON.parse(newest.payload) as { head: string }).head; // the engine's own signal
}

/** The fetched refs of these plans at the remote. If the remote does not answer, there are none, and `trouble` states why. */
async function sharedBy(
  repository: Repository,
  plans: ReadonlySet<string>,
): Promise<{ refs: readonly SharedRef[]; trouble: string | null }> {
  try {
    if (!(await hasRemote(repository))) return { refs: [], trouble: `${repository.path} has no remote` };
    const refs = (await listShared(repository, repository.project)).filter(({ plan }) => plans.has(plan));
    await fetchShared(repository, refs);
    return { refs, trouble: null };
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    return { refs: [], trouble: messageOf(thrown) };
  }
}

/** The remote's commit, or the one `here`; null: there is no commit yet, and the branch is made when it is needed. */
async function choose(
  repository: Repository,
  { ref, there, head }: { readonly ref: string; readonly there: string | null; readonly head: string | null },
): Promise<string | 'here' | 'missing' | null> {
  const here = await readRef(repository, ref);
  const isMarked = (await readRef(repository, ownedRef(ref.slice(branchRef('').length)))) !== null;
  const knows = async (commit: string) =>
    head === null || ((await findCommit(repository, head)) !== null && isAncestor(repository, head, commit));
  if (there !== null && there !== here && (await knows(there))) {
    if (here === null || (await isAncestor(repository, here, there))) return there;
    if (isMarked && (head === null || !(await knows(here)))) return there;
  }
  if (here === null) return head === null ? null : 'missing';
  return !isMarked || (await knows(here)) ? 'here' : 'missing';
}

async function take(repository: Repository, { plan, ref, to }: Step): Promise<void> {
  const branch = ref.startsWith(branchRef('')) ? ref.slice(branchRef('').length) : null;
  const here = await readRef(repository, ref);
  if (branch === null) {
    if (here === null) await moveRef(repository, ref, { from: null, to });
    return;
  }
  if (here === null && to !== null) {
    await ensureBranch(repository, { branch, start: to });
    return;
  }
  await adoptBranch(repository, branch);
  if (here === null || to === null || here === to) return;
  // The earlier head is saved, and an earlier worktree is detached from the branch.
  await archiveBranch(repository, { branch, plan, pass: `former-${here.slice(0, 12)}`, start: to });
}

function missing(
  { project, path }: Repository,
  { plan, branch, head }: OpenPlan,
  { there, trouble }: { readonly there: string | null; readonly trouble: string | null },
): EngineError {
  const commit = head === null ? '' : head.slice(0, 12);
  const at =
    there === null ? 'the remote has none of it' : `the remote has it at ${there.slice(0, 12)}, which is older`;
  const git = `git -C ${shellWord(path)}`;
  const name = shellWord(branch);
  const anew = `${git} update-ref -d ${shellWord(ownedRef(branch))}; ${git} branch -f ${name} ${there ?? '<commit>'}`;
  return new EngineError(
    'conflict',
    `plan ${plan} of ${project} is under way, and its branch ${branch} with the commit ${commit} is not in ${path}: the work that is done would be missing (${trouble ?? at})`,
    `bring it from where it is: ${git} fetch <place> ${name}:${name}; if it is lost, go on from another commit: ${anew}; then add the repo again`,
  );
}
