/** The slots of each lane: how many are free, and whose turn it is. A slot is a row in `running`, so nothing here is lost with the engine. */

import type { Lane } from '../../machines/vocabulary/effect.ts';
import type { EffectRow } from '../store/rows.ts';
import type { EffectStore } from '../store/sqlite/effects.ts';
import { inTurn } from './fair-order.ts';

export interface Limits {
  readonly workers: number;
  /** Workers of one repo; 0 is no limit of its own. */
  readonly workersPerRepo: number;
  readonly coordinators: number;
}

export interface Slots {
  /** Takes what has a slot and its resource to itself, the projects in turn; answers the rows as they then are. In a transaction. */
  take(lane: Lane, candidates: readonly EffectRow[], at: number): EffectRow[];
}

/** Commands in git, checks and freezes at a time: enough for two cores, and a bound. */
const fixedLimits = { git: 4, check: 2, process: 4 } as const;

export function createSlots({
  effects,
  epoch,
  limits,
}: {
  effects: EffectStore;
  epoch: number;
  limits: () => Limits;
}): Slots {
  /** The project that was served last, for each lane: the next turn begins after it. */
  const servedLast = new Map<Lane, string>();
  return {
    take(lane, candidates, at) {
      const { workers, workersPerRepo, coordinators } = limits();
      const limit = lane === 'worker' ? workers : lane === 'coordinator' ? coordinators : fixedLimits[lane];
      const busy = effects.countByProject(lane, 'running');
      const perRepo = repoLimit(lane, limit, workersPerRepo);
      let free = limit - [...busy.values()].reduce((sum, count) => sum + count, 0);
      const resources = new Set<string>();
      const taken: EffectRow[] = [];
      for (const row of inTurn(candidates, servedLast.get(lane) ?? '')) {
        if (free <= 0) break;
        const resource = `${row.project} ${row.resource}`;
        const busyHere = busy.get(row.project) ?? 0;
        if (busyHere >= perRepo || resources.has(resource) || !effects.take({ id: row.id, epoch, at })) continue;
        resources.add(resource);
        busy.set(row.project, busyHere + 1);
        servedLast.set(lane, row.project);
        free -= 1;
        taken.push({ ...row, status: 'running', epoch, started_at: at, attempts: row.attempts + 1 });
      }
      return taken;
    },
  };
}

/** Commands of one repo that hang leave room for those of the others. */
function repoLimit(lane: Lane, limit: number, workersPerRepo: number): number {
  if (lane === 'coordinator') return Number.POSITIVE_INFINITY;
  if (lane === 'worker') return workersPerRepo > 0 ? workersPerRepo : Number.POSITIVE_INFINITY;
  return Math.max(1, limit - 1);
}
