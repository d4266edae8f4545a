/**
 * How a batch of signals is handled: all in one commit if that succeeds, otherwise each alone. Signals that may have ended the earlier engine are handled alone
 * too, and counted before they begin, separately from signals that threw (signal-row.ts).
 */
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Log } from '../../base/platform/log.ts';
import { CommitLost, StoreTrouble } from '../store/port.ts';
import type { SignalRow } from '../store/rows.ts';
import { maxEngines } from '../store/suspected.ts';
import { type Arrival, insertArrivals } from './arrivals.ts';
import { aboutPlan, EngineEnded, type FailedSignals } from './failed-signals.ts';
import { createSuspects, rowOf, treeOf } from './signal-row.ts';
import { type BatchParts, type BatchResult, handleBatch } from './transaction.ts';

export interface BatchesParts extends BatchParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the engine before this one ended without a stop: it was killed, or ended by a signal that it handled. Default: it was stopped. */
  wasCutOff?(): Promise<boolean>;
}

/** The most signals of one commit: enough to share its cost, few enough that none waits long behind them. */
export const batchSize = 64;
/** After this many lost commits in a row, the batch is split: each of its signals gets its own commit. */
const batchLosses = 4;
/** After this many lost commits of a single pending signal, its handling throws: another writer should have handled it or left its tree alone. */
const signalLosses = 20;

const nothingHandled: BatchResult = { lines: [], touchedEffects: false, settled: [], released: new Set() };

export function createBatches(parts: BatchesParts, failures: FailedSignals) {
  const { store, clock, log, wasCutOff = async () => false } = parts;
  const { kinds } = parts.trees;
  const suspects = createSuspects(store, wasCutOff);
  /** Batches that were lost in a row. */
  let lostBatches = 0;
  /** How often the commit of a signal alone was lost, by its id. */
  const lostAlone = new Map<number, number>();

  /** The rows and then the arrived signals, in one commit; null: the arrived ones wait in their rows, and the given rows must still be handled. */
  async function handleArriving(
    rows: readonly SignalRow[],
    arrived: readonly Arrival[],
    last: number,
  ): Promise<BatchResult | null> {
    if (arrived.length === 0) return null;
    const isSafe = !(rows.some(suspects.has) || arrived.some(({ signal }) => suspects.hasArriving(signal)));
    // If there is more than a batch, some rows may be for the same tree, and come before it.
    if (isSafe && rows.length + arrived.length <= batchSize) {
      try {
        const entering = arrived.map(({ signal }, index) => rowOf(last + 1 + index, signal));
        const causes = arrived.flatMap(({ cause }) => cause);
        const result = await handleBatch(parts, rows, clock.nowMs(), { rows: entering, causes });
        if (result.status === 'committed') {
          const settled = new Set(result.settled);
          for (const [index, { id }] of entering.entries()) arrived[index]?.added({ id, isSettled: settled.has(id) });
          return result;
        }
      } catch (thrown) {
        if (thrown instanceof StoreTrouble) throw thrown;
        log.debug(`${arrived.length} signals were not handled at once: ${messageOf(thrown)}`);
      }
    }
    await insertArrivals(store, arrived);
    return null;
  }

  async function handle(rows: readonly SignalRow[]): Promise<BatchResult> {
    if (rows.some(suspects.has)) return isolate(suspects.leastBegunFirst(rows, (row) => treeOf(kinds, row)));
    try {
      const result = await handleBatch(parts, rows, clock.nowMs());
      lostBatches = result.status === 'lost' ? lostBatches + 1 : 0;
      if (result.status === 'committed') {
        lostAlone.clear();
        return result;
      }
      log.debug(`a batch of ${rows.length} signals was lost at ${result.change.do}`);
      return lostBatches < batchLosses ? nothingHandled : await isolate(rows);
    } catch (thrown) {
      if (thrown instanceof StoreTrouble) throw thrown;
      log.debug(`a batch of ${rows.length} signals threw: ${messageOf(thrown)}`);
      return await isolate(rows);
    }
  }

  /** null: its commit was lost, and it is decided again when it is claimed again. */
  async function handleAlone(row: SignalRow): Promise<BatchResult | null> {
    if (suspects.has(row)) await countBefore(row);
    const result = await handleBatch(parts, [row], clock.nowMs());
    if (result.status === 'committed') {
      lostAlone.delete(row.id);
      suspects.handled(row);
      return result;
    }
    const now = await store.signal(row.id);
    const times = now?.status === 'pending' ? (lostAlone.get(row.id) ?? 0) + 1 : 0;
    if (times >= signalLosses) throw new CommitLost(result.change);
    lostAlone.set(row.id, times);
    return null;
  }

  /** In a separate commit: if this engine ends while it handles the signal, the next engine finds the count. */
  async function countBefore(row: SignalRow): Promise<void> {
    const { id, type, suspected } = row;
    if (!suspects.begin(row)) return;
    if (suspected > 0)
      await aboutPlan(store, row, () =>
        log.warn(
          `signal ${id} (${type} for ${treeOf(kinds, row)}) is handled alone: it was begun ${suspected} times before`,
        ),
      );
    await store.commit([{ do: 'signal.count-suspected', id }]);
  }

  /** Each row alone, so that one bad signal harms no other. Later signals for its own tree wait for its outcome. */
  async function isolate(rows: readonly SignalRow[]): Promise<BatchResult> {
    const results: BatchResult[] = [];
    const released = new Set<TreeAddress>();
    for (const row of rows) {
      if (released.has(treeOf(kinds, row))) continue;
      const result = await resultOf(row);
      results.push(result);
      for (const address of result.released) released.add(address);
    }
    return {
      lines: results.flatMap(({ lines }) => lines),
      touchedEffects: results.some(({ touchedEffects }) => touchedEffects),
      settled: results.flatMap(({ settled }) => settled),
      released,
    };
  }

  async function resultOf(row: SignalRow): Promise<BatchResult> {
    const notHandled = { ...nothingHandled, released: new Set([treeOf(kinds, row)]) };
    try {
      if (row.suspected >= maxEngines) throw new EngineEnded(row.suspected);
      return (await handleAlone(row)) ?? notHandled;
    } catch (thrown) {
      if (thrown instanceof StoreTrouble) throw thrown;
      suspects.handled(row);
      if (await failures.isHeld(row, thrown)) return { ...notHandled, settled: [row.id] };
      const lines = await failures.count(row, thrown);
      return lines.length === 0 ? notHandled : { ...notHandled, lines, settled: [row.id], touchedEffects: true };
    }
  }

  return {
    /** Finds the suspects once, before the first signal is handled. */
    look: suspects.look,
    handleArriving,
    handle,
  };
}
