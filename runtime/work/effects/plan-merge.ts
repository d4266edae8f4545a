/** Merges a done plan's branch into the one that people work on. An obstacle is a result, with the files and the remedy. */
import { storedPlan } from '../../../actors/stored-tree.ts';
import type { PlanMerge } from '../../../machines/vocabulary/effect.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import type { Approval, MergeObstacle } from '../../../machines/vocabulary/plan-merge.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Handler, Outcome } from '../../core/outbox/handler.ts';
import { movedMeanwhile } from '../git/branch.ts';
import { type CheckoutMerge, mergeIntoCheckout } from '../git/checkout-merge.ts';
import { holdsWork } from '../git/joint-base.ts';
import { realBranch } from '../git/plan-base.ts';
import { branchRef, readRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { reportLostWork } from './lost-work.ts';
import { type Landed, landedNote, mergeIntoMembers } from './members.ts';
import { planBase } from './stored-base.ts';
import { type EffectParts, type Site, siteOf } from './workplace.ts';

/** The most files in a signal, and the most files in a sentence. */
const sentFiles = 100;
const shownFiles = 10;

/** Merges into the branch that a person named, otherwise into `base_branch`, otherwise into the branch that the plan was begun from. A second run returns the first one's merge. */
export function createPlanMerge(parts: EffectParts): Handler<PlanMerge> {
  return async ({ branch, into: named, message, approved = null, withAfter = false }, context): Promise<Outcome> => {
    const { row } = context;
    const site = await siteOf(parts, row, { branch, from: branch });
    const { repository } = site;
    const asked = { verb: 'merge', plan: row.plan, branch, into: named, approved, withAfter } as const;
    const names = await mayMerge(parts, site, { ...asked, lost: () => reportLostWork(parts, context, branch) });
    if ('type' in names) return names;
    const { into } = names;
    parts.faults?.('plan-merge.before-merge');
    const wanted = { from: branch, into, message, only: approved?.sha ?? null };
    const merged =
      (await mergeIntoMembers(parts, site, { ...wanted, plan: row.plan })) ??
      (await mergeIntoCheckout(repository, wanted));
    parts.faults?.('plan-merge.after-merge');
    if (merged.kind === 'moved') throw movedMeanwhile(repository, into);
    if (merged.kind !== 'merged') return refusal(merged, names);
    const note = await landedNote(parts, site, { plan: row.plan, head: merged.head });
    return {
      type: 'plan_merged',
      payload: { head: merged.head, into, tip: merged.tip, ...(note !== null && { note }) },
    };
  };
}

interface Asked extends Omit<Names, 'repo'> {
  readonly withAfter: boolean;
  /** The commit on which the merge is made. Missing or null: the head of the branch. */
  readonly on?: string | null;
  /** The missing work of the plan's branch; null: nothing is missing. */
  lost(): Promise<{ readonly detail: string } | null>;
}

/** The branch that a plan may be merged into, before git checks for conflicts; or the refusal. */
export async function mayMerge(
  parts: EffectParts,
  site: Site,
  { withAfter, lost, on = null, ...asked }: Asked,
): Promise<(Names & { readonly into: string }) | Outcome> {
  const { repository, project } = site;
  const wanted = asked.into ?? (await targetOf(parts, site, asked));
  const names = { ...asked, repo: repository.path };
  if (wanted === null) return refusal({ kind: 'no_branch' }, { ...names, into: null });
  const into = await realBranch(repository, wanted);
  // A plan that is in its own branch would count as merged.
  if (into === asked.branch) return refusal({ kind: 'no_branch' }, { ...names, into });
  const missing = await lost();
  if (missing !== null) return refusal({ kind: 'lost_work', detail: missing.detail }, { ...names, into });
  const { plan } = asked;
  const unmerged = withAfter
    ? []
    : await unmergedBelow(parts, repository, { project: project.project, plan, into, commit: on });
  if (unmerged.length > 0) return refusal({ kind: 'after', plans: unmerged }, { ...names, into });
  return { ...names, into };
}

/** Obstacles that git finds, or that come from the plans on which this one is based. */
export type Refused =
  | Exclude<CheckoutMerge, { kind: 'merged' }>
  | Extract<Landed, { kind: 'member' | 'half' }>
  | { readonly kind: 'after'; readonly plans: readonly string[] }
  /** The commit to land is not the one that this role approved. */
  | { readonly kind: 'outdated'; readonly by: Approval['by'] }
  | { readonly kind: 'lost_work' | 'check' | 'pull' | 'forge_waits' | 'behind'; readonly detail: string };

/**
 * The plans on which it is based and whose work is not in `into`, squashed or not: they would be merged with it without a request. A plan whose pull request
 * was merged counts as contained, even if its lines have changed since.
 */
async function unmergedBelow(
  { store }: Pick<EffectParts, 'store'>,
  repository: Repository,
  { project, plan, into, commit }: { project: string; plan: string; into: string; commit: string | null },
): Promise<string[]> {
  const on = (await store.plan(project, plan))?.base?.on ?? [];
  const target = commit ?? (await readRef(repository, branchRef(into)));
  // There is no branch to merge into: the refusal names that.
  if (target === null) return [];
  const unmerged: string[] = [];
  for (const below of on) {
    if (await holdsWork(repository, target, below.commit)) continue;
    const tree = planTree(project, below.plan);
    const row = await store.tree(tree);
    if (row === null || !storedPlan(tree, row.stored).has('pull:merged')) unmerged.push(below.plan);
  }
  return unmerged;
}

interface Mended {
  /** The message to a fixer. */
  readonly body?: string;
  /** The commit that the plan's branch was brought to. */
  readonly head?: string;
}

export function refusal(refused: Refused, names: Names, { body, head }: Mended = {}): Outcome {
  const why = whyOf(refused);
  const files = 'files' in refused ? refused.files.slice(0, sentFiles) : [];
  const into = why === 'no_branch' ? null : names.into;
  return {
    type: 'merge_refused',
    payload: { why, into, files, detail: detailOf(refused, names), ...(body && { body }), ...(head && { head }) },
  };
}

function whyOf(refused: Refused): MergeObstacle {
  switch (refused.kind) {
    case 'member':
      return whyOf(refused.obstacle);
    case 'half':
      return 'git';
    case 'unapproved':
    case 'outdated':
    case 'behind':
      return 'moved';
    default:
      return refused.kind;
  }
}

/** null: the plan was begun from no branch, but from a tag or a commit. */
async function targetOf(
  parts: EffectParts,
  { repository, project: { project, config } }: Site,
  { plan, branch }: { plan: string; branch: string },
): Promise<string | null> {
  if (config.baseBranch !== '') return config.baseBranch;
  // The plan has no branch, so no work was begun and nothing can be merged.
  if ((await readRef(repository, branchRef(branch))) === null) return repository.defaultBase;
  return (await planBase(parts, { project, plan, branch })).branch;
}

export interface Names {
  /** The command that tries it again. */
  readonly verb: 'merge' | 'land';
  readonly plan: string;
  readonly branch: string;
  readonly into: string | null;
  readonly repo: string;
  readonly approved: Approval | null;
}

function detailOf(refused: Refused, { verb, plan, branch, into, repo, approved }: Names): string {
  const again = `then: stator plan ${verb} ${plan}`;
  switch (refused.kind) {
    case 'overlap':
      return `${refused.checkout}, where ${into} is checked out, has changes of its own in ${shortList(refused.files, shownFiles)}; commit or stash them (git -C ${shellWord(refused.checkout)} stash -u), ${again}`;
    case 'busy':
      return `${refused.what} is under way in ${refused.checkout}; finish or abort it, ${again}`;
    case 'conflict':
      return `${branch} and ${into} conflict in ${shortList(refused.files, shownFiles)}; merge ${into} into ${branch} and resolve them by hand, where that is checked out (git -C ${shellWord(repo)} worktree list) or in a checkout of your own, ${again}`;
    case 'member': {
      const { repository, branch: theirs } = refused.of;
      const members = { verb, plan, branch, into: theirs, repo: repository.path, approved: null };
      return `nothing has landed in any of the repos: ${detailOf(refused.obstacle, members)}`;
    }
    case 'half':
      return `it landed in some of the repos only, since another branch moved meanwhile:\n${refused.detail}\nor bring the rest: stator plan ${verb} ${plan}`;
    case 'after': {
      const first = refused.plans.map((below) => `stator plan merge ${shellWord(below)}`).join(', ');
      return `it is based on ${refused.plans.join(', ')}, which ${into} does not have; merge that first (${first}), ${again}; or all of it at once: stator plan merge ${plan} --with-after; or begin it anew without: stator plan advance ${plan} start-over`;
    }
    case 'lost_work':
      return `${refused.detail}\nbring it back: stator plan answer ${shellWord(plan)} --restore; or say that it was meant: stator plan answer ${shellWord(plan)} --accept; ${again}`;
    case 'check':
      return `the check fails on its merge with ${into}: ${refused.detail}\nmend it on ${branch}, ${again}`;
    case 'pull':
      return `${refused.detail}, ${again}`;
    case 'behind':
      return `${refused.detail}; ${branch} has what came to ${into} now, and is looked at and pushed again`;
    case 'forge_waits':
      return `${refused.detail}; it gets in line again as soon as its forge has what it waits for`;
    case 'no_branch':
      if (into === branch)
        return `${into} is the branch of the plan itself; name another: stator plan ${verb} ${plan} --into <branch>; all of them: git -C ${shellWord(repo)} branch`;
      return into === null
        ? `${branch} was begun from no branch, so there is nothing to merge into; name one: stator plan ${verb} ${plan} --into <branch>, or set base_branch in .stator/config.toml`
        : `${into} is no branch of ${repo}, so there is nothing to merge into; make it (git -C ${shellWord(repo)} branch ${shellWord(into)} <commit>) or name another: stator plan ${verb} ${plan} --into <branch>; all of them: git -C ${shellWord(repo)} branch`;
    case 'unapproved':
      return movedText(branch, { head: refused.tip, approved });
    case 'outdated':
      return `what came to ${into} changed what ${branch} does, so nothing was merged: ${branch} has that now, and its ${refused.by} looks again`;
    case 'no_work':
      return `there is no branch ${branch}: nothing was done that could be merged`;
    case 'git':
      return `git would not fast-forward ${into} in ${refused.checkout}: ${refused.said || 'it said nothing'}; correct that, ${again}`;
    default:
      return refused satisfies never;
  }
}

function movedText(branch: string, { head, approved }: { head: string; approved: Approval | null }): string {
  const now = head.slice(0, 12);
  if (approved === null)
    return `${branch} was moved to ${now}, which is not what was to be merged, so nothing was merged; its pull request gets that first`;
  return `${branch} was approved at ${approved.sha.slice(0, 12)} and is at ${now} now, so nothing was merged; its ${approved.by} looks again at what it is now`;
}
