/**
 * The acts of a line: the branch that a done plan lands on, the merge of the two as a commit that is on no branch, the check of that very commit, and the move of
 * the branch to it. Each runs again safely: git is asked what an earlier try did.
 */
import type {
  LandingCheck,
  LandingFind,
  LandingMerge,
  LandingPrepare,
  Workplace,
} from '../../../machines/vocabulary/effect.ts';
import { worktreeName } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { ReviewAgain } from '../../base/config/config.ts';
import { oneLine } from '../../base/platform/terminal-text.ts';
import type { Handler, Outcome } from '../../core/outbox/handler.ts';
import { mergePrepared, prepareMerge } from '../git/checkout-merge.ts';
import { ownGit } from '../git/git.ts';
import { takeIntoBranch } from '../git/joint-base.ts';
import { parentOf } from '../git/objects.ts';
import { branchRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { type BroughtUp, broughtUp } from '../git/same-change.ts';
import type { CheckParts } from './check-run.ts';
import { lostWork, tellLostWork } from './lost-work.ts';
import { checkMerge } from './merge-check.ts';
import { mayMerge, type Names, refusal } from './plan-merge.ts';
import { type EffectParts, siteOf } from './workplace.ts';

/** A fixer's message names so many commits of the branch, and so many files, each on a line of so many characters: others wrote both. */
const toldCommits = 20;
const toldFiles = 100;
const lineLength = 200;

/** The plan that a plan is based on may be before it in the line, so its base is looked up when it is its turn. */
export function createLandingFind(parts: EffectParts): Handler<LandingFind> {
  return async ({ branch, into }, context): Promise<Outcome> => {
    const { row } = context;
    const site = await siteOf(parts, row, { branch, from: branch });
    const asked = { verb: 'land', plan: row.plan, branch, into, approved: null, withAfter: true } as const;
    const found = await mayMerge(parts, site, { ...asked, lost: () => tellLostWork(parts, context, branch) });
    return 'type' in found ? found : { type: 'line_found', payload: { into: found.into } };
  };
}

/**
 * The target branch is not moved. What is in it already has landed. Where bringing the plan up to date changed what was approved, the plan's own branch gets
 * that, so that it is judged as it would land.
 */
export function createLandingPrepare(parts: EffectParts): Handler<LandingPrepare> {
  return async ({ plan, branch, into, message, approved, on }, { row }): Promise<Outcome> => {
    const site = await siteOf(parts, row, { branch, from: branch });
    const { repository, project } = site;
    const { check, strategy, reviewAgain, batch } = project.config.landing;
    const asked = { verb: 'land', plan, branch, into, approved, withAfter: false, on } as const;
    const lost = () => lostWork(parts.store, repository, { project: row.project, plan, branch });
    const names = await mayMerge(parts, site, { ...asked, lost });
    if ('type' in names) return names;
    const wanted = { from: branch, into, message, only: approved?.sha ?? null, on, rebase: strategy === 'rebase' };
    const made = await prepareMerge(repository, wanted);
    parts.faults?.('landing.after-prepare');
    switch (made.kind) {
      case 'new': {
        const { commit, base, tip } = made;
        const found =
          approved === null ? 'as_it_was' : await broughtUp(repository, { tip, target: base, merged: commit });
        if (approved === null || !isToBeReviewed(reviewAgain, found))
          return { type: 'landing_prepared', payload: { commit, base, tip, check: check ?? '', batch } };
        // With another plan before it, it is not known yet what it would land on.
        if (on === null) await bringUpToDate(repository, { branch, into, base });
        parts.faults?.('landing.after-update');
        return refusal({ kind: 'outdated', by: approved.by }, names);
      }
      case 'merged':
        return { type: 'plan_merged', payload: { head: made.head, into, tip: made.tip } };
      case 'conflict':
        return refusal(made, names, await conflictBrief(repository, { branch, into, files: made.files }));
      default:
        return refusal(made, names);
    }
  };
}

/** By `[landing] review_again`. What conflicts is reviewed in any case: a fixer resolves it. */
function isToBeReviewed(reviewAgain: ReviewAgain, found: BroughtUp): boolean {
  if (found === 'as_it_was' || reviewAgain === 'never') return false;
  return reviewAgain === 'always' || found === 'other_change';
}

/** The plan's branch gets what came to the other one. If it has moved meanwhile, it is judged anew without. */
async function bringUpToDate(
  repository: Repository,
  { branch, into, base }: { branch: string; into: string; base: string },
): Promise<void> {
  const message = `Merge ${into} into ${branch}`;
  await takeIntoBranch(repository, { branch, commit: base, message });
}

export function createLandingCheck(parts: CheckParts): Handler<LandingCheck> {
  return async ({ plan, branch, into, commit, command }, context): Promise<Outcome> => {
    const text = await checkMerge(parts, context, {
      ...{ plan, place: checkoutOf(branch), commit, command, of: `${branch} merged with ${into}` },
      afterCheckout: () => parts.faults?.('landing.after-checkout'),
      afterCheck: () => parts.faults?.('landing.after-check'),
    });
    if (text === null) return { type: 'check_passed', payload: {} };
    const { repository } = await siteOf(parts, context.row, { branch, from: branch });
    const names = { verb: 'land', plan, branch, into, repo: repository.path, approved: null } as const;
    return refusal(
      { kind: 'check', detail: text },
      names,
      await checkBrief(repository, { branch, into, commit, text }),
    );
  };
}

/** To the commit that was checked and to no other: if the branch has moved meanwhile, the plan begins anew. */
export function createLandingMerge(parts: EffectParts): Handler<LandingMerge> {
  return async ({ plan, branch, into, commit, base, tip }, { row }): Promise<Outcome> => {
    const { repository } = await siteOf(parts, row, { branch, from: branch });
    parts.faults?.('landing.before-merge');
    const merged = await mergePrepared(repository, { into, base, commit, tip });
    parts.faults?.('landing.after-merge');
    if (merged.kind === 'moved') return { type: 'landing_moved', payload: {} };
    if (merged.kind === 'merged') return { type: 'plan_merged', payload: { head: merged.head, into, tip } };
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
  { branch, into, files }: { branch: string; into: string; files: readonly string[] },
): Promise<string> {
  const target = await ownGit(repository.path, ['rev-parse', '--verify', branchRef(into)]);
  return [
    `The plan is done and approved, and ${into} has moved since it was begun: the two conflict in`,
    ...files.slice(0, toldFiles).map(listed),
    ...(await sidesOf(repository, { branch, into, target })),
  ].join('\n');
}

async function checkBrief(
  repository: Repository,
  { branch, into, commit, text }: { branch: string; into: string; commit: string; text: string },
): Promise<string> {
  const target = await parentOf(repository, commit, 1);
  return [
    `The plan is done and approved, but merged with ${into} as it is now it fails this check:`,
    text,
    ...(await sidesOf(repository, { branch, into, target })),
  ].join('\n');
}

/** What came to the branch meanwhile, and what to do about it. */
export async function sidesOf(
  { path }: Repository,
  { branch, into, target }: { branch: string; into: string; target: string },
): Promise<string[]> {
  const args = ['log', '--first-parent', `--max-count=${toldCommits}`, '--format=%s', target, `^${branchRef(branch)}`];
  return [
    `What came to ${into} meanwhile:`,
    ...(await ownGit(path, args)).split('\n').map(listed),
    `Merge it into your branch with: git merge ${shellWord(into)}`,
    'Resolve what conflicts so that both goals stand, yours and those above, and commit the merge.',
  ];
}

function listed(text: string): string {
  return `- ${oneLine(text).slice(0, lineLength)}`;
}
