/** The slots of each lane: how many are free, and which effect is next. A slot is a row in `running`, so no slot is lost with the engine. */

import type { Lane } from '../../../machines/vocabulary/effect.ts';
import type { ChangeOf } from '../store/port.ts';
import type { EffectRow } from '../store/rows.ts';
import { inTurn } from './fair-order.ts';

export interface Limits {
  readonly workers: number;
  /** The most workers of one repo; 0: only the limit of all repos applies. */
  readonly workersPerRepo: number;
  readonly coordinators: number;
}

interface Claim {
  readonly lane: Lane;
  /** The candidates for a start, the highest priority first. */
  readonly candidates: readonly EffectRow[];
  /** Slots of the lane that are taken, by project. */
  readonly busy: ReadonlyMap<string, number>;
  readonly limits: Limits;
  /** The project that was served last in this lane: the next turn begins after it. `''`: none was. */
  readonly servedLast: string;
  /** The running effects of a lane whose parts have their own limits. */
  readonly running?: readonly EffectRow[];
  /** How many of a machine's own lane run at a time; its effect's row names it. Default: as many as there are slots. */
  machineLimit?(row: EffectRow): number;
}

/** How many git commands, checks and freezes run at a time: enough for two cores, and a limit. Hooks mostly wait for other servers. */
const fixedLimits = { git: 4, check: 2, process: 4, hook: 16, forge: 4, machine: 64 } as const;
/** The most slots that one hook may have, over all plans: a hook that hangs leaves slots for the other hooks. */
const perHook = 4;
/** Lanes with limits for their parts: each hook, and each lane of a machine. */
export const partedLanes: ReadonlySet<Lane> = new Set(['hook', 'machine']);

/** Slots of a lane that are not taken; below 1 where none is, since a limit may have been lowered meanwhile. */
export function freeSlots({ lane, busy, limits }: Pick<Claim, 'lane' | 'busy' | 'limits'>): number {
  return slotsOf(lane, limits) - [...busy.values()].reduce((sum, count) => sum + count, 0);
}

/** The candidates that get a slot, and exclusive use of their resource: one project after the other, in the order in which they are served. */
export function takeSlots(claim: Claim): EffectRow[] {
  const { lane, candidates, busy: taken, limits, servedLast, running = [] } = claim;
  const isParted = partedLanes.has(lane);
  const perRepo = repoLimit(lane, slotsOf(lane, limits), limits.workersPerRepo);
  const busy = new Map(taken);
  let free = freeSlots({ lane, busy, limits });
  const resources = new Set<string>();
  const parts = new Map<string, number>();
  const countPart = (row: EffectRow) => parts.set(partOf(row), (parts.get(partOf(row)) ?? 0) + 1);
  for (const row of running) if (row.lane === lane) countPart(row);
  const rows: EffectRow[] = [];
  for (const row of inTurn(candidates, servedLast)) {
    if (free <= 0) break;
    const resource = `${row.project} ${row.resource}`;
    const busyHere = busy.get(row.project) ?? 0;
    if (busyHere >= perRepo || resources.has(resource)) continue;
    if (isParted && (parts.get(partOf(row)) ?? 0) >= partLimit(claim, row)) continue;
    countPart(row);
    resources.add(resource);
    busy.set(row.project, busyHere + 1);
    free -= 1;
    rows.push(row);
  }
  return rows;
}

/** The host whose slots of the lane are counted. Agents have one limit over all hosts; other lanes have one for each host, since they depend on the machine. */
export function countedHost(lane: Lane, host: string): string | undefined {
  return host === '' || lane === 'worker' || lane === 'coordinator' ? undefined : host;
}

/** The limits as a condition of the commit that takes these rows. */
export function slotsRequired(
  lane: Lane,
  taken: readonly EffectRow[],
  { limits, host }: { readonly limits: Limits; readonly host: string | undefined },
): ChangeOf<'slots.require'> {
  const all = slotsOf(lane, limits);
  const perRepo = repoLimit(lane, all, limits.workersPerRepo);
  const projects = perRepo < all ? taken.map(({ project }) => [project, perRepo] as const) : [];
  return {
    do: 'slots.require',
    lane,
    all: Number.isFinite(all) ? all : null,
    projects: Object.fromEntries(projects),
    ...(host === undefined ? {} : { host }),
  };
}

/** Slots of a lane that one repo can have at most. */
export function slotsOfRepo(lane: Lane, limits: Limits): number {
  const all = slotsOf(lane, limits);
  return Math.min(all, repoLimit(lane, all, limits.workersPerRepo));
}

/** The hook that a delivery is for, over all plans; for an effect of a machine the machine and its lane. */
function partOf({ lane, project, resource }: EffectRow): string {
  const words = resource.split(':');
  return lane === 'machine' ? words.slice(1, 3).join(':') : `${project} ${words.slice(2).join(':')}`;
}

function partLimit({ lane, machineLimit }: Claim, row: EffectRow): number {
  if (lane === 'hook') return perHook;
  return machineLimit?.(row) ?? Number.POSITIVE_INFINITY;
}

/** Slots of a lane. */
export function slotsOf(lane: Lane, { workers, coordinators }: Limits): number {
  if (lane === 'worker') return workers;
  return lane === 'coordinator' ? coordinators : fixedLimits[lane];
}

/** Commands of one repo that hang leave slots for the commands of other repos. */
function repoLimit(lane: Lane, limit: number, workersPerRepo: number): number {
  if (lane === 'coordinator') return Number.POSITIVE_INFINITY;
  if (lane === 'worker') return workersPerRepo > 0 ? workersPerRepo : Number.POSITIVE_INFINITY;
  // Effects of user-defined machines belong to no repo.
  if (lane === 'machine') return limit;
  return Math.max(1, lane === 'hook' ? limit - perHook : limit - 1);
}
