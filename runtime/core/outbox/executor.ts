/**
 * Carries out effects that were taken: calls the handler of each as often as necessary, passes on its reports, stops it at its time, and writes its end. A
 * handler that fails while its run is under way is started again here; other effects go back to the queue.
 */
import type { Effect } from '../../../machines/vocabulary/effect.ts';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import { type Clock, callAfter } from '../../base/platform/clock.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import type { Log } from '../../base/platform/log.ts';
import { type Change, type Store, StoreTrouble } from '../store/port.ts';
import type { EffectOwner, EffectRow } from '../store/rows.ts';
import type { Timeline } from '../store/timeline.ts';
import { type EffectCarrier, type Ending, inProcess } from './carrier.ts';
import { afterFailure, backOffCapMs, backOffFirstMs } from './failed-try.ts';
import type { EffectContext, Handler, Handlers, Outcome } from './handler.ts';
import { aboutPlan, type createSettlement, type EffectMessage, endedEngines, hasEndedEngines } from './settlement.ts';
import type { createStoreRetry } from './store-retry.ts';

/** The context of every try of an effect; `over` belongs to one try. */
type Tried = Omit<EffectContext, 'over'>;

export interface ExecutorParts {
  readonly store: Store;
  readonly clock: Clock;
  /** The timeline of `next_at` and `stop_at`. */
  readonly timeline: Timeline;
  /** The owner under which effects are claimed here. */
  readonly owner: EffectOwner;
  readonly handlers: Handlers;
  readonly log: Log;
  /** The carrier of its effects. Default: this process. */
  readonly carrier?: EffectCarrier;
  /** Whether this process still owns the home: asked before it acts. */
  isOwner(): boolean;
  /** How often an effect is tried, where its machine says so. Default: five times. */
  triesOf?(row: EffectRow): number | null;
  /** Whether an effect failed because of its repo; then it waits for the repo, and no attempt is spent. Default: no. */
  isRepoDown?(project: string): Promise<boolean>;
}

/** An effect that runs for this long did not end the earlier engines, and its count begins anew. */
const provenMs = 60_000;
/** An effect that cannot be done is tried this often. */
const maxTries = 5;
/** A try without a failure for this long counts as going well: otherwise watchers would see by turns that it waits and that it works. */
const clearMs = 5_000;
/** An owner that stops tries once more after this time. */
const leavingMs = 1_000;

interface Running {
  readonly row: EffectRow;
  readonly stop: AbortController;
  /** Whether the work is under way. */
  hasBegun: boolean;
  /** How often its handler was started again here. */
  resumes: number;
  /** Since when it fails again and again while it is under way, and when it last did; null: it has not failed. */
  failing: { readonly since: number; readonly last: number } | null;
  /** The last failure that was logged. */
  logged: string | null;
  /** Why the last try could not be done, or not be written, and is to be handled again. */
  fault: { readonly thrown: unknown; readonly mayPutBack: boolean } | null;
  /** The reports of its handler, in order; its end waits for them. */
  reports: Promise<void>;
  /** Cancels the timer that ends its wait when a try seems to go well; null: none runs. */
  cancelClear: (() => void) | null;
  /** Cancels the timer of its stop; null: none is set. */
  cancelStop: (() => void) | null;
  /** Cancels the timer after which it is known that this effect did not end the engine; null: it is not suspected. */
  cancelProof: (() => void) | null;
  stopAt: number | null;
  done: Promise<void>;
}

/** The parts that the dispatcher gives it. */
interface Lent {
  readonly settlement: ReturnType<typeof createSettlement>;
  readonly storeRetry: ReturnType<typeof createStoreRetry>;
  /** The engine stops: handlers leave their work as it is. */
  readonly abort: AbortSignal;
  /** Effects that fail again are left to the next owner. */
  isLeaving(): boolean;
  /** Called when an effect has ended, or has gone back to the queue. */
  onEnd(): void;
}

interface Execution extends ExecutorParts, Lent {
  readonly running: Map<string, Running>;
}

export function createExecutor(given: ExecutorParts, lent: Lent) {
  const running = new Map<string, Running>();
  const parts: Execution = { ...given, ...lent, running };

  return {
    running,
    begin: (row: EffectRow) => begin(parts, row),
    /** Begins an effect that may have ended an earlier engine: after a while it is known that it did not. */
    beginSuspect(row: EffectRow): Running {
      const entry = begin(parts, row);
      entry.cancelProof = callAfter(parts.clock, provenMs, () => clearCount(parts, entry));
      return entry;
    },
    watchStops: (rows: readonly EffectRow[]) => watchStops(parts, rows),
    ended: (): Promise<unknown> => Promise.allSettled([...running.values()].map((entry) => entry.done)),
  };
}

