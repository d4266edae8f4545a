/**
 * The effects of a landing line: they find the target branch of a done plan, merge both into a commit that is on no branch, check exactly that
 * commit, and move the target branch to it. Each effect may run again: git shows the result of an earlier try.
 */
import type {
  LandingCheck,
  LandingFind,
  LandingMerge,
  LandingPrepare,
  Workplace,
} from '../../../machines/vocabulary/effect.ts';
import { worktreeName } from '../../../machines/vocabulary/ids.ts';
import type { LandingPull } from '../../../machines/vocabulary/landing.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { ReviewAgain } from '../../base/config/config.ts';
import { oneLine } from '../../base/platform/terminal-text.ts';
import type { EffectContext, Handler, Outcome } from '../../core/outbox/handler.ts';
import { prepareMerge } from '../git/checkout-merge.ts';
import { ownGit } from '../git/git.ts';
import { takeIntoBranch } from '../git/joint-base.ts';
import { parentOf } from '../git/objects.ts';
import { branchRef, readRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { type BroughtUp, broughtUp } from '../git/same-change.ts';
import type { CheckParts } from './check-run.ts';
import { type ByForge, findForgeLine, mergeByForge, prepareForForge } from './landing-forge.ts';
import { lostWork, reportLostWork } from './lost-work.ts';
import { landedNote, landPrepared, refreshMembers } from './members.ts';
import { checkMerge } from './merge-check.ts';
import { mayMerge, type Names, refusal } from './plan-merge.ts';
import type { ForgeParts } from './with-forge.ts';
import { type EffectParts, siteOf } from './workplace.ts';

/** The most commits and files in a message to a fixer, and the most characters of each: other people wrote both. */
const shownCommits = 20;
const shownFiles = 100;
const lineLength = 200;

/** The base of the plan may be another plan that is earlier in the line, so it is read when the plan is at the head. */
export function createLandingFind(parts: ForgeParts): Handler<LandingFind> {
  return async (effect, context): Promise<Outcome> => {
    if (isByForge(effect)) return findForgeLine(parts, effect, context);
    const { branch, into } = effect;
    const { row } = context;
    const site = await siteOf(parts, row, { branch, from: branch });
    const asked = { verb: 'land', plan: row.plan, branch, into, approved: null, withAfter: true } as const;
    const found = await mayMerge(parts, site, { ...asked, lost: () => reportLostWork(parts, context, branch) });
    if ('type' in found) return found;
    // A mistyped name must not create a line.
    if ((await readRef(site.repository, branchRef(found.into))) === null) return refusal({ kind: 'no_branch' }, found);
    return { type: 'line_found', payload: { into: found.into } };
  };
}

/**
 * The target branch is not moved. A plan whose commits it already contains has landed. If bringing the plan up to date changed what was approved, the plan's
 * own branch moves to the result, which is then judged.
 */
export function createLandingPrepare(parts: ForgeParts): Handler<LandingPrepare> {
  return async (effect, context): Promise<Outcome> => {
    if (isByForge(effect))
      return prepareForForge(parts, effect, context, ({ target, names, isHalf }) =>
        prepare(parts, context, { effect, names, target, isHalf: isHalf === true }),
      );
    const { plan, branch, into, approved, on } = effect;
    const site = await siteOf(parts, context.row, { branch, from: branch });
    const { repository, project } = site;
    const asked = { verb: 'land', plan, branch, into, approved, withAfter: false, on } as const;
    const lost = () => lostWork(parts, repository, { project: project.project, plan, branch });
    const names = await mayMerge(parts, site, { ...asked, lost });
    if ('type' in names) return names;
    if (on === null) await refreshMembers(parts, site);
    return prepare(parts, context, { effect, names, target: null, isHalf: false });
  };
}

function isByForge<E extends { readonly pull?: LandingPull }>(effect: E): effect is ByForge<E> {
  return effect.pull !== undefined;
}

interface Preparing {
  readonly effect: LandingPrepare;
  readonly names: Names;
  /** The branch on its forge; null: the local branch is used. */
  readonly target: string | null;
  readonly isHalf: boolean;
}

async function prepare(
  parts: EffectParts,
  { row }: EffectContext,
  { effect, names, target, isHalf }: Preparing,
): Promise<Outcome> {
  const { branch, into, message, approved, pull, on } = effect;
  const { repository, project } = await siteOf(parts, row, { branch, from: branch });
  const { check, strategy, reviewAgain, batch } = project.config.landing;
  const only = pull?.head ?? approved?.sha ?? null;
  // A forge makes the commits that land.
  const rebase = strategy === 'rebase' && pull === undefined;
  const made = await prepareMerge(repository, { from: branch, into, message, only, on: on ?? target, rebase });
  parts.faults?.('landing.after-prepare');
  switch (made.kind) {
    case 'new': {
      const { commit, base, tip } = made;
      const found =
        approved === null || isHalf
          ? 'as_it_was'
          : await broughtUp(repository, { head: tip, target: base, merged: commit });
      if (approved === null || !isToBeReviewed(reviewAgain, found)) {
        const together = pull === undefined && project.config.members.length === 0 ? batch : 1;
        return { type: 'landing_prepared', payload: { commit, base, tip, check: check ?? '', batch: together } };
      }
      // If the plan is based on another plan in the line, its base is not known yet.
      const head = on === null ? await bringUpToDate(repository, { branch, into, base }) : null;
      parts.faults?.('landing.after-update');
      return refusal({ kind: 'outdated', by: approved.by }, names, head === null ? {} : { head });
    }
    case 'merged':
      return { type: 'plan_merged', payload: { head: made.head, into, tip: made.tip } };
    case 'conflict':
      return refusal(made, names, {
        body: await conflictBrief(repository, { branch, into, files: made.files, target }),
      });
    case 'unapproved':
      // If nobody judges the plan, its new head counts, and its pull request gets that.
      return refusal(made, names, approved === null ? { head: made.tip } : {});
    default:
      return refusal(made, names);
  }
}

/** By `[landing] review_again`. A conflict is reviewed in any case, because a fixer resolves it. */
function isToBeReviewed(reviewAgain: ReviewAgain, found: BroughtUp): boolean {
  if (found === 'as_it_was' || reviewAgain === 'never') return false;
  return reviewAgain === 'always' || found === 'other_change';
}

/** Merges the new commits of the target branch into the plan's branch. If the plan's branch has moved meanwhile, it is judged again without them. */
async function bringUpToDate(
  repository: Repository,
  { branch, into, base }: { branch: string; into: string; base: string },
): Promise<string | null> {
  const message = `Merge ${into} into ${branch}`;
  const taken = await takeIntoBranch(repository, { branch, commit: base, message });
  return taken.kind === 'taken' ? taken.head : null;
}

export function createLandingCheck(parts: CheckParts): Handler<LandingCheck> {
  return async ({ plan, branch, into, commit, command, pull }, context): Promise<Outcome> => {
    const text = await checkMerge(parts, context, {
      ...{ plan, place: checkoutOf(branch), commit, command, of: `${branch} merged with ${into}` },
      afterCheckout: () => parts.faults?.('landing.after-checkout'),
      afterCheck: () => parts.faults?.('landing.after-check'),
    });
    if (text === null) return { type: 'check_passed', payload: {} };
    const { repository } = await siteOf(parts, context.row, { branch, from: branch });
    const names = { verb: 'land', plan, branch, into, repo: repository.path, approved: null } as const;
    return refusal({ kind: 'check', detail: text }, names, {
      body: await checkBrief(repository, { branch, into, commit, text, isThere: pull !== undefined }),
    });
  };
}

/** Moves the target branch only to the checked commit. If the branch has moved meanwhile, the plan is merged again. */
export function createLandingMerge(parts: ForgeParts): Handler<LandingMerge> {
  return async (effect, context): Promise<Outcome> => {
    if (isByForge(effect)) return mergeByForge(parts, effect, context);
    const { plan, branch, into, commit, base, tip } = effect;
    const { row } = context;
    const { project, repository } = await siteOf(parts, row, { branch, from: branch });
    parts.faults?.('landing.before-merge');
    const merged = await landPrepared(parts, { project, repository }, { plan, into, base, commit, tip });
    parts.faults?.('landing.after-merge');
    if (merged.kind === 'moved') return { type: 'landing_moved', payload: {} };
    if (merged.kind === 'merged') {
      const note = await landedNote(parts, { project, repository }, { plan, head: merged.head });
      return { type: 'plan_merged', payload: { head: merged.head, into, tip, ...(note !== null && { note }) } };
    }
    const names: Names = { verb: 'land', plan, branch, into, repo: repository.path, approved: null };
    return refusal(merged, names);
  };
}

/** No branch has `~` in its name. */
function checkoutOf(branch: string): Workplace {
  return { branch, from: branch, folder: `${worktreeName(branch)}~landing` };
}

async function conflictBrief(
  repository: Repository,
  {
    branch,
    into,
    files,
    target: there,
  }: { branch: string; into: string; files: readonly string[]; target: string | null },
): Promise<string> {
  const target = there ?? (await ownGit(repository.path, ['rev-parse', '--verify', branchRef(into)]));
  return [
    `The plan is done and approved, and ${into} has moved since it was begun: the two conflict in`,
    ...files.slice(0, shownFiles).map(listed),
    ...(await sidesOf(repository, { branch, into, target, name: there ?? into })),
  ].join('\n');
}

async function checkBrief(
  repository: Repository,
  {
    branch,
    into,
    commit,
    text,
    isThere,
  }: { branch: string; into: string; commit: string; text: string; isThere: boolean },
): Promise<string> {
  const target = await parentOf(repository, commit, 1);
  return [
    `The plan is done and approved, but merged with ${into} as it is now it fails this check:`,
    text,
    ...(await sidesOf(repository, { branch, into, target, name: isThere ? target : into })),
  ].join('\n');
}

/** The new commits of the branch, and the remedy. `name`: the commit that git is to merge. */
export async function sidesOf(
  { path }: Repository,
  { branch, into, target, name = into }: { branch: string; into: string; target: string; name?: string },
): Promise<string[]> {
  const args = ['log', '--first-parent', `--max-count=${shownCommits}`, '--format=%s', target, `^${branchRef(branch)}`];
  return [
    `What came to ${into} meanwhile:`,
    ...(await ownGit(path, args)).split('\n').map(listed),
    `Merge it into your branch with: git merge ${shellWord(name)}`,
    'Resolve what conflicts so that both goals are met, yours and those above, and commit the merge.',
  ];
}

function listed(text: string): string {
  return `- ${oneLine(text).slice(0, lineLength)}`;
}
