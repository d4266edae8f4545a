/**
 * The one place where signals are handled: claim -> step -> commit -> publish. If a batch throws, its signals are tried one by one (batches.ts), counted, and
 * set aside after three tries (failed-signals.ts).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import { createSerialQueue } from '../../base/platform/serial-queue.ts';
import type { Change } from '../store/port.ts';
import { concernsHere } from '../store/written.ts';
import { type Added, type Arrival, type ArrivingSignal, insertArrivals } from './arrivals.ts';
import { type BatchesParts, batchSize, createBatches } from './batches.ts';
import type { Bus } from './facts.ts';
import { createFailedSignals } from './failed-signals.ts';

/** The pump looks for due signals this often, also without a wake-up: a sleeping computer may miss a timer. */
const pollMs = 10_000;

export interface PumpParts extends BatchesParts {
  readonly bus: Bus;
  readonly troubles: Troubles;
  /** Whether this process still owns the home: asked before each batch. */
  isOwner(): boolean;
  /** Whether another host handles the signals of that repo. Default: none does. */
  isElsewhere?(project: string): boolean;
  /** An effect was requested or withdrawn, or may start now. */
  onEffects(): void;
  /** These signals have their verdict, or are held. */
  onVerdicts(ids: readonly number[]): void;
}

export interface Pump {
  start(): void;
  /** Stops after the present batch; due signals remain in their rows. */
  stop(): Promise<void>;
  /** Tells the pump to look for due signals now. */
  wake(): void;
  /** Another part of this process has committed lines of the journal, or signals: readers of facts learn of them now. */
  lookAgain(): void;
  /**
   * Puts a signal into the inbox. If no signal waits before it, it is handled in the same commit that stores it: `isSettled`. Those that come in
   * together share a commit. Throws the store's errors; then it is not in the inbox.
   */
  add(signal: ArrivingSignal): Promise<Added>;
  /** As `add`, in one commit with the changes that the signal is about. false: the condition of one change was not met, and nothing was committed. */
  addWith(cause: readonly Change[], signal: ArrivingSignal): Promise<boolean>;
  /**
   * Handles all signals that are due now, or those of one project alone (`''`: the supervisor); none if the home has another owner. Throws the store's errors.
   */
  drain(project?: string): Promise<void>;
}

export function createPump(parts: PumpParts): Pump {
  const { store, bus, clock, timeline, log, isElsewhere = () => false, hooksOf, onEffects } = parts;
  const failures = createFailedSignals({
    store,
    clock,
    log,
    kinds: parts.trees.kinds,
    hooksOf,
    isElsewhere,
    onEffects,
  });
  const batches = createBatches(parts, failures);
  let isRunning = false;
  let unwatch = () => {};
  /** The journal may have lines that the pump has not added. */
  let isChanged = true;
  const arrivals: Arrival[] = [];
  /** Batches come one after the other, for all callers. */
  const inTurn = createSerialQueue();
  const loop = createServiceLoop({
    trouble: { what: 'signals are not handled', holdsPlans: true },
    troubles: parts.troubles,
    everyMs: pollMs,
    async work() {
      if (isChanged) {
        isChanged = false;
        bus.reached(await store.lastLine());
        if (parts.isOwner() && !(await inTurn(failures.unreadable))) isChanged = true;
      }
      await handleAll(() => isRunning, null);
      return untilNextDue();
    },
  });

  /** Handles one batch; false if no signal was due, or none is for this host. */
  async function turn(project: string | null): Promise<boolean> {
    // Node takes in one new connection in each turn of its loop: signals that arrive together would each be a batch of one.
    for (let known = 0; known < arrivals.length && arrivals.length < batchSize; await nextTurn())
      known = arrivals.length;
    const arrived = project === null ? arrivals.splice(0, batchSize) : [];
    return answering(arrived, () => handleDue(arrived, project));
  }

  /** Reports to the senders why their signals were not stored. */
  async function answering<T>(arrived: readonly Arrival[], work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      for (const { failed } of arrived) failed(thrown);
      if (arrivals.length > 0) loop.wake();
      throw thrown;
    }
  }

  async function handleDue(arrived: readonly Arrival[], project: string | null): Promise<boolean> {
    if (!parts.isOwner()) {
      await insertArrivals(store, arrived);
      return arrivals.length > 0;
    }
    await batches.look();
    // Before the claim: a later signal takes the next number, and a commit that expects this number is lost.
    const last = arrived.length === 0 ? 0 : await store.lastSignal();
    const now = { keptMs: timeline.nowMs(), wallMs: clock.nowMs() };
    const claimed = await store.claim(now, { limit: batchSize, ...(project === null ? {} : { project }) });
    const rows = claimed.filter(({ id }) => Number.isSafeInteger(id));
    if (rows.length + arrived.length === 0) return false;
    const { touchedEffects, lines, settled } =
      (await batches.handleArriving(rows, arrived, last)) ?? (await batches.handle(rows));
    if (touchedEffects) onEffects();
    bus.publish(lines);
    parts.onVerdicts(settled);
    return true;
  }

  function arrive(signal: ArrivingSignal, cause: readonly Change[]): Promise<Added | null> {
    return new Promise((added, failed) => {
      const arrival = { signal, cause, added, failed };
      if (!isRunning) {
        insertArrivals(store, [arrival]).catch(failed);
        return;
      }
      arrivals.push(arrival);
      loop.wake();
    });
  }

  /** Handles batches as long as there are any and `goes` is true; between two of them other work runs: sockets, timers, ends of processes. */
  async function handleAll(goes: () => boolean, project: string | null): Promise<void> {
    while (goes() && (await inTurn(() => turn(project)))) await nextTurn();
  }

  async function untilNextDue(): Promise<number> {
    const now = { keptMs: timeline.nowMs(), wallMs: clock.nowMs() };
    const waitMs = await store.nextSignalIn(now);
    return waitMs === null ? pollMs : Math.min(pollMs, Math.max(1, waitMs));
  }

  return {
    start() {
      isRunning = true;
      unwatch = store.watch((written) => {
        const isForHere = concernsHere(written, isElsewhere);
        if (written === null) isChanged = true;
        else bus.reached(written.line, { concernsHere: isForHere });
        if (isForHere) loop.wake();
      });
      loop.start();
    },
    async stop() {
      isRunning = false;
      unwatch();
      await loop.stop();
      const arrived = arrivals.splice(0);
      await answering(arrived, () => insertArrivals(store, arrived)).catch(() => {}); // their senders get the error
    },
    wake: loop.wake,
    lookAgain() {
      isChanged = true;
      loop.wake();
    },
    async add(signal) {
      const added = await arrive(signal, []);
      if (added === null) throw new Error(`signal ${signal.type} was lost without a cause`);
      return added;
    },
    addWith: async (cause, signal) => (await arrive(signal, cause)) !== null,
    drain: (project) => handleAll(() => true, project ?? null),
  };
}
