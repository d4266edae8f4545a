/**
 * The effects of a landing line whose next plan has a pull request for each member of its repo. All of them must be approved, unchanged and mergeable
 * before the first one is merged. Then they are merged one after the other, in the members' order. If one is refused, the message lists the merged
 * ones and how to undo each.
 */
import type { LandingPull } from '../../../machines/vocabulary/landing.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { EffectContext, Outcome } from '../../core/outbox/handler.ts';
import type { PullRequest } from '../forges/forge.ts';
import type { RepoForge } from '../forges/repo-forge.ts';
import { requestAt } from '../forges/requests.ts';
import { fetchHead } from '../git/base-remote.ts';
import { takeIntoBranch } from '../git/joint-base.ts';
import { revertOf } from '../git/member-landing.ts';
import { membersAt } from '../git/members.ts';
import { findCommit, isAncestor, parentOf, treeOf } from '../git/objects.ts';
import { branchRef, readRef } from '../git/refs.ts';
import { type LandingNames, late, type Prepared, requestObstacle } from './landing-request.ts';
import { type Composite, type CompositeMember, compositeOf, refreshMembers } from './members.ts';
import { mayMerge, type Names, refusal } from './plan-merge.ts';
import { mergeNow } from './pull-merge.ts';
import { type AskedBy, askMember, type ForgeParts, orFailed } from './with-forge.ts';
import type { Site } from './workplace.ts';

type Members = NonNullable<LandingPull['members']>;

export interface LinkedLanding {
  readonly names: LandingNames;
  readonly members: Members;
  readonly site: Site;
  readonly context: Pick<EffectContext, 'row' | 'abort'>;
}

interface Request {
  readonly member: CompositeMember;
  readonly forge: RepoForge['forge'];
  readonly remote: string;
  /** The approved commit, which must be its head. */
  readonly head: string;
  readonly found: PullRequest;
}

/** The requests land on the branch that contains the members' files. */
export async function findLinkedLine(
  parts: ForgeParts,
  { branch, ...at }: Omit<LinkedLanding, 'names'> & { readonly branch: string },
): Promise<Outcome> {
  const { plan } = at.context.row;
  const composite = await compositeIn(parts, at, plan);
  const names: LandingNames = {
    verb: 'land',
    plan,
    branch,
    into: composite.into,
    repo: at.site.repository.path,
    approved: null,
  };
  return orFailed(async () => {
    const requests = await requestsOf(parts, composite, at.members, { plan, abort: at.context.abort });
    return (await obstacleOf(requests, names)) ?? { type: 'line_found', payload: { into: composite.into } };
  }, refused(names));
}

/** Fetches the members' present branches into the repo's branch, and calls `make` with the plan. */
export async function prepareLinked(
  parts: ForgeParts,
  at: LinkedLanding,
  make: (prepared: Prepared) => Promise<Outcome>,
): Promise<Outcome> {
  const { names, site } = at;
  return orFailed(async () => {
    const composite = await compositeIn(parts, at, names.plan);
    const requests = await requestsOf(parts, composite, at.members, askedBy(at));
    const obstacle = await obstacleOf(requests, names);
    if (obstacle !== null) return obstacle;
    if (requests.every(isMerged)) return landed(parts, at, { requests, made: null });
    await refreshMembers(parts, site, remotesOf(requests));
    const unpushed = await unpushedOf(at, requests);
    if (unpushed !== null) return refusal({ kind: 'pull', detail: unpushed }, names);
    const { plan, branch, into, approved } = names;
    const asked = { verb: 'land', plan, branch, into, approved, withAfter: false, on: null } as const;
    const allowed = await mayMerge(parts, site, { ...asked, lost: async () => null });
    return 'type' in allowed ? allowed : make({ target: null, names, isHalf: requests.some(isMerged) });
  }, refused(names));
}