function begin(parts: Execution, row: EffectRow): Running {
  const nothing = Promise.resolve();
  const entry: Running = {
    row,
    stop: new AbortController(),
    hasBegun: false,
    resumes: 0,
    failing: null,
    logged: null,
    fault: null,
    reports: nothing,
    cancelClear: null,
    cancelStop: null,
    cancelProof: null,
    stopAt: null,
    done: nothing,
  };
  parts.running.set(row.key, entry);
  // Checked before its handler runs: a run that must end must not be started first.
  if (row.stop_at !== null && row.stop_at <= parts.timeline.nowMs()) entry.stop.abort();
  entry.done = carryOut(parts, entry).finally(() => {
    entry.cancelStop?.();
    entry.cancelProof?.();
    entry.cancelClear?.();
    if (parts.running.get(row.key) === entry) parts.running.delete(row.key);
    parts.onEnd();
  });
  return entry;
}

function carryOut(parts: Execution, entry: Running): Promise<void> {
  const { row, stop } = entry;
  const effect = JSON.parse(row.payload) as Effect; // written by insert from an Effect
  const context: Tried = {
    row,
    abort: parts.abort,
    stop: stop.signal,
    report: (word, type, payload) => pass(parts, entry, word, { type, payload, run: row.name }),
    sendSignal: (word, type, payload) => pass(parts, entry, word, { type, payload, run: null }),
    sendAs: (title, word, type, payload) =>
      pass(parts, entry, word, { type, payload, run: row.name, origin: `agent:${title}` }),
    began: () => begins(parts, entry),
  };
  return (parts.carrier ?? inProcess).carry(row, {
    handle: () => handled(parts, effect, entry, context),
    settle: (ending) => untilDone(parts, entry, () => settled(parts, entry, ending)),
  });
}

/** The first step: runs the handler, as often as necessary. null: the engine stops. */
async function handled(parts: Execution, effect: Effect, entry: Running, context: Tried): Promise<Ending | null> {
  if (hasEndedEngines(entry.row)) return { do: 'fail', error: endedEngines(entry.row) };
  for (; !parts.abort.aborted; entry.resumes += 1) {
    try {
      if (entry.fault === null) {
        const outcome = await handle(parts, effect, entry, context);
        await entry.reports;
        return { do: 'conclude', outcome };
      }
    } catch (thrown) {
      entry.fault = { thrown, mayPutBack: true };
    }
    if (parts.abort.aborted) return null;
    const ending = await untilDone(parts, entry, () => endingOf(parts, entry));
    if (ending !== null) return ending;
    if (parts.isLeaving() && entry.resumes > 0) return null;
    entry.fault = null;
  }
  return null;
}

/**
 * Repeats what the store refuses for a reason that is no known trouble, as while its tables are restored: an effect without its outcome would run until the
 * next start. null: the engine stops.
 */
async function untilDone<T>(
  { storeRetry, abort }: Execution,
  { row }: Running,
  step: () => Promise<T>,
): Promise<T | null> {
  for (let tries = 0; !abort.aborted; tries += 1) {
    try {
      return await step();
    } catch (thrown) {
      storeRetry.note(`${row.kind} ${row.key}: its outcome could not be written`, thrown);
      await storeRetry.pause(Math.min(backOffCapMs, backOffFirstMs * 2 ** tries));
    }
  }
  return null;
}

/** The second step: writes the outcome. What cannot be written is handled again. null: the engine stops. */
async function settled(
  { settlement, storeRetry, abort }: Execution,
  entry: Running,
  ending: Ending,
): Promise<'written' | 'again' | null> {
  const { row } = entry;
  try {
    const isWritten = await storeRetry.untilTaken(() => settlement.written(row, ending));
    if (isWritten === null) return null;
    if (isWritten) return 'written';
    // It must end now, so it cannot go back to the queue.
    entry.fault &&= { ...entry.fault, mayPutBack: false };
  } catch (thrown) {
    if (abort.aborted) return null;
    if (ending.do !== 'conclude') throw thrown;
    entry.fault = { thrown, mayPutBack: true };
  }
  return 'again';
}

async function handle(
  { store, handlers, abort }: Execution,
  effect: Effect,
  entry: Running,
  context: Tried,
): Promise<Outcome> {
  const handler = handlers[effect.kind] as Handler<Effect>; // the table has each kind's own
  const { stop } = entry;
  const over = new AbortController();
  const end = () => over.abort();
  // Once a run is under way, its git processes may finish: they store the work that the run left.
  const endUnlessBegun = () => (entry.hasBegun ? undefined : end());
  abort.addEventListener('abort', end, { once: true });
  stop.signal.addEventListener('abort', endUnlessBegun, { once: true });
  try {
    return await aboutPlan(store, entry.row, () => handler(effect, { ...context, over: over.signal }));
  } finally {
    abort.removeEventListener('abort', end);
    stop.signal.removeEventListener('abort', endUnlessBegun);
  }
}

