/**
 * Continues the effects that an earlier owner left running. If that owner was cut off, those that may have ended it begin one after the other: one that ends
 * this engine too lets it carry out the others before.
 */
import { runsOwnCode } from '../../../machines/vocabulary/effect.ts';
import type { Change } from '../store/port.ts';
import type { EffectRow } from '../store/rows.ts';
import { inProcess } from './carrier.ts';
import type { createExecutor, ExecutorParts } from './executor.ts';
import { hasEndedEngines } from './settlement.ts';
import type { createStoreRetry } from './store-retry.ts';

export interface AdoptionParts extends ExecutorParts {
  /** Whether the engine before this one ended without a stop. Default: it was stopped. */
  wasCutOff?(): Promise<boolean>;
}

interface Lent {
  readonly executor: ReturnType<typeof createExecutor>;
  readonly storeRetry: ReturnType<typeof createStoreRetry>;
  /** The engine stops: nothing more begins. */
  readonly abort: AbortSignal;
}

/** If the earlier engine was cut off, effects that may have ended it begin one after the other: the next one when one has run for this long. */
const aloneMs = 250;
/** After this time, all of them have begun. */
const allAloneMs = 5_000;

export function createAdoption(parts: AdoptionParts, { executor, storeRetry, abort }: Lent) {
  const { store, log, owner, carrier = inProcess } = parts;
  let hasAdopted = false;
  /** The adopted effects that have not begun yet, and the work that begins them. */
  let suspects: readonly EffectRow[] = [];
  let beginning: Promise<void> = Promise.resolve();

  /** To be called before anything new starts. Does it once. */
  async function adopt(): Promise<void> {
    if (hasAdopted) return;
    await carrier.start();
    const rows = await adopted();
    const isCounted = (await parts.wasCutOff?.()) === true;
    const alone = rows.filter((row) => isCounted && runsOwnCode(row.kind));
    const together = rows.filter((row) => !alone.includes(row));
    if (isCounted && together.length > 0) await store.commit(together.map(counted));
    hasAdopted = true;
    for (const row of together) executor.begin(row);
    suspects = alone.toSorted((a, b) => a.suspected - b.suspected);
    beginning = beginSuspects(Math.min(aloneMs, allAloneMs / Math.max(1, alone.length))).catch((thrown: unknown) =>
      log.error('what ran when the engine before was cut off was not begun', thrown),
    );
  }

  function counted({ key }: EffectRow): Change {
    return { do: 'effect.count-suspected', key, owner };
  }

  /** The effects that were begun least often come first. */
  async function beginSuspects(eachMs: number): Promise<void> {
    for (const row of suspects) {
      const now = await storeRetry.untilTaken(async () => {
        const before = await store.effect(row.key);
        if (!hasEndedEngines(row)) await store.commit([counted(row)]);
        return before;
      });
      if (abort.aborted) return;
      suspects = suspects.filter(({ key }) => key !== row.key);
      if (now === null || now.status !== 'running' || now.epoch !== owner.epoch || now.host !== owner.host) continue;
      const entry = executor.beginSuspect(now);
      await Promise.race([entry.done, storeRetry.pause(eachMs)]);
    }
  }

  /** Takes over all running effects for this owner. */
  async function adopted(): Promise<readonly EffectRow[]> {
    await store.commit([{ do: 'effect.adopt', owner }]);
    return mine();
  }

  function mine(): Promise<readonly EffectRow[]> {
    return store.effects({ by: 'running', host: owner.host });
  }

  return { adopt, adopted, mine, suspects: () => suspects, begun: () => beginning };
}
