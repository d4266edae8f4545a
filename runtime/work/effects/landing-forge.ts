/**
 * The effects of a landing line whose next plan the forge merges through its pull request. stator merges the request's commit with the forge's target
 * branch and checks the result. It then asks the forge to merge that commit if the target branch has not moved, and reads the request again.
 */
import type { LandingFind, LandingMerge, LandingPrepare } from '../../../machines/vocabulary/effect.ts';
import type { LandingPull } from '../../../machines/vocabulary/landing.ts';
import type { EffectContext, Outcome } from '../../core/outbox/handler.ts';
import type { RepoForge } from '../forges/repo-forge.ts';
import { requestAt } from '../forges/requests.ts';
import { fetchHead } from '../git/base-remote.ts';
import { isBranchName } from '../git/branch.ts';
import { holdsWork, takeIntoBranch } from '../git/joint-base.ts';
import { findCommit, isAncestor, treeOf } from '../git/objects.ts';
import type { Repository } from '../git/repository.ts';
import { findLinkedLine, mergeLinked, prepareLinked } from './landing-linked.ts';
import { type LandingNames, late, type Prepared, requestObstacle } from './landing-request.ts';
import { mayMerge, type Names, refusal } from './plan-merge.ts';
import { mergeNow } from './pull-merge.ts';
import { type ForgeParts, withForge } from './with-forge.ts';
import { siteOf } from './workplace.ts';

/** An effect of a line whose next plan is merged by the forge. */
export type ByForge<E> = E & { readonly pull: LandingPull };

/** The request's target branch as it is on the forge now. */
export async function findForgeLine(
  parts: ForgeParts,
  { branch, pull }: ByForge<LandingFind>,
  context: EffectContext,
): Promise<Outcome> {
  const { row, abort } = context;
  const site = await siteOf(parts, row, { branch, from: branch });
  if (pull.members !== undefined) return findLinkedLine(parts, { branch, members: pull.members, site, context });
  const { path: repo } = site.repository;
  const names: Names = { verb: 'land', plan: row.plan, branch, into: null, repo, approved: null };
  return withForge(parts, {
    ...{ repo, row, plan: row.plan, abort },
    failed: (detail) => refusal({ kind: 'pull', detail }, names),
    async work({ forge }) {
      const found = await requestAt(forge, pull.number);
      const { base: into } = found;
      // Another person may have chosen the branch's name, and git would accept more than a name.
      if (!(await isBranchName(site.repository, into)))
        return refusal({ kind: 'pull', detail: `${found.url} is for ${into}, which is no name of a branch` }, names);
      return requestObstacle(found, { pull, names: { ...names, into } }) ?? { type: 'line_found', payload: { into } };
    },
  });
}

/** Finds the commit that the plan is merged with, and calls `make` with it. */
export async function prepareForForge(
  parts: ForgeParts,
  { plan, branch, into, pull, approved, on }: ByForge<LandingPrepare>,
  context: EffectContext,
  make: (prepared: Prepared) => Promise<Outcome>,
): Promise<Outcome> {
  const { row, abort } = context;
  const site = await siteOf(parts, row, { branch, from: branch });
  const { path: repo } = site.repository;
  const names = { verb: 'land', plan, branch, into, repo, approved } as const;
  // The forge merges one request at a time, so this one waits until the others have landed.
  if (on !== null) return refusal({ kind: 'forge_waits', detail: 'others are before it' }, names);
  if (pull.members !== undefined) return prepareLinked(parts, { names, members: pull.members, site, context }, make);
  return withForge(parts, {
    ...{ repo, row, plan, abort },
    failed: (detail) => refusal({ kind: 'pull', detail }, names),
    async work({ forge, remote }) {
      const found = await requestAt(forge, pull.number);
      if (found.state === 'merged') return landed(site.repository, { forge, remote, names, pull, made: null });
      const obstacle = requestObstacle(found, { pull, names });
      if (obstacle !== null) return obstacle;
      const target = await fetchHead(site.repository, { remote, branch: into });
      const asked = { verb: 'land', plan, branch, into, approved, withAfter: false, on: target } as const;
      const allowed = await mayMerge(parts, site, { ...asked, lost: async () => null });
      return 'type' in allowed ? allowed : make({ target, names });
    },
  });
}

