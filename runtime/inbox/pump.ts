/**
 * The one place where signals are handled: claim -> transaction -> step -> write -> commit -> publish. What throws in a batch is
 * isolated by trying its signals one by one, counted, and set aside after three tries.
 */

import { messageOf } from '../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { JournalLine, SignalRow } from '../store/rows.ts';
import { storeError } from '../store/sqlite/db.ts';
import type { Bus } from './facts.ts';
import { dependentPlan, treeOf } from './signal-row.ts';
import { type BatchParts, type BatchResult, handleBatch } from './transaction.ts';

/** Signals of one transaction: enough to share a commit's cost, few enough that nobody waits long behind them. */
const batchSize = 64;
/** A signal that throws this often is set aside. */
const maxTries = 3;
/** Rows of other programs and late signals are looked for this often, whatever was poked. */
const pollMs = 1_000;

export interface PumpParts extends BatchParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether this process still owns the home: asked before each batch. */
  isOwner(): boolean;
  /** Something was asked for or withdrawn, or may start now. */
  onEffects(): void;
  /** A batch has committed: verdicts may have come in. */
  onTurn(): void;
}

export interface Pump {
  start(): void;
  /** Nothing is handled any more; what is due stays in its rows. */
  stop(): void;
  /** There may be something to do. */
  poke(): void;
  /** Handles everything that is due now, or that of one project alone (`''`: the supervisor), nothing where the home is somebody else's. Throws the store's errors. */
  drain(project?: string): Promise<void>;
}

export function createPump(parts: PumpParts): Pump {
  const { store, bus, clock, timeline, log } = parts;
  let isRunning = false;
  let isWorking = false;
  let isPoked = false;
  let isScheduled = false;
  let timer: NodeJS.Timeout | null = null;

  /** Handles one batch; false where nothing was due, or nothing is ours to handle. */
  function turn(project: string | null): boolean {
    if (!parts.isOwner()) return false;
    const now = { keptMs: timeline.nowMs(), wallMs: clock.nowMs() };
    const rows =
      project === null ? store.signals.claim(now, batchSize) : store.signals.claimOf(project, now, batchSize);
    if (rows.length === 0) return false;
    let result: BatchResult;
    try {
      result = handleBatch(parts, rows, clock.nowMs());
    } catch (thrown) {
      if (storeError(thrown, store.file) !== null) throw thrown;
      log.debug(`a batch of ${rows.length} signals threw: ${messageOf(thrown)}`);
      result = isolate(rows);
    }
    if (result.touchedEffects) parts.onEffects();
    bus.publish(result.lines);
    parts.onTurn();
    return true;
  }

  /** Each row alone, so that one bad signal harms nobody else. What comes after it in its own tree waits for what becomes of it. */
  function isolate(rows: readonly SignalRow[]): BatchResult {
    const lines: JournalLine[] = [];
    const later = new Set<TreeAddress>();
    let touchedEffects = false;
    for (const row of rows) {
      if (later.has(treeOf(row))) continue;
      try {
        const alone = handleBatch(parts, [row], clock.nowMs());
        lines.push(...alone.lines);
        touchedEffects ||= alone.touchedEffects;
        for (const address of alone.released) later.add(address);
      } catch (thrown) {
        if (storeError(thrown, store.file) !== null) throw thrown;
        lines.push(...countFailure(row, thrown));
        later.add(treeOf(row));
      }
    }
    return { lines, touchedEffects, released: later };
  }

  function countFailure(row: SignalRow, thrown: unknown): JournalLine[] {
    const at = clock.nowMs();
    return store.transaction(() => {
      const tries = store.signals.countAttempt(row.id);
      log.error(`signal ${row.id} (${row.type} for ${treeOf(row)}) threw, try ${tries} of ${maxTries}`, thrown);
      if (tries < maxTries) return [];
      const hint = `look at it with: stator signal show ${row.id}; try it again with: stator signal retry ${row.id}`;
      const result = { error: messageOf(thrown), code: 'internal', hint };
      store.signals.setAside({ id: row.id, result, at });
      // The first one stays: whoever resolves it gets all that came after it too.
      const standing = dependentPlan(row);
      if (standing !== null && store.plans.read(standing.project, standing.plan)?.faultSignal === null)
        store.plans.setFault(standing, row.id, at);
      const line = {
        at,
        tree: treeOf(row),
        signal: row.id,
        type: row.type,
        origin: row.origin,
        actor: '',
        event: 'set_aside',
      };
      return [store.journal.append({ ...line, from: '', to: '', effects: [], refused: result }, null)];
    });
  }

  /** Batches as long as they come and `goes` holds; between two of them others get their turn: sockets, timers, the ends of processes. */
  async function handleAll(goes: () => boolean, project: string | null = null): Promise<void> {
    while (goes() && (await store.whenFree(() => turn(project))))
      await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async function work(): Promise<void> {
    if (isWorking || !isRunning) return;
    isWorking = true;
    isPoked = false;
    let waitMs = pollMs;
    try {
      await handleAll(() => isRunning);
      waitMs = untilNextDue();
    } catch (thrown) {
      log.error('signals could not be handled; they are tried again', thrown);
    } finally {
      isWorking = false;
    }
    if (isPoked) wake();
    else if (isRunning) timer = setTimeout(wake, waitMs);
  }

  function untilNextDue(): number {
    const now = timeline.nowMs();
    const dueAt = store.signals.nextDueAt(now);
    return dueAt === null ? pollMs : Math.min(pollMs, Math.max(1, dueAt - now));
  }

  function wake(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    isPoked = true;
    if (isWorking || isScheduled || !isRunning) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      void work();
    });
  }

  return {
    start() {
      isRunning = true;
      wake();
    },
    stop() {
      isRunning = false;
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
    poke: wake,
    drain: (project) => handleAll(() => true, project ?? null),
  };
}
