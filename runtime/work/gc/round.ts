/** One round of cleaning: its request, its results so far, and the pauses between its steps. */

import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { withoutTask } from '../../../machines/vocabulary/ids.ts';
import type { CleaningItem } from '../../api/contract/cleaning.ts';
import type { Faults } from '../../base/platform/faults.ts';
import type { Log } from '../../base/platform/log.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import type { Store } from '../../core/store/port.ts';
import type { PlanTrace } from '../../core/store/rows.ts';
import type { Projects } from '../repos/registry.ts';
import { type Bounds, keptAs, keptBy, type Reason } from './reasons.ts';

export interface CleaningParts {
  readonly home: string;
  readonly store: Store;
  readonly projects: Projects;
  readonly faults?: Faults | undefined;
  readonly log: Log;
  /** Signals may arrive meanwhile, so there is a pause after every step. */
  readonly stays: boolean;
  readonly nowMs: () => number;
  /** Whether a tree's stored state differs from its journal. */
  readonly differs: (tree: TreeAddress) => Promise<boolean>;
  /** A text about the other engines that may use unknown things in a repository; null: none. */
  readonly otherEngine: (repo: string) => string | null;
  /** Call it before anything in a repo is deleted. Throws `elsewhere` if another engine works in it. */
  readonly lockRepo: (project: string) => Promise<void>;
}

export interface Round extends Bounds {
  /** Changes nothing. */
  readonly dry: boolean;
  /** Plans by `<project>/<plan>`, also deleted ones. */
  readonly plans: ReadonlyMap<string, PlanTrace>;
  /** Plans by project and branch. If two plans have the same branch: the existing one, otherwise the one that was deleted last. */
  readonly branches: ReadonlyMap<string, PlanTrace>;
  /** true: only things of `plans` are checked. */
  readonly isOfThese: boolean;
  /** The folders of worktrees that go, or with `dry` would. */
  readonly leaving: Set<string>;
  readonly made: Set<string>;
  readonly items: CleaningItem[];
  readonly notes: string[];
  readonly abort: AbortSignal;
  /** The pause between two steps. Throws if the round must end. */
  rest(): Promise<void>;
}

/** The fields of an item before the decision about it. */
export type CleaningSubject = Omit<CleaningItem, 'state' | 'why' | 'override'>;

export function noteKept({ items }: Pick<Round, 'items'>, subject: CleaningSubject, reason: Reason): void {
  items.push({ ...subject, state: 'kept', ...reason });
}

export function noteGone({ items, dry }: Pick<Round, 'items' | 'dry'>, subject: CleaningSubject, why = ''): void {
  items.push({ ...subject, state: dry ? 'goes' : 'gone', why, override: null });
}

/**
 * Deletes it with `remove`. What the system does not let us delete, such as files of another user, stays and is noted, and delays nothing else. Throws other
 * errors.
 */
export async function removeOrNote(
  round: Pick<Round, 'items' | 'notes'>,
  subject: CleaningSubject,
  remove: () => Promise<void>,
): Promise<'removed' | 'kept'> {
  try {
    await remove();
    return 'removed';
  } catch (thrown) {
    if (thrown instanceof EngineError || systemCode(thrown) === '') throw thrown;
    const why = `it cannot be deleted: ${messageOf(thrown)}`;
    noteKept(round, subject, keptAs(why));
    round.notes.push(`${subject.name}: ${why}`);
    return 'kept';
  }
}

/** Deletes it with `remove`, unless a reason without an override keeps it, or the round is dry. */
export async function settle(
  round: Round,
  subject: CleaningSubject,
  { reason, remove }: { readonly reason: Reason | null; readonly remove: () => Promise<void> },
): Promise<void> {
  const kept = keptBy(round, reason);
  if (kept !== null) return noteKept(round, subject, kept);
  if (!round.dry && (await removeOrNote(round, subject, remove)) === 'kept') return;
  noteGone(round, subject);
}

/** The least pause. A pause lasts as long as the step before it, so that other work gets its turn. */
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

/** The plan to which a branch belongs, as its own or as a task's. */
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

/** The number of plans that are read in one page. */
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