/** Merges that commit, if its branch has not moved since the check. */
export async function mergeByForge(
  parts: ForgeParts,
  { plan, branch, into, commit, base, pull }: ByForge<LandingMerge>,
  { row, abort }: Pick<EffectContext, 'row' | 'abort'>,
): Promise<Outcome> {
  const site = await siteOf(parts, row, { branch, from: branch });
  const { repository, project } = site;
  const names = { verb: 'land', plan, branch, into, repo: repository.path, approved: null } as const;
  if (pull.members !== undefined)
    return mergeLinked(parts, { names, members: pull.members, site, context: { row, abort } }, { commit, base });
  const { mergeMethod, landing } = project.config;
  return withForge(parts, {
    ...{ repo: repository.path, row, plan, abort },
    failed: (detail) => refusal({ kind: 'pull', detail }, names),
    async work({ forge, remote }) {
      const end = { forge, remote, names, pull, made: commit };
      const { number, head } = pull;
      const found = await requestAt(forge, number);
      if (found.state === 'merged') return landed(repository, end);
      const obstacle = requestObstacle(found, { pull, names }) ?? (await forgeObstacle(repository, end, base));
      if (obstacle !== null) return obstacle;
      if ((await fetchHead(repository, { remote, branch: into })) !== base)
        return { type: 'landing_moved', payload: {} };
      parts.faults?.('landing.before-merge');
      const method = mergeMethod ?? landing.strategy;
      await mergeNow(forge, { number, head, base: into, method }, abort);
      parts.faults?.('landing.after-merge');
      return landed(repository, end);
    },
  });
}

interface Landing extends Pick<RepoForge, 'forge' | 'remote'> {
  readonly names: LandingNames;
  readonly pull: LandingPull;
  /** The checked merge commit; null: the branch has moved since the check. */
  readonly made: string | null;
}

/** The obstacle from the forge's rules for the branch; null: none. */
async function forgeObstacle(
  repository: Repository,
  { forge, names, pull }: Landing,
  target: string,
): Promise<Outcome | null> {
  const { branch, into } = names;
  const obstacle = await forge.mergeObstacle({ number: pull.number, base: into });
  if (obstacle.kind === 'none') return null;
  const detail = `the forge does not merge #${pull.number} now: ${obstacle.detail}`;
  if (obstacle.kind === 'waits') return refusal({ kind: 'forge_waits', detail }, names);
  if (obstacle.kind === 'blocked') return refusal({ kind: 'pull', detail }, names);
  // The request already contains the branch: the forge has not updated its answer yet.
  if (await isAncestor(repository, target, pull.head)) return refusal({ kind: 'forge_waits', detail }, names);
  const taken = await takeIntoBranch(repository, { branch, commit: target, message: `Merge ${into} into ${branch}` });
  // The plan's own branch has moved meanwhile: the preparation reports that.
  if (taken.kind !== 'taken') return { type: 'landing_moved', payload: {} };
  return refusal({ kind: 'behind', detail }, names, { head: taken.head });
}

/** Reads the request and its branch from the forge. */
async function landed(repository: Repository, { forge, remote, names, pull, made }: Landing): Promise<Outcome> {
  const { into } = names;
  const found = await requestAt(forge, pull.number);
  if (found.state !== 'merged') throw late(forge, `took the merge of ${found.url} and shows it as ${found.state} yet`);
  if (found.base !== into || found.headCommit !== pull.head) {
    const detail = `${found.url} was merged on the forge into ${found.base} as ${found.headCommit.slice(0, 12)}; look at that branch`;
    return refusal({ kind: 'pull', detail }, names);
  }
  const intoHead = await fetchHead(repository, { remote, branch: into });
  const named = found.mergeCommit === null ? null : await findCommit(repository, found.mergeCommit);
  const isThere = named !== null && (await isAncestor(repository, named, intoHead));
  if (!isThere && !(await holdsWork(repository, intoHead, pull.head)))
    throw late(forge, `says that ${found.url} is merged, and its ${into} does not have it yet`);
  const head = isThere ? named : intoHead;
  const checked = made === null ? null : await findCommit(repository, made);
  const isChecked = checked !== null && (await treeOf(repository, checked)) === (await treeOf(repository, head));
  const note = isChecked
    ? {}
    : {
        note: `${found.url} was merged with more than was checked here: somebody else merged it, or pushed to ${into} in the same moment`,
      };
  return { type: 'plan_merged', payload: { head, into, tip: pull.head, ...note } };
}
