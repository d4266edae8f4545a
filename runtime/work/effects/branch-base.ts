/**
 * Makes the base of a plan that waited for other plans. It contains them: the branch that the plan merges into, and, for each plan that is not merged there,
 * the commit at which it was done. The engine's stored commit counts, not the present ref. The plan's changes are counted from that base. A second run finds
 * the first one's result.
 */

import { storedPlan } from '../../../actors/stored-tree.ts';
import { approvalOf } from '../../../machines/plan/context.ts';
import type { BranchBase } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Handler, Outcome } from '../../core/outbox/handler.ts';
import type { Store } from '../../core/store/port.ts';
import type { PlanBase } from '../../core/store/rows.ts';
import { ensureBranch, movedMeanwhile } from '../git/branch.ts';
import { holdsWork, joinCommits, type NamedCommit, restartBranch, takeIntoBranch } from '../git/joint-base.ts';
import { findCommit, isAncestor } from '../git/objects.ts';
import { beginningOf } from '../git/plan-base.ts';
import { branchRef, readRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { type Refreshed, refreshBranch } from './branch-refresh.ts';
import type { CheckParts } from './check-run.ts';
import { sidesOf } from './landing.ts';
import { refreshMembers } from './members.ts';
import { knownBase, remember } from './stored-base.ts';
import { siteOf } from './workplace.ts';

/** The most files in the signal, and the most files that a sentence names. */
const sentFiles = 100;
const shownFiles = 10;

export function createBranchBase(parts: CheckParts): Handler<BranchBase> {
  return async ({ branch, after, refresh }, context): Promise<Outcome> => {
    const { row } = context;
    const { repository, project } = await siteOf(parts, row, { branch, from: branch });
    const known = await Promise.all(after.map((plan) => doneAt(parts.store, row.project, plan)));
    const unmet = after.filter((_plan, index) => known[index] === null);
    if (unmet.length > 0) return { type: 'base_unmet', payload: { plans: unmet } };
    const before = await knownBase(parts, row);
    const { baseBranch: configured, baseFetch } = project.config;
    const isRefresh = refresh !== undefined;
    const baseBranch = configured === '' && isRefresh ? (before?.branch ?? '') : configured;
    await refreshMembers(parts, { project, repository });
    const trunk = await beginningOf({ baseBranch, baseFetch }, repository);
    const wanted = await partsOf(repository, trunk.commit, after, known);
    const head = await readRef(repository, branchRef(branch));
    const joint = await joinCommits(repository, wanted.commits);
    if (joint.kind === 'conflict') {
      if (!isRefresh && head !== null && (await containsAll(repository, wanted.commits, head))) return based(head);
      const [first, second] = joint.between;
      return conflict(
        joint.files,
        `${first.join(', ')} and ${second}, which ${row.plan} waits for, conflict`,
        row.plan,
      );
    }
    const base: PlanBase = { branch: trunk.branch, commit: joint.commit, on: wanted.on };
    if (isRefresh && head !== null) {
      // The plan began from a tag or a commit, which gets no new commits.
      if (before?.branch === null) return based(head);
      const check = project.config.landing.check;
      const wish = { repository, branch, head, base, check, checksContained: refresh.contained };
      const found = await refreshBranch(parts, context, wish);
      switch (found.kind) {
        case 'fresh':
          return based(found.head);
        case 'moved':
          return { type: 'base_unmet', payload: { plans: [] } };
        default:
          return unfit(repository, { ...row, branch, base, found });
      }
    }
    parts.faults?.('branch-base.before-move');
    if (head === null || head === joint.commit) {
      await ensureBranch(repository, { branch, start: joint.commit });
    } else if (await containsAll(repository, wanted.commits, head)) {
      return based(head);
    } else if (await holdsNothing(repository, head, [before?.commit ?? null, trunk.commit, joint.commit])) {
      await ensureBranch(repository, { branch, start: joint.commit });
      if (!(await restartBranch(repository, { branch, from: head, to: joint.commit })))
        throw movedMeanwhile(repository, branch);
    } else {
      // The expected result comes first: after a kill behind the merge, it is found in the branch and left unchanged.
      await remember(parts, row, base);
      const message = `${row.plan}: with ${after.join(', ')}`;
      const taken = await takeIntoBranch(repository, { branch, commit: joint.commit, message });
      if (taken.kind === 'moved') throw movedMeanwhile(repository, branch);
      if (taken.kind === 'conflict')
        return conflict(taken.files, `what is on ${branch} already and ${after.join(', ')} conflict`, row.plan);
      parts.faults?.('branch-base.after-move');
      return based(taken.head);
    }
    parts.faults?.('branch-base.after-move');
    await remember(parts, row, base);
    return based(joint.commit);
  };
}

interface Done {
  /** null: the plan was done without a branch, so there is nothing to contain. */
  readonly commit: string | null;
}

/** The commit of a done plan's work: the approved one, otherwise the one that its agents left. null: the plan is not done. */
async function doneAt(
  { plan: readPlan, tree }: Pick<Store, 'plan' | 'tree'>,
  project: string,
  plan: string,
): Promise<Done | null> {
  const row = await readPlan(project, plan);
  if (row?.status !== 'done') return null;
  const address = planTree(project, plan);
  const found = await tree(address);
  if (found === null) return { commit: null };
  const { context } = storedPlan(address, found.stored);
  return { commit: approvalOf(context)?.sha ?? context.head };
}

/** The commits of the base, and the plans in it that are not in the trunk. */
async function partsOf(
  repository: Repository,
  trunk: string,
  after: readonly string[],
  known: readonly (Done | null)[],
): Promise<{ commits: NamedCommit[]; on: { plan: string; commit: string }[] }> {
  const on: { plan: string; commit: string }[] = [];
  let isInTrunk = false;
  for (const [index, plan] of after.entries()) {
    const commit = known[index]?.commit ?? null;
    if (commit === null) continue;
    if ((await findCommit(repository, commit)) === null) throw goneCommit(repository, plan, commit);
    if (await holdsWork(repository, trunk, commit)) isInTrunk = true;
    else on.push({ plan, commit });
  }
  const commits = on.map(({ plan, commit }) => ({ name: plan, commit }));
  // A merged plan is contained in the branch that it was merged into.
  if (isInTrunk || commits.length === 0) commits.unshift({ name: 'the base branch', commit: trunk });
  return { commits, on };
}

async function containsAll(repository: Repository, commits: readonly NamedCommit[], head: string): Promise<boolean> {
  for (const { commit } of commits) if (!(await isAncestor(repository, commit, head))) return false;
  return true;
}

/** Whether one of the other commits already contains the branch's head, so that the branch has no work of its own. */
async function holdsNothing(
  repository: Repository,
  head: string,
  elsewhere: readonly (string | null)[],
): Promise<boolean> {
  for (const commit of elsewhere) if (commit !== null && (await isAncestor(repository, head, commit))) return true;
  return false;
}

function based(head: string): Outcome {
  return { type: 'branch_based', payload: { head } };
}

function conflict(files: readonly string[], what: string, plan: string): Outcome {
  const where = shortList(files, shownFiles);
  const name = shellWord(plan);
  const detail = `${what} in ${where}; merge them into the branch that they go into (stator plan merge <plan>), resolving that by hand, then: stator plan answer ${name}; or take one of them out of **After:** first: stator plan update-content ${name}`;
  return { type: 'base_conflicted', payload: { files: files.slice(0, sentFiles), detail } };
}

/** Reports that the branch and its base conflict, with one text for a person and one for a fixer. */
async function unfit(
  repository: Repository,
  {
    plan,
    branch,
    base,
    found,
  }: { plan: string; branch: string; base: PlanBase; found: Extract<Refreshed, { kind: 'conflict' | 'check' }> },
): Promise<Outcome> {
  const into = base.branch ?? base.commit.slice(0, 12);
  const files = found.kind === 'conflict' ? found.files : [];
  const what =
    found.kind === 'conflict'
      ? `${branch} and ${into} conflict in ${shortList(files, shownFiles)}`
      : `merged with ${into}, ${branch} fails its check: ${found.detail}`;
  const name = shellWord(plan);
  const detail = `${what}\nmerge ${into} into ${branch} by hand, where that is checked out, then: stator plan answer ${name}; or go on from the base that it has: stator plan answer ${name} --accept`;
  const body = [
    `The plan is under way, and ${into} has moved since it was begun. ${what}`,
    ...(await sidesOf(repository, { branch, into: base.commit, target: base.commit })),
  ].join('\n');
  return { type: 'base_conflicted', payload: { files: files.slice(0, sentFiles), detail, body } };
}

function goneCommit({ path }: Repository, plan: string, commit: string): EngineError {
  return new EngineError(
    'git_failed',
    `the commit ${commit.slice(0, 12)}, at which plan ${plan} was done, is no longer in ${path}`,
    `bring it back from where it was pushed to (git -C ${shellWord(path)} fetch), or take ${plan} out of **After:**`,
  );
}
