/** Merges a done plan's branch into the one that people work on. What stands against it is an answer, with the files and what to do. */
import type { PlanMerge } from '../../machines/effect.ts';
import { shellWord } from '../../machines/shell-word.ts';
import { type CheckoutMerge, mergeIntoCheckout } from '../git/checkout-merge.ts';
import { readBaseOf } from '../git/refs.ts';
import { baseBranch } from '../git/repository.ts';
import type { Handler, Outcome } from './handler.ts';
import { type EffectParts, type Site, siteOf } from './workplace.ts';

/** As many files as the signal holds, and as many as a sentence names. */
const toldFiles = 100;
const shownFiles = 10;

/** Run again it answers the same merge. Into the branch that a person named, that `base_branch` names, or that the plan was begun from, in this order. */
export function createPlanMerge(parts: EffectParts): Handler<PlanMerge> {
  return async ({ branch, into: named, message }, { row }): Promise<Outcome> => {
    const site = await siteOf(parts, row, { branch, from: branch });
    const into = named ?? (await targetOf(site, branch));
    parts.faults('plan-merge.before-merge');
    const merged = await mergeIntoCheckout(site.repository, { from: branch, into, message });
    parts.faults('plan-merge.after-merge');
    if (merged.kind === 'merged') return { type: 'plan_merged', payload: { head: merged.head, into, tip: merged.tip } };
    return {
      type: 'merge_refused',
      payload: {
        why: merged.kind,
        into: merged.kind === 'no_branch' ? null : into,
        files: 'files' in merged ? merged.files.slice(0, toldFiles) : [],
        detail: detailOf(merged, { plan: row.plan, branch, into, repo: site.repository.path }),
      },
    };
  };
}

async function targetOf({ repository, project }: Site, branch: string): Promise<string> {
  const { baseBranch: configured } = project.config;
  if (configured !== '') return configured;
  return (await readBaseOf(repository, branch)) ?? (await baseBranch(repository, ''));
}

interface Names {
  readonly plan: string;
  readonly branch: string;
  readonly into: string;
  readonly repo: string;
}

function detailOf(refused: Exclude<CheckoutMerge, { kind: 'merged' }>, { plan, branch, into, repo }: Names): string {
  const again = `then: stator plan merge ${plan}`;
  switch (refused.kind) {
    case 'overlap':
      return `${refused.checkout}, where ${into} is checked out, has changes of its own in ${listOf(refused.files)}; commit or stash them (git -C ${shellWord(refused.checkout)} stash -u), ${again}`;
    case 'busy':
      return `${refused.what} is under way in ${refused.checkout}; finish or abort it, ${again}`;
    case 'conflict':
      return `${branch} and ${into} conflict in ${listOf(refused.files)}; merge ${into} into ${branch} and resolve them by hand, where that is checked out (git -C ${shellWord(repo)} worktree list) or in a checkout of your own, ${again}`;
    case 'no_branch':
      return `${into} is no branch of ${repo}, so there is nothing to merge into; name one: stator plan merge ${plan} --into main, or set base_branch in .stator/config.toml`;
    case 'no_work':
      return `there is no branch ${branch}: nothing was done that could be merged`;
    case 'git':
      return `git would not fast-forward ${into} in ${refused.checkout}: ${refused.said || 'it said nothing'}; mend that, ${again}`;
    default:
      return refused satisfies never;
  }
}

function listOf(files: readonly string[]): string {
  const more = files.length > shownFiles ? ` and ${files.length - shownFiles} more` : '';
  return `${files.slice(0, shownFiles).join(', ')}${more}`;
}
