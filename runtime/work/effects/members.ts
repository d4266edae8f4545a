/**
 * The members of a plan's repo. Their present commits are copied to the repo's base branch before anything begins or merges there, and merged plans
 * are split and sent to the members.
 */
import { parsePlan } from '../../../machines/document/plan-document.ts';
import { EngineError, thenContinues } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { inLandOrder, type MemberConfig, type RepoConfig } from '../../base/config/config.ts';
import type { Faults } from '../../base/platform/faults.ts';
import type { Store } from '../../core/store/port.ts';
import { fetchHead } from '../git/base-remote.ts';
import { type CheckoutMerge, mergePrepared, type PreparedFor, prepareMerge } from '../git/checkout-merge.ts';
import { composeMembers, landMembers, type Member, type MembersLanded, revertOf } from '../git/member-landing.ts';
import { type MemberHead, membersAt } from '../git/members.ts';
import { findCommit } from '../git/objects.ts';
import { baseAt, beginningOf, realBranch } from '../git/plan-base.ts';
import { baseBranch, type Repository } from '../git/repository.ts';
import type { Project, Projects } from '../repos/registry.ts';

interface MemberParts {
  readonly projects: Projects;
  readonly faults?: Faults | undefined;
}

interface OrderParts extends MemberParts {
  readonly store: Pick<Store, 'planText'>;
}

interface Place {
  readonly project: Pick<Project, 'project' | 'path'> & { readonly config: Pick<RepoConfig, 'members' | 'baseBranch'> };
  readonly repository: Repository;
}

/** A member, and the name under which it is registered. */
export interface CompositeMember extends MemberHead {
  readonly project: string;
}

/** The branch of the repo that contains its members' files, and the members in landing order. */
export interface Composite {
  readonly into: string;
  readonly members: readonly CompositeMember[];
}

/** The configuration for a repo with these members: each has a folder of its name, and the branch on which its plans begin now. */
export async function membersNamed(
  parts: MemberParts,
  of: Pick<Project, 'project' | 'path'>,
  names: readonly string[],
): Promise<MemberConfig[]> {
  const heads = await Promise.all(
    names.map((name) => headOf(parts, of, { folder: name, repo: name, branch: null, isFresh: false })),
  );
  return heads.map(({ folder, branch }) => ({ folder, repo: folder, branch }));
}

/** The members in the order in which that plan lands in them. null: the repo has none. Throws the errors of `headsOf` and `branchOf`. */
export async function compositeOf(parts: OrderParts, place: Place, plan: string): Promise<Composite | null> {
  const { project, config } = place.project;
  if (config.members.length === 0) return null;
  const { land } = parsePlan((await parts.store.planText(project, plan)) ?? '').document;
  const members = inLandOrder(await headsOf(parts, place, { isFresh: false }), land);
  return { into: await branchOf(place), members };
}

/** Throws `bad_config` if plans begin from a tag or a commit. */
async function branchOf({ project, repository }: Place): Promise<string> {
  const { branch } = await baseAt(repository, await baseBranch(repository, project.config.baseBranch));
  if (branch !== null) return realBranch(repository, branch);
  throw new EngineError(
    'bad_config',
    `${project.project} has members, and its base_branch is a tag or a commit`,
    'name a branch: base_branch = "main" in .stator/config.toml',
  );
}

/**
 * `isFresh`: fetches a member first if that is configured. `remotes`: folders whose member is read from this remote branch instead of the local one.
 */
interface Freshness {
  readonly isFresh: boolean;
  readonly remotes?: ReadonlyMap<string, string>;
}

/** Throws `bad_config` for a repo that cannot be a member, `untrusted`, and git's errors. */
function headsOf(parts: MemberParts, { project }: Place, freshness: Freshness): Promise<CompositeMember[]> {
  return Promise.all(project.config.members.map((member) => headOf(parts, project, { ...member, ...freshness })));
}

async function headOf(
  { projects }: MemberParts,
  { project, path }: Pick<Project, 'project' | 'path'>,
  { isFresh, remotes, ...member }: MemberConfig & Freshness,
): Promise<CompositeMember> {
  const at = `[members.${member.folder}] of ${path}/.stator/config.toml`;
  const row = projects.find(member.repo);
  if (row === null) {
    const hint = `add it: stator repo add <path>; or name another one: repo = "…"; all of them: stator repo list`;
    throw new EngineError('bad_config', `${at}: there is no repo ${member.repo}`, hint);
  }
  if (member.repo === project) {
    throw new EngineError('bad_config', `${at}: a repo is no member of itself`, 'remove that table');
  }
  const of = projects.get(member.repo);
  if (of.config.members.length > 0) {
    const hint = 'name its members here, each in a table of its own';
    throw new EngineError('bad_config', `${at}: ${member.repo} has members itself`, hint);
  }
  projects.mustBeTrusted(member.repo);
  const repository = await projects.repository(member.repo);
  const baseFetch = isFresh && of.config.baseFetch;
  const config = { baseBranch: member.branch ?? of.config.baseBranch, baseFetch };
  const { branch, commit } = await beginningOf(config, repository);
  if (branch === null) {
    const hint = `name one: branch = "main" in that table`;
    throw new EngineError('bad_config', `${at}: plans of ${member.repo} begin from no branch`, hint);
  }
  const { folder, repo } = member;
  const own = await realBranch(repository, branch);
  const remote = remotes?.get(folder);
  const head = remote === undefined ? commit : await fetchHead(repository, { remote, branch: own });
  return { folder, project: repo, repository, branch: own, commit: head };
}

/** The most tries while another process moves the branch. */
const maxRounds = 5;

