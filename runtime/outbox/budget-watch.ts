/**
 * Lets plans go on that wait for their budget, once there is room again: on the next day, under a configuration that allows more. What one run may take is a person's to
 * raise. Costs nothing while no plan waits so.
 */
import { shareOf } from '../../machines/vocabulary/budget.ts';
import { messageOf } from '../../machines/vocabulary/errors.ts';
import { type BudgetParts, lookAtRow, restoredWord } from '../effects/budget.ts';
import type { Log } from '../platform/log.ts';
import { createPollLoop } from '../platform/poll-loop.ts';
import type { Store } from '../store/port.ts';
import type { PlanRow } from '../store/rows.ts';

export interface BudgetWatchParts extends BudgetParts {
  readonly store: Pick<Store, 'plan' | 'plans' | 'spent' | 'commit'>;
  readonly log: Log;
  /** Something has been committed: other plans may wait now. */
  readonly facts: AsyncIterable<unknown> & { close(): void };
  isOwner(): boolean;
  onSignals(): void;
}

export interface BudgetWatch {
  start(): void;
  /** May be called twice. */
  stop(): void;
}

const lookMs = 5_000;

export function createBudgetWatch(parts: BudgetWatchParts): BudgetWatch {
  const { store, log, facts, nowMs } = parts;
  let waiting: readonly PlanRow[] = [];
  let isChanged = true;

  async function listen(): Promise<void> {
    for await (const _lines of facts) isChanged = true;
  }

  async function look(row: PlanRow): Promise<void> {
    const budget = await lookAtRow(parts, row);
    if (budget === null || budget.uses.some((use) => shareOf(use) >= 1) || !parts.isOwner()) return;
    await store.commit([restoredWord(row, nowMs())]);
    parts.onSignals();
  }

  const loop = createPollLoop({
    everyMs: lookMs,
    async work() {
      if (isChanged) {
        isChanged = false;
        waiting = (await store.plans(null)).filter(({ blocked }) => waitsForRoom(blocked));
      }
      for (const row of waiting) await look(row);
      return null;
    },
    onError(thrown) {
      isChanged = true;
      log.warn(`the plans that wait for their budget were not looked at: ${messageOf(thrown)}`);
    },
  });

  return {
    start() {
      void listen();
      loop.start();
    },
    stop() {
      facts.close();
      void loop.stop(); // never rejects
    },
  };
}

function waitsForRoom(blocked: PlanRow['blocked']): boolean {
  return blocked?.source === 'budget' && blocked.budget?.scope !== 'attempt';
}
