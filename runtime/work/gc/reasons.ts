/** Why something that a round of cleaning found stays: decided from what was read of it, without a look at git, the disk or processes. */
import { isOver as isEnded } from '../../../machines/vocabulary/plan-status.ts';
import type { CleaningOverride } from '../../api/contract/cleaning.ts';
import type { FolderUser } from '../../base/platform/folder-users.ts';
import type { LaunchTrace, PlanTrace } from '../../core/store/rows.ts';
import type { Ref } from '../git/refs.ts';
import type { Loss } from '../git/worktree.ts';

/** `override`: the flag that deletes it anyway. */
export interface Reason {
  readonly why: string;
  readonly override: CleaningOverride | null;
}

/** What a round deletes. */
export interface Bounds {
  /** Things that ended before this time are deleted. */
  readonly beforeMs: number;
  readonly overrides: ReadonlySet<CleaningOverride>;
  /** Refs of attempts with which this round saved what it removed; the refs of repositories inside begin with such a name. */
  readonly made: ReadonlySet<string>;
}

export const keptAs = (why: string, override: CleaningOverride | null = null): Reason => ({ why, override });

/** The reason, unless a person overrides it. */
export function keptBy({ overrides }: Pick<Bounds, 'overrides'>, reason: Reason | null): Reason | null {
  return reason?.override != null && overrides.has(reason.override) ? null : reason;
}

export function isOver({ status, deletedAt }: PlanTrace): boolean {
  return deletedAt !== null || isEnded(status);
}

/** Why a plan counts as not over for long enough; null: it does, or there is no plan. */
export function notOver({ beforeMs }: Pick<Bounds, 'beforeMs'>, plan: PlanTrace | undefined): Reason | null {
  if (plan === undefined) return null;
  const { status, deletedAt, updatedAt } = plan;
  if (!isOver(plan)) return keptAs(`its plan is ${status}`);
  if ((deletedAt ?? updatedAt) >= beforeMs)
    return keptAs(`its plan is ${deletedAt === null ? status : 'deleted'}, but not for long enough`);
  return null;
}

/** The reason of a worktree that anybody may have made. `folder`: where stator makes those of the repo. */
export const notInPlace = (folder: string): string => `it does not lie in ${folder}, where stator makes them`;
/** The reason of a file among the folders of runs. */
export const noFolder = 'it is no folder, so no run of stator made it';

/** Why a worktree stays, by the store and by its place; null: it may go. `folder`: the folder in which stator makes the repo's worktrees. */
export function reasonOfWorktree(
  bounds: Pick<Bounds, 'beforeMs'>,
  found: {
    readonly branch: string;
    readonly folder: string;
    readonly isInPlace: boolean;
    readonly plan: PlanTrace | undefined;
  },
): Reason | null {
  if (!found.isInPlace) return keptAs(notInPlace(found.folder));
  if (found.plan === undefined) return keptAs(`no plan of this store has ${found.branch}: stator doctor`);
  return notOver(bounds, found.plan);
}

/** What processes and git say of a worktree whose plan is over. `loss` is a text where git could not be asked. */
export interface WorktreeUse {
  readonly user: FolderUser | null;
  readonly loss: Loss | string | null;
}

export function reasonOfUse({ overrides }: Pick<Bounds, 'overrides'>, { user, loss }: WorktreeUse): Reason | null {
  const inUse = keptBy({ overrides }, reasonOfProcesses(null, user));
  if (inUse !== null) return inUse;
  if (loss === null) return null;
  return typeof loss === 'string' ? keptAs(loss) : reasonOfLoss(loss);
}

export function reasonOfLoss({ cause, why }: Loss): Reason {
  return keptAs(why, cause === 'uncommitted' || cause === 'unmerged' ? cause : null);
}

/** Why the folder of a run stays, by the store; null: it may go. `launch`: the run that has it. */
export function reasonOfRunFolder(
  bounds: Pick<Bounds, 'beforeMs'>,
  { launch, plan }: { readonly launch: LaunchTrace | undefined; readonly plan: PlanTrace | undefined },
): Reason | null {
  if (launch === undefined) return keptAs('no run that this store knows has it');
  const { status, finishedAt } = launch;
  if (status === 'queued' || status === 'running') return keptAs('its run is not over');
  const reason = notOver(bounds, plan);
  if (reason !== null) return reason;
  return finishedAt !== null && finishedAt >= bounds.beforeMs ? keptAs('its run ended not long ago') : null;
}

/** Why a folder stays that processes use. `pid`: the wrapper process or the agent of its run, alive. `user`: a process whose working directory it is. */
export function reasonOfProcesses(pid: number | null, user: FolderUser | null): Reason | null {
  if (pid !== null) return keptAs(`pid ${pid} of its run lives`, 'in_use');
  return user === null ? null : keptAs(`pid ${user.pid} (${user.name}) has its working directory in it`, 'in_use');
}

/** The reason for which a symbolic ref stays. */
export const isOtherName = 'it is a name for another ref, which stator makes none of';

/** Why a branch with our mark stays; null: it may go. `path`: a worktree that has it checked out. `isLost`: nothing else reaches its commits. */
export function reasonOfBranch(
  bounds: Pick<Bounds, 'beforeMs'>,
  found: {
    readonly mark: Pick<Ref, 'isSymbolic'>;
    readonly ref: Pick<Ref, 'isSymbolic'> | undefined;
    readonly plan: PlanTrace | undefined;
    readonly path: string | undefined;
    readonly isLost: boolean;
  },
): Reason | null {
  if (found.plan === undefined) return keptAs('no plan of this store has it');
  if (found.mark.isSymbolic || found.ref?.isSymbolic === true) return keptAs(isOtherName);
  const reason = notOver(bounds, found.plan);
  if (reason !== null) return reason;
  if (found.path !== undefined) return keptAs('a worktree uses it');
  return found.isLost ? keptAs('its commits are in no other branch and on no remote', 'unmerged') : null;
}

/**
 * Of a ref of an attempt or an archive. Its commits may be younger than the end of its plan: what is left in a worktree that is removed becomes such a ref.
 * `isLost`: no branch has its commits.
 */
export function reasonOfSavedRef(
  bounds: Pick<Bounds, 'beforeMs' | 'made'>,
  found: {
    readonly ref: Pick<Ref, 'name' | 'committedMs' | 'isSymbolic'>;
    readonly plan: PlanTrace | undefined;
    readonly isLost: boolean;
  },
): Reason | null {
  if (found.plan === undefined) return keptAs('its name tells no plan of this store');
  const reason = notOver(bounds, found.plan);
  if (reason !== null) return reason;
  if (found.ref.isSymbolic) return keptAs(isOtherName);
  if (
    found.ref.committedMs >= bounds.beforeMs ||
    [...bounds.made].some((made) => `${found.ref.name}-`.startsWith(`${made}-`))
  )
    return keptAs('what it keeps was made not long ago');
  return found.isLost ? keptAs('it holds work that is in no branch and on no remote', 'unmerged') : null;
}
