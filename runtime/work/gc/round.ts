/** One round of clearing away: what is asked for, what was found so far, and how it makes room for others between two steps. */

import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { withoutTask } from '../../../machines/vocabulary/ids.ts';
import { isOver as isEnded } from '../../../machines/vocabulary/plan-status.ts';
import type { CleaningItem, CleaningOverride } from '../../api/contract/cleaning.ts';
import type { Faults } from '../../base/platform/faults.ts';
import type { Log } from '../../base/platform/log.ts';
import type { Store } from '../../core/store/port.ts';
import type { PlanTrace } from '../../core/store/rows.ts';
import type { Projects } from '../repos/registry.ts';

export interface CleaningParts {
  readonly home: string;
  readonly store: Store;
  readonly projects: Projects;
  readonly faults?: Faults | undefined;
  readonly log: Log;
  /** Signals may come meanwhile: a rest is taken after every step. */
  readonly stays: boolean;
  readonly nowMs: () => number;
  /** Whether what is stored of a tree is not what its journal leads to. */
  readonly differs: (tree: TreeAddress) => Promise<boolean>;
  /** Who else may use what this store does not know in a repository, in words; null: nobody. */
  readonly otherEngine: (repo: string) => string | null;
  /** Before anything in a repo is taken away. Throws `elsewhere` where another engine works in it. */
  readonly lockRepo: (project: string) => Promise<void>;
}

export interface Round {
  /** What ended before this time is deleted. */
  readonly beforeMs: number;
  /** Changes nothing. */
  readonly dry: boolean;
  readonly overrides: ReadonlySet<CleaningOverride>;
  /** By `<project>/<plan>`, those that were deleted too. */
  readonly plans: ReadonlyMap<string, PlanTrace>;
  /** By project and branch: of two plans with one branch the one that is there, else the one that was deleted last. */
  readonly branches: ReadonlyMap<string, PlanTrace>;
  /** Only what belongs to one of `plans` is looked at. */
  readonly isOfThese: boolean;
  /** The folders of worktrees that go, or with `dry` would. */
  readonly leaving: Set<string>;
  /** Refs that this very round has made to keep what it took away. */
  readonly made: Set<string>;
  readonly items: CleaningItem[];
  readonly notes: string[];
  readonly abort: AbortSignal;
  /** Between two steps. Throws where the round is to end. */
  rest(): Promise<void>;
}

/** Why something stays; `override`: what lets it go all the same. */
export interface Reason {
  readonly why: string;
  readonly override: CleaningOverride | null;
}

export const keptAs = (why: string, override: CleaningOverride | null = null): Reason => ({ why, override });

/** What is said of a thing that is looked at, before it is known what becomes of it. */
export type CleaningSubject = Omit<CleaningItem, 'state' | 'why' | 'override'>;

/** The reason, unless there is none or a person overrides it. */
export function keptBy({ overrides }: Pick<Round, 'overrides'>, reason: Reason | null): Reason | null {
  return reason?.override != null && overrides.has(reason.override) ? null : reason;
}

export function noteKept({ items }: Pick<Round, 'items'>, subject: CleaningSubject, reason: Reason): void {
  items.push({ ...subject, state: 'kept', ...reason });
}

export function noteGone({ items, dry }: Pick<Round, 'items' | 'dry'>, subject: CleaningSubject, why = ''): void {
  items.push({ ...subject, state: dry ? 'goes' : 'gone', why, override: null });
}

/** Takes it away with `remove`, unless a reason that nobody overrides keeps it, or nothing is to be changed. */
export async function settle(
  round: Round,
  subject: CleaningSubject,
  { reason, remove }: { readonly reason: Reason | null; readonly remove: () => Promise<void> },
): Promise<void> {
  const kept = keptBy(round, reason);
  if (kept !== null) return noteKept(round, subject, kept);
  if (!round.dry) await remove();
  noteGone(round, subject);
}

/** As long as a step took others may work, at least for this. */
const restMs = 5;

export function resting(isBusy: boolean, abort: AbortSignal): () => Promise<void> {
  let sinceMs = performance.now();
  return async () => {
    if (isBusy) await delay(Math.max(restMs, Math.min(performance.now() - sinceMs, 100)));
    else await nextTurn();
    abort.throwIfAborted();
    sinceMs = performance.now();
  };
}

export function isOver({ status, deletedAt }: PlanTrace): boolean {
  return deletedAt !== null || isEnded(status);
}

/** Why a plan is not over, or not long enough; null: it is, or there is none. */
export function notOver({ beforeMs }: Pick<Round, 'beforeMs'>, plan: PlanTrace | undefined): Reason | null {
  if (plan === undefined) return null;
  const { status, deletedAt, updatedAt } = plan;
  if (!isOver(plan)) return keptAs(`its plan is ${status}`);
  if ((deletedAt ?? updatedAt) >= beforeMs)
    return keptAs(`its plan is ${deletedAt === null ? status : 'deleted'}, but not for long enough`);
  return null;
}

/** The plan that a branch belongs to: its own, or one of its tasks'. */
export function planOfBranch(
  { branches }: Pick<Round, 'branches'>,
  project: string,
  branch: string,
): PlanTrace | undefined {
  return branches.get(`${project} ${branch}`) ?? branches.get(`${project} ${withoutTask(branch)}`);
}

export function byBranch(plans: Iterable<PlanTrace>): Map<string, PlanTrace> {
  const found = new Map<string, PlanTrace>();
  const endOf = ({ deletedAt }: PlanTrace) => deletedAt ?? Number.POSITIVE_INFINITY;
  for (const plan of plans) {
    const name = `${plan.project} ${plan.branch}`;
    const other = found.get(name);
    if (other === undefined || endOf(plan) > endOf(other)) found.set(name, plan);
  }
  return found;
}

/** The page of plans that is read at once. */
const planPage = 500;

/** All plans of the store. */
export async function readPlans(store: Pick<Store, 'planTraces'>): Promise<Map<string, PlanTrace>> {
  const plans = new Map<string, PlanTrace>();
  for (let after: number | null = 0; after !== null; ) {
    const page: Awaited<ReturnType<Store['planTraces']>> = await store.planTraces({ after, limit: planPage });
    for (const trace of page.traces) plans.set(`${trace.project}/${trace.plan}`, trace);
    after = page.next;
    await nextTurn();
  }
  return plans;
}
