/**
 * Continues plans that wait for their budget as soon as there is room again: on the next day, or with a configuration that allows more. The limit of one run
 * must be raised by a person. Costs nothing while no plan waits for its budget.
 */
import { shareOf } from '../../../machines/vocabulary/budget.ts';
import { type PlanTree, placeOf, planTree } from '../../../machines/vocabulary/ids.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import type { Follows } from '../inbox/facts.ts';
import type { Store } from '../store/port.ts';
import type { PlanRow } from '../store/rows.ts';
import { type BudgetParts, lookAtRow, restoredSignal } from './budget.ts';

export interface BudgetWatchParts extends BudgetParts {
  readonly projects: BudgetParts['projects'] & { isElsewhere(project: string): boolean };
  readonly store: Pick<Store, 'plan' | 'plans' | 'spent' | 'commit'>;
  readonly troubles: Troubles;
  isOwner(): boolean;
  onSignals(): void;
  /** The interval at which waiting plans are checked. Default: five seconds. */
  readonly everyMs?: number;
}

const lookMs = 5_000;

export function createBudgetWatch(parts: BudgetWatchParts) {
  const { store, troubles, nowMs, everyMs = lookMs } = parts;
  /** Plans that may wait for their budget. */
  const waiting = new Set<PlanTree>();
  let isBehind = true;

  const follows: Follows = {
    states: ['needs:person'],
    events: ['budget_'],
    noted(plans) {
      if (plans === null) isBehind = true;
      else for (const tree of plans) waiting.add(tree);
    },
  };

  async function catchUp(): Promise<void> {
    if (!isBehind) return;
    isBehind = false;
    for (const row of await store.plans(null)) if (waitsForRoom(row)) waiting.add(planTree(row.project, row.plan));
  }

  async function look(tree: PlanTree): Promise<void> {
    const { project, plan } = placeOf(tree);
    const row = await store.plan(project, plan);
    if (row === null || !waitsForRoom(row) || parts.projects.isElsewhere(project)) {
      waiting.delete(tree);
      return;
    }
    const budget = await lookAtRow(parts, row);
    if (budget === null || budget.uses.some((use) => shareOf(use) >= 1) || !parts.isOwner()) return;
    await store.commit([restoredSignal(row, nowMs())]);
    parts.onSignals();
  }

  const loop = createServiceLoop({
    trouble: { what: 'plans that wait for their budget are not looked at' },
    troubles,
    everyMs,
    async work() {
      await catchUp();
      for (const tree of waiting) await look(tree);
      return null;
    },
    onError() {
      isBehind = true;
    },
  });

  return {
    follows,
    start: () => loop.start(),
    /** May be called twice. */
    stop: () => void loop.stop(), // never rejects
  };
}

function waitsForRoom({ blocked }: PlanRow): boolean {
  return blocked?.source === 'budget' && blocked.budget?.scope !== 'attempt';
}
