/**
 * The signals that may have ended the engine before this one: an endless loop in a machine's action, memory that was used up, a process that was ended.
 * After an engine that was cut off these are all that are older than this one, and the results of the effects that it had running: a result is stored in
 * the commit that handles it, so one that ends the engine comes again. A signal that was begun before, and has no verdict, is a suspect in every engine.
 */
import type { TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { resultKey } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../store/port.ts';
import type { NewSignal, SignalRow } from '../store/rows.ts';

export interface Suspects {
  /** Looks once which they are, before the first signal is handled. */
  look(): Promise<void>;
  has(row: SignalRow): boolean;
  hasArriving(signal: Pick<NewSignal, 'dedupeKey'>): boolean;
  /** The trees whose next signal was begun most often come last, so that one that ends the engine lets it handle the others first. Each tree's rows stay in order. */
  leastBegunFirst(rows: readonly SignalRow[], treeOf: (row: SignalRow) => TreeAddress): SignalRow[];
  /** false: this engine has begun it before, and it was counted then. */
  begin(row: SignalRow): boolean;
  /** Which try is under way; null: it was not begun as a suspect. */
  triesOf(row: SignalRow): number | null;
  /** The try is over. false: it was not begun as a suspect. */
  handled(row: SignalRow): boolean;
}

export function createSuspects(
  store: Pick<Store, 'effects' | 'lastSignal'>,
  wasCutOff: () => Promise<boolean>,
): Suspects {
  /** null: nobody has looked yet. */
  let older: { readonly upTo: number; readonly results: ReadonlySet<string> } | null = null;
  /** Which try of each signal is under way. */
  const begun = new Map<number, number>();

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
    has: ({ id, attempts, dedupe_key: key }) => attempts > 0 || id <= (older?.upTo ?? 0) || isResult(key),
    hasArriving: ({ dedupeKey }) => isResult(dedupeKey),
    leastBegunFirst(rows, treeOf) {
      const attempts = new Map<TreeAddress, number>();
      for (const row of rows) if (!attempts.has(treeOf(row))) attempts.set(treeOf(row), row.attempts);
      const begunFor = (row: SignalRow) => attempts.get(treeOf(row)) ?? 0;
      return rows.toSorted((a, b) => begunFor(a) - begunFor(b));
    },
    begin({ id, attempts }) {
      if (begun.has(id)) return false;
      begun.set(id, attempts + 1);
      return true;
    },
    triesOf: ({ id }) => begun.get(id) ?? null,
    handled: ({ id }) => begun.delete(id),
  };
}