/** The work of a handler is under way: it cannot be prevented any more. */
function begins(parts: Execution, entry: Running): void {
  entry.hasBegun = true;
  if (entry.failing !== null) {
    entry.cancelClear?.();
    entry.cancelClear = callAfter(parts.clock, clearMs, () => clearWait(parts, entry));
  } else if (entry.row.waiting_since !== null) clearWait(parts, entry);
}

function clearWait(parts: Execution, entry: Running): void {
  inOrder(parts, entry, () => parts.store.commit([waitOf(parts, entry, null)]));
}

function waitOf({ owner }: Execution, { row }: Running, wait: { at: number; reason: string } | null): Change {
  return { do: 'effect.note-wait', key: row.key, wait, owner };
}

/** The change of the effect after a fault; null: its handler is started again here, since its work is under way. */
async function endingOf(parts: Execution, entry: Running): Promise<Ending | null> {
  const { row, resumes, fault } = entry;
  const thrown = fault?.thrown;
  const trouble = thrown instanceof StoreTrouble ? null : environmentFault(thrown);
  const message = reasonOf(trouble ?? thrown);
  // A wait of hours is reported once, also if the store cannot store it.
  if (row.waiting_since === null && message !== entry.logged)
    await aboutPlan(parts.store, row, () =>
      parts.log.warn(`${row.kind} ${row.key} (try ${row.attempts + resumes}): ${message}`),
    );
  entry.logged = message;
  const mayPutBack = fault?.mayPutBack !== false && !entry.hasBegun;
  const isOfRepo = mayPutBack && trouble === null && !(thrown instanceof StoreTrouble) && row.project !== '';
  const isRepoDown = isOfRepo && (await parts.isRepoDown?.(row.project)) === true;
  const after = afterFailure({
    ...{ row, thrown, message, resumes, mayPutBack, trouble: isRepoDown ? 'repo' : trouble },
    maxTries: parts.triesOf?.(row) ?? maxTries,
    ...{ nowMs: parts.clock.nowMs(), timelineMs: parts.timeline.nowMs(), random: Math.random() },
  });
  if (after.do !== 'wait') return after;
  await waitInPlace(parts, entry, after);
  return null;
}

/** A run that is under way keeps its slot, and its row has the reason of the wait until a try has succeeded or it has ended. */
async function waitInPlace(
  parts: Execution,
  entry: Running,
  wait: { waitMs: number; reason: string | null },
): Promise<void> {
  const { reason, waitMs } = wait;
  entry.cancelClear?.();
  if (reason !== null) {
    const at = parts.clock.nowMs();
    const { since = at, last = at } = entry.failing ?? {};
    entry.failing = { since: at - last > 2 * backOffCapMs ? at : since, last: at };
    const change = waitOf(parts, entry, { at: entry.failing.since, reason });
    await parts.storeRetry.untilTaken(() => parts.store.commit([change]));
  }
  if (parts.isLeaving()) await parts.storeRetry.pause(Math.min(waitMs, leavingMs));
  else await parts.storeRetry.pause(waitMs, entry.stop.signal);
}

/** Asks the handlers to stop, each at the time in its row. */
function watchStops({ clock, timeline, running }: Execution, rows: readonly EffectRow[]): void {
  for (const { key, stop_at: stopAt } of rows) {
    const entry = running.get(key);
    if (stopAt === null || entry === undefined || entry.stop.signal.aborted || entry.stopAt === stopAt) continue;
    entry.cancelStop?.();
    entry.stopAt = stopAt;
    entry.cancelStop = callAfter(clock, Math.max(0, stopAt - timeline.nowMs()), () => entry.stop.abort());
  }
}

function clearCount(parts: Execution, entry: Running): void {
  const clear: Change = { do: 'effect.clear-suspected', key: entry.row.key, owner: parts.owner };
  inOrder(parts, entry, () => parts.store.commit([clear]));
}

/** Passes on a handler's reports before its end, in order. */
function pass(parts: Execution, entry: Running, word: string, message: EffectMessage): void {
  const { row } = entry;
  const insert = async () => {
    if (parts.isOwner())
      await parts.settlement.bringIn([], parts.settlement.signalOf(row, message, `${row.key}:${word}`));
  };
  inOrder(parts, entry, insert);
}

/** Writes after all earlier writes about the effect. A failure is thrown where the end of the effect waits for it; the handler may throw before that. */
function inOrder({ storeRetry }: Execution, entry: Running, write: () => Promise<unknown>): void {
  entry.reports = entry.reports.then(async () => void (await storeRetry.untilTaken(write)));
  entry.reports.catch(() => {});
}
