/**
 * Merges the present base into a plan's branch that has work: the merge commit is made on no branch, `[landing] check` runs on it, and then the branch moves to it.
 * A ref keeps the merge commit meanwhile. After a crash the next engine continues with that commit and its check, or finds that the branch has moved to it.
 */
import type { Workplace } from '../../../machines/vocabulary/effect.ts';
import { worktreeName } from '../../../machines/vocabulary/ids.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import type { PlanBase } from '../../core/store/rows.ts';
import { advanceBranch, buildMerge } from '../git/merge.ts';
import { isAncestor, parentOf } from '../git/objects.ts';
import { moveRef, readRef, setRef } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import type { CheckParts } from './check-run.ts';
import { checkMerge } from './merge-check.ts';
import { remember } from './stored-base.ts';

interface Wanted {
  readonly repository: Repository;
  readonly branch: string;
  readonly head: string;
  readonly base: PlanBase;
  readonly check: string | null;
  /** true: a base that the branch already contains is checked too, because a fixer merged it. */
  readonly checksContained: boolean;
}

export type Refreshed =
  | { readonly kind: 'fresh'; readonly head: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
  | { readonly kind: 'check'; readonly detail: string }
  /** Another program or person moved the branch meanwhile. */
  | { readonly kind: 'moved' };

export async function refreshBranch(parts: CheckParts, context: EffectContext, wanted: Wanted): Promise<Refreshed> {
  const { repository, branch, head, base } = wanted;
  const name = `refs/stator/refresh/${branch}`;
  const made = await readRef(repository, name);
  const drop = async () => {
    const at = await readRef(repository, name);
    if (at !== null) await moveRef(repository, name, { from: at, to: null });
  };
  // The branch was moved, and the engine died before it could say so.
  if (made !== null && (await isAncestor(repository, made, head))) {
    await drop();
    return { kind: 'fresh', head };
  }
  // A check may have run on a merge with another head, and its result would be taken for the new one's.
  if (made !== null && (await parentOf(repository, made, 1)) !== head) {
    await drop();
    return { kind: 'moved' };
  }
  const candidate = made ?? (await merged(wanted));
  if (typeof candidate !== 'string') return { kind: 'conflict', files: candidate.files };
  const isContained = candidate === head;
  if (isContained && !wanted.checksContained) {
    await remember(parts, context.row, base);
    return { kind: 'fresh', head };
  }
  if (!isContained) await setRef(repository, name, candidate);
  parts.faults?.('branch-refresh.after-merge');
  const place: Workplace = { branch, from: branch, folder: `${worktreeName(branch)}~refresh` };
  const of = `${branch} merged with ${base.branch ?? 'its base'}`;
  const failure =
    wanted.check === null
      ? null
      : await checkMerge(parts, context, {
          plan: context.row.plan,
          place,
          commit: candidate,
          command: wanted.check,
          of,
        });
  parts.faults?.('branch-refresh.after-check');
  if (failure !== null) {
    await drop();
    return { kind: 'check', detail: failure };
  }
  // The expected result comes first: after a kill behind the move, it is found in the branch and left unchanged.
  const commit = isContained ? base.commit : await parentOf(repository, candidate, 2);
  await remember(parts, context.row, { ...base, commit });
  if (!isContained && !(await advanceBranch(repository, { branch, from: head, to: candidate }))) {
    await drop();
    return { kind: 'moved' };
  }
  parts.faults?.('branch-refresh.after-move');
  await drop();
  return { kind: 'fresh', head: candidate };
}

async function merged({ repository, branch, head, base }: Wanted): Promise<string | { files: readonly string[] }> {
  if (await isAncestor(repository, base.commit, head)) return head;
  const message = `Bring ${branch} up to date with ${base.branch ?? base.commit.slice(0, 12)}`;
  const built = await buildMerge(repository, { source: base.commit, target: head, message });
  if (built.kind === 'conflict') return built;
  return built.kind === 'new' ? built.head : head;
}