/**
 * Brings the present commits of the members to the base branch. Does nothing for a repo without members. Throws `branch_checked_out`, which is waited
 * for, if a checkout prevents it, and `conflict` if a person must decide. `remotes`: as in `Freshness`.
 */
export async function refreshMembers(
  parts: MemberParts,
  place: Place,
  remotes: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  if (place.project.config.members.length === 0) return;
  const { repository } = place;
  for (let round = 1; ; round += 1) {
    const into = await branchOf(place);
    const composed = await composeMembers(repository, {
      into,
      heads: () => headsOf(parts, place, { isFresh: true, remotes }),
    });
    if (composed.kind === 'composed') return;
    if (composed.kind !== 'moved' || round === maxRounds) throw notComposed(composed, repository, into);
  }
}

type NotComposed = Exclude<Awaited<ReturnType<typeof composeMembers>>, { kind: 'composed' }>;

function notComposed(composed: NotComposed, { path }: Repository, into: string): EngineError {
  const message = `the members of ${path} cannot come to its branch ${into}`;
  switch (composed.kind) {
    case 'own_work': {
      const folders = composed.folders.join(', ');
      const hint = `see what it is: git -C ${shellWord(path)} log -p ${shellWord(into)} -- ${composed.folders.map(shellWord).join(' ')}; make it in the member, or take it back here: git -C ${shellWord(path)} revert <commit>`;
      return new EngineError('conflict', `${message}: it has commits of its own in ${folders}`, hint);
    }
    case 'half':
      return new EngineError(
        'conflict',
        `a plan landed in some of the members of ${path} only:\n${composed.said}`,
        'then try again',
      );
    case 'overlap': {
      const files = composed.files.slice(0, 10).join(', ');
      const hint = `commit or stash them: git -C ${shellWord(composed.checkout)} stash -u; ${thenContinues}`;
      return new EngineError(
        'branch_checked_out',
        `${message}: ${composed.checkout} has changes of its own in ${files}`,
        hint,
      );
    }
    case 'busy': {
      const hint = `finish or abort it; ${thenContinues}`;
      return new EngineError(
        'branch_checked_out',
        `${message}: ${composed.what} is under way in ${composed.checkout}`,
        hint,
      );
    }
    case 'git':
      return new EngineError(
        'branch_checked_out',
        `${message}: ${composed.said}`,
        `correct that in ${composed.checkout}`,
      );
    default:
      return new EngineError(
        'git_failed',
        `${message}, which is moved again and again, or is gone`,
        `see it: git -C ${shellWord(path)} log ${shellWord(into)}`,
      );
  }
}

/** The outcome of a landing, with the member whose branch could not be moved, or the members in which the plan landed. */
export type Landed =
  | CheckoutMerge
  | { readonly kind: 'moved' }
  | { readonly kind: 'member'; readonly of: Member; readonly obstacle: Exclude<CheckoutMerge, { kind: 'merged' }> }
  | { readonly kind: 'half'; readonly detail: string };

/** As `mergePrepared`, but moves the members' branches first if the target branch contains their files. */
export async function landPrepared(
  parts: OrderParts,
  place: Place,
  { plan, ...wanted }: PreparedFor & { readonly plan: string },
): Promise<Landed> {
  const composite = await compositeOf(parts, place, plan);
  if (composite === null || composite.into !== wanted.into) return mergePrepared(place.repository, wanted);
  return landedAs(await landMembers(place.repository, { ...wanted, members: composite.members, faults: parts.faults }));
}

function landedAs(landed: MembersLanded): Landed {
  switch (landed.kind) {
    case 'hindered':
      return { kind: 'member', of: landed.member, obstacle: landed.obstacle };
    case 'half':
      return { kind: 'half', detail: landed.said };
    // The next try reports the reason.
    case 'own_work':
      return { kind: 'moved' };
    default:
      return landed;
  }
}

/** The members in which a plan landed, one per line, with the new commit and how to undo it; null: none. `head`: the commit with the plan. */
export async function landedNote(
  parts: OrderParts,
  place: Place,
  { plan, head }: { readonly plan: string; readonly head: string },
): Promise<string | null> {
  const composite = await compositeOf(parts, place, plan);
  if (composite === null || (await findCommit(place.repository, `${head}^2`)) === null) return null;
  const [before, now] = [await membersAt(place.repository, `${head}^1`), await membersAt(place.repository, head)];
  const lines: string[] = [];
  for (const { folder, repository, branch } of composite.members) {
    const [from, to] = [before.get(folder), now.get(folder)];
    if (from === undefined || to === undefined || from === to) continue;
    const back = await revertOf(repository.path, from, to);
    lines.push(`${folder}: ${branch} of ${repository.path} has it, ${to.slice(0, 12)}; take it back: ${back}`);
  }
  return lines.length === 0 ? null : lines.join('\n');
}

/** Merges a plan into that branch of a repo with members. null: the repo has no members, or the branch does not contain their files. */
export async function mergeIntoMembers(
  parts: OrderParts,
  place: Place,
  { plan, ...wanted }: { plan: string; from: string; into: string; message: string; only: string | null },
): Promise<Landed | null> {
  if ((await compositeOf(parts, place, plan))?.into !== wanted.into) return null;
  for (let round = 1; ; round += 1) {
    await refreshMembers(parts, place);
    const made = await prepareMerge(place.repository, wanted);
    if (made.kind !== 'new') return made;
    const landed = await landPrepared(parts, place, { ...made, into: wanted.into, plan });
    if (landed.kind !== 'moved' || round === maxRounds) return landed;
  }
}
