/**
 * The signals that may have ended the earlier engine: an endless loop in a machine's action, exhausted memory, a process that was ended. If that engine was cut
 * off, these are all signals that are older than this engine, and the results of its running effects: a result is stored in the commit that handles it, so a
 * result that ends the engine arrives again. A suspect remains one until it has its verdict, in every engine.
 */
import type { TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { resultKey } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../store/port.ts';
import type { NewSignal, SignalRow } from '../store/rows.ts';

export interface Suspects {
  /** Finds them once, before the first signal is handled. */
  look(): Promise<void>;
  has(row: SignalRow): boolean;
  hasArriving(signal: Pick<NewSignal, 'dedupeKey'>): boolean;
  /** The trees whose next signal was begun most often come last, so that one that ends the engine lets it handle the others first. Each tree's rows stay in order. */
  leastBegunFirst(rows: readonly SignalRow[], treeOf: (row: SignalRow) => TreeAddress): SignalRow[];
  /** false: this engine has begun it before, so it is already counted. */
  begin(row: SignalRow): boolean;
  /** The engine has outlived the try. */
  handled(row: SignalRow): void;
}

export function createSuspects(
  store: Pick<Store, 'effects' | 'lastSignal'>,
  wasCutOff: () => Promise<boolean>,
): Suspects {
  /** null: not searched yet. */
  let older: { readonly upTo: number; readonly results: ReadonlySet<string> } | null = null;
  const begun = new Set<number>();

  const isResult = (key: string | null | undefined) => key != null && older?.results.has(key) === true;

  return {
    async look() {
      older ??= (await wasCutOff())
        ? {
            upTo: await store.lastSignal(),
            results: new Set((await store.effects({ by: 'running' })).map(({ key }) => resultKey(key))),
          }
        : { upTo: 0, results: new Set() };
    },
    has: ({ id, suspected, dedupe_key: key }) => suspected > 0 || id <= (older?.upTo ?? 0) || isResult(key),
    hasArriving: ({ dedupeKey }) => isResult(dedupeKey),
    leastBegunFirst(rows, treeOf) {
      const times = new Map<TreeAddress, number>();
      for (const row of rows) if (!times.has(treeOf(row))) times.set(treeOf(row), row.suspected);
      const begunFor = (row: SignalRow) => times.get(treeOf(row)) ?? 0;
      return rows.toSorted((a, b) => begunFor(a) - begunFor(b));
    },
    begin({ id }) {
      if (begun.has(id)) return false;
      begun.add(id);
      return true;
    },
    handled: ({ id }) => void begun.delete(id),
  };
}