/** Merges them one after the other. Requests that an earlier try has merged are skipped. */
export async function mergeLinked(
  parts: ForgeParts,
  at: LinkedLanding,
  { commit, base }: { readonly commit: string; readonly base: string },
): Promise<Outcome> {
  const { names, site, context } = at;
  const composite = await compositeIn(parts, at, names.plan);
  const known = await membersAt(site.repository, base);
  let now: Request[] = [];
  return orFailed(
    async () => {
      now = await requestsOf(parts, composite, at.members, askedBy(at));
      const obstacle = (await obstacleOf(now, names)) ?? (await forgeObstacle(parts, at, now));
      if (obstacle !== null) return obstacle;
      // The first one is checked below, after the others and before the first merge.
      const [, ...others] = now.filter((one) => !isMerged(one));
      for (const one of others) if (await hasMoved(one, known)) return { type: 'landing_moved', payload: {} };
      const { mergeMethod, landing } = site.project.config;
      for (const [nth, one] of now.entries()) {
        if (isMerged(one)) continue;
        if (await hasMoved(one, known)) return { type: 'landing_moved', payload: {} };
        parts.faults?.('landing.before-merge');
        const { number, base: into } = one.found;
        await askMember(parts, askedBy(at), one.member, ({ forge }) =>
          mergeNow(
            forge,
            { number, head: one.head, base: into, method: mergeMethod ?? landing.strategy },
            context.abort,
          ),
        );
        parts.faults?.('landing.after-merge');
        const found = await requestAt(one.forge, number);
        if (found.state !== 'merged')
          throw late(one.forge, `took the merge of ${found.url} and shows it as ${found.state} yet`);
        now[nth] = { ...one, found };
      }
      return landed(parts, at, { requests: now, made: commit });
    },
    async (detail) => refused(names)([detail, await halfText(now)].filter((text) => text !== '').join('\n')),
  );
}

const isMerged = ({ found }: Request) => found.state === 'merged';

function refused(names: Names) {
  return (detail: string) => refusal({ kind: 'pull', detail }, names);
}

async function compositeIn(parts: ForgeParts, { site }: Pick<LinkedLanding, 'site'>, plan: string): Promise<Composite> {
  const composite = await compositeOf(parts, site, plan);
  if (composite === null)
    throw new Error(`${site.project.project} has no members any more, and its plan has a request for each`);
  return composite;
}

async function requestsOf(parts: ForgeParts, composite: Composite, members: Members, of: AskedBy): Promise<Request[]> {
  const requests: Request[] = [];
  for (const member of composite.members) {
    const asked = members.find(({ name }) => name === member.folder);
    if (asked === undefined) continue;
    requests.push(
      await askMember(parts, of, member, async ({ forge, remote }) => {
        const found = await requestAt(forge, asked.number);
        return { member, forge, remote, head: asked.head, found };
      }),
    );
  }
  return requests;
}

/** A line is no plan, so the effects name the plan at its head. */
function askedBy({ names, context: { abort } }: LinkedLanding): AskedBy {
  return { plan: names.plan, abort };
}

function remotesOf(requests: readonly Request[]): Map<string, string> {
  return new Map(requests.map(({ member, remote }) => [member.folder, remote]));
}

/** The first request that differs from its approval, with the list of those that are already merged; null: none differs. */
async function obstacleOf(requests: readonly Request[], names: LandingNames): Promise<Outcome | null> {
  for (const { member, found, head } of requests) {
    const isThere = found.state === 'merged' && found.base === member.branch;
    const at = { number: found.number, head: isThere ? found.headCommit : head };
    const obstacle = requestObstacle(found, { pull: at, names: { ...names, into: member.branch } });
    if (obstacle === null) continue;
    const half = await halfText(requests);
    if (half === '' || obstacle.type !== 'merge_refused') return obstacle;
    return refused(names)(`${obstacle.payload.detail}\n${half}`);
  }
  return null;
}

