/** The slots of each lane: how many are free, and whose turn it is. A slot is a row in `running`, so nothing here is lost with the engine. */

import type { Lane } from '../../machines/vocabulary/effect.ts';
import type { EffectRow } from '../store/rows.ts';
import { inTurn } from './fair-order.ts';

export interface Limits {
  readonly workers: number;
  /** Workers of one repo; 0 is no limit of its own. */
  readonly workersPerRepo: number;
  readonly coordinators: number;
}

interface Claim {
  readonly lane: Lane;
  /** What may start, the most wanted first. */
  readonly candidates: readonly EffectRow[];
  /** Slots of the lane that are taken, by project. */
  readonly busy: ReadonlyMap<string, number>;
  readonly limits: Limits;
  /** The project that was served last in this lane: the turn begins after it. `''`: none was. */
  readonly servedLast: string;
  /** What runs, where single hooks have limits of their own. */
  readonly running?: readonly EffectRow[];
}

/** Commands in git, checks and freezes at a time: enough for two cores, and a bound. Hooks wait for others most of their time. */
const fixedLimits = { git: 4, check: 2, process: 4, hook: 16, forge: 4 } as const;
/** Of these a single hook has at most so many, of whichever plans: one that hangs leaves room for the others. */
const perHook = 4;

/** Slots of a lane that are not taken; below 1 where none is, since a limit may have been lowered meanwhile. */
export function freeSlots({ lane, busy, limits }: Pick<Claim, 'lane' | 'busy' | 'limits'>): number {
  return limitOf(lane, limits) - [...busy.values()].reduce((sum, count) => sum + count, 0);
}

/** Those of the candidates that get a slot, and their resource to themselves: the projects in turn, in the order in which they are served. */
export function takeSlots({ lane, candidates, busy: taken, limits, servedLast, running = [] }: Claim): EffectRow[] {
  const perRepo = repoLimit(lane, limitOf(lane, limits), limits.workersPerRepo);
  const busy = new Map(taken);
  let free = freeSlots({ lane, busy, limits });
  const resources = new Set<string>();
  const hooks = new Map<string, number>();
  const countHook = (row: EffectRow) => hooks.set(hookOf(row), (hooks.get(hookOf(row)) ?? 0) + 1);
  for (const row of running) if (row.lane === 'hook') countHook(row);
  const rows: EffectRow[] = [];
  for (const row of inTurn(candidates, servedLast)) {
    if (free <= 0) break;
    const resource = `${row.project} ${row.resource}`;
    const busyHere = busy.get(row.project) ?? 0;
    if (busyHere >= perRepo || resources.has(resource)) continue;
    if (lane === 'hook' && (hooks.get(hookOf(row)) ?? 0) >= perHook) continue;
    countHook(row);
    resources.add(resource);
    busy.set(row.project, busyHere + 1);
    free -= 1;
    rows.push(row);
  }
  return rows;
}

/** The hook that a delivery is for, whichever plan it is of: the last part of its resource. */
function hookOf({ project, resource }: EffectRow): string {
  return `${project} ${resource.split(':').slice(2).join(':')}`;
}

function limitOf(lane: Lane, { workers, coordinators }: Limits): number {
  if (lane === 'worker') return workers;
  return lane === 'coordinator' ? coordinators : fixedLimits[lane];
}

/** Commands of one repo that hang leave room for those of the others. */
function repoLimit(lane: Lane, limit: number, workersPerRepo: number): number {
  if (lane === 'coordinator') return Number.POSITIVE_INFINITY;
  if (lane === 'worker') return workersPerRepo > 0 ? workersPerRepo : Number.POSITIVE_INFINITY;
  return Math.max(1, lane === 'hook' ? limit - perHook : limit - 1);
}
