/**
 * What a coordinator leaves in the plan's worktree. It is there to judge: nothing of it may get into the plan's branch unseen, and nothing may be
 * lost. Only a verifier may change small things itself, and then the plan must know how much.
 */
import type { AgentRun } from '../../machines/vocabulary/effect.ts';
import { runName } from '../../machines/vocabulary/ids.ts';
import { isWorker } from '../../machines/vocabulary/role.ts';
import { changedLines } from '../git/changed-lines.ts';
import { attemptRef, branchRef, readRef } from '../git/refs.ts';
import { prepareWorktree } from '../git/worktree.ts';
import { adminDirOf, inWorktree, isOwnFolder } from '../git/worktree-list.ts';
import type { EffectContext } from './handler.ts';
import { baseOf, type EffectParts, siteOf } from './workplace.ts';

export type Leftovers =
  | { readonly kind: 'none' }
  /** `ref` keeps what was uncommitted, and with `commits` the commits that were taken off the branch. */
  | { readonly kind: 'kept'; readonly ref: string; readonly commits: boolean }
  /** A verifier's commits stay: so many lines between the commit that its run began from and the branch's head. */
  | { readonly kind: 'fixed'; readonly head: string; readonly since: string; readonly lines: number };

/**
 * Called when the last process of a coordinator's run has gone; called again it answers the same or `none`. What is uncommitted is kept as
 * `refs/stator/attempts/<run>` and taken out of the worktree. Commits of a planner, an architect or a reviewer are kept there too, and the plan's
 * branch goes back to where the run began; a verifier's stay on it.
 */
export async function tidyCoordinator(
  parts: EffectParts,
  { id, role, place }: AgentRun,
  { row }: Pick<EffectContext, 'row'>,
): Promise<Leftovers> {
  const base = await baseOf(parts, row, id);
  if (isWorker(role) || base === null || place.branch !== place.from) return { kind: 'none' };
  const { repository, worktree } = await siteOf(parts, row, place);
  const head = await readRef(repository, branchRef(place.branch));
  const adminDir = (await isOwnFolder(worktree)) ? await adminDirOf(repository, worktree) : null;
  if (head === null || adminDir === null) return { kind: 'none' };
  // Not into submodules: git would start a git there, which obeys what the agent wrote into its configuration.
  const asked = ['status', '--porcelain', '--ignore-submodules=dirty'];
  const isDirty = (await inWorktree({ path: worktree, adminDir }, asked)) !== '';
  const stays = role === 'verifier';
  if (isDirty || (!stays && head !== base)) {
    const run = runName(row.project, row.plan, id);
    const start = stays ? head : base;
    const wanted = { path: worktree, branch: place.branch, run, previousRun: run, start, reset: true };
    await prepareWorktree(repository, wanted);
    if (!stays || head === base) return { kind: 'kept', ref: attemptRef(run), commits: head !== base };
  }
  if (head === base) return { kind: 'none' };
  return { kind: 'fixed', head, since: base, lines: await changedLines(repository, base, head) };
}