/** The obstacle from a forge's rules; null: all can be merged. */
async function forgeObstacle(
  parts: ForgeParts,
  at: LinkedLanding,
  requests: readonly Request[],
): Promise<Outcome | null> {
  const { names, site } = at;
  for (const { member, forge, found } of requests.filter((one) => !isMerged(one))) {
    const obstacle = await askMember(parts, askedBy(at), member, () => forge.mergeObstacle(found));
    if (obstacle.kind === 'none') continue;
    const half = await halfText(requests);
    const said = `the forge does not merge #${found.number} of ${member.folder} now: ${obstacle.detail}`;
    const detail = half === '' ? said : `${said}\n${half}`;
    if (obstacle.kind === 'blocked') return refusal({ kind: 'pull', detail }, names);
    if (obstacle.kind === 'waits') return refusal({ kind: 'forge_waits', detail }, names);
    const { branch, into } = names;
    const intoHead = await readRef(site.repository, branchRef(into));
    // The plan already contains the branch: the forge has not updated its answer yet.
    if (intoHead === null || (await isAncestor(site.repository, intoHead, branchRef(branch))))
      return refusal({ kind: 'forge_waits', detail }, names);
    const message = `Merge ${into} into ${branch}`;
    const taken = await takeIntoBranch(site.repository, { branch, commit: intoHead, message });
    // The plan's own branch has moved meanwhile: the preparation reports that.
    if (taken.kind !== 'taken') return { type: 'landing_moved', payload: {} };
    return refusal({ kind: 'behind', detail }, names, { head: taken.head });
  }
  return null;
}

/** The request's target has commits that were not there at the check. */
async function hasMoved(one: Request, known: ReadonlyMap<string, string>): Promise<boolean> {
  const { member, remote } = one;
  return (await fetchHead(member.repository, { remote, branch: member.branch })) !== known.get(member.folder);
}

/** A member's local commits that its forge does not have would be merged with the request, although nobody has checked them there; null: none. */
async function unpushedOf({ site, names }: LinkedLanding, requests: readonly Request[]): Promise<string | null> {
  const begun = await membersAt(site.repository, branchRef(names.branch));
  for (const { member, remote } of requests) {
    const from = begun.get(member.folder);
    const head = await fetchHead(member.repository, { remote, branch: member.branch });
    if (from === undefined || (await isAncestor(member.repository, from, head))) continue;
    const push = `git -C ${shellWord(member.repository.path)} push ${shellWord(remote)} ${shellWord(member.branch)}`;
    return `${member.branch} of ${member.repository.path} has commits that ${remote} does not have, and the plan was begun with them: ${push}`;
  }
  return null;
}

/** The merged requests, and how to undo each; empty: none is merged. */
async function halfText(requests: readonly Request[]): Promise<string> {
  const lines = await Promise.all(requests.map(async (one) => (isMerged(one) ? mergedText(one) : null)));
  const there = lines.filter((line) => line !== null);
  if (there.length === 0) return '';
  const missing = requests
    .filter((one) => !isMerged(one))
    .map(({ member, found }) => `${member.folder}: ${found.url} is not merged`);
  return [...there, ...missing].join('\n');
}

async function mergedText({ member, remote, found }: Request): Promise<string> {
  const { folder, repository, branch } = member;
  await fetchHead(repository, { remote, branch });
  const commit = found.mergeCommit === null ? null : await findCommit(repository, found.mergeCommit);
  const said = `${folder}: ${found.url} is merged into ${branch}`;
  if (commit === null) return said;
  const path = shellWord(repository.path);
  const back = await revertOf(repository.path, await parentOf(repository, commit, 1), commit);
  return `${said} as ${commit.slice(0, 12)}; take it back: git -C ${path} pull ${shellWord(remote)} ${shellWord(branch)} && ${back}, and push it`;
}

/** Fetches the merged commits into the repo's branch, and compares them with the checked ones. */
async function landed(
  parts: ForgeParts,
  { names, site }: LinkedLanding,
  { requests, made }: { readonly requests: readonly Request[]; readonly made: string | null },
): Promise<Outcome> {
  const { repository } = site;
  const { branch, into } = names;
  await refreshMembers(parts, site, remotesOf(requests));
  const head = await readRef(repository, branchRef(into));
  const planHead = await readRef(repository, branchRef(branch));
  if (head === null || planHead === null) throw new Error(`${repository.path} has no ${head === null ? into : branch}`);
  const checked = made === null ? null : await findCommit(repository, made);
  const isChecked = checked !== null && (await treeOf(repository, checked)) === (await treeOf(repository, head));
  const lines = await Promise.all(requests.map(mergedText));
  if (!isChecked)
    lines.unshift('this is more than was checked here: somebody else merged or pushed in the same moment');
  return { type: 'plan_merged', payload: { head, into, tip: planHead, note: lines.join('\n') } };
}
