/**
 * Starts what is asked for, within its limits and with its resource to itself; settles what has ended, in one transaction with the
 * signal that says so. A slot is taken in the transaction that marks the row as running, and given back by the one that settles it.
 */

import { type Effect, type EffectKind, type Lane, lanes as laneNames } from '../../machines/vocabulary/effect.ts';
import { EngineError, errorClasses, reasonOf } from '../../machines/vocabulary/errors.ts';
import { resultKey } from '../../machines/vocabulary/ids.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import type { EffectContext, Handler, Handlers, Outcome } from '../effects/handler.ts';
import { withNotes } from '../git/notes.ts';
import type { Clock } from '../platform/clock.ts';
import type { Faults } from '../platform/faults.ts';
import type { Log } from '../platform/log.ts';
import { surroundingsOf } from '../platform/surroundings.ts';
import type { EffectRow } from '../store/rows.ts';
import { storeError } from '../store/sqlite/db.ts';
import type { Store } from '../store/sqlite/store.ts';
import type { Timeline } from '../store/timeline.ts';
import { createSlots, type Limits } from './slots.ts';
import { createStoreRetry } from './store-retry.ts';

export interface DispatcherParts {
  readonly store: Store;
  readonly handlers: Handlers;
  readonly clock: Clock;
  /** What `next_at` and `stop_at` are kept in. */
  readonly timeline: Timeline;
  readonly log: Log;
  readonly faults: Faults;
  readonly epoch: number;
  /** Whether this process still owns the home: asked before it acts. */
  isOwner(): boolean;
  limits(): Limits;
  /** Whether agents of this plan may start in this engine now. */
  mayStart(project: string, plan: string): boolean;
  /** Whether anything of this repo may start now; default: yes. Must not write. */
  isUsable?(project: string): boolean;
  /** Looks whether the repo is what an effect failed at; then it waits for it, and no attempt is spent. Default: it is not. */
  isRepoDown?(project: string): Promise<boolean>;
  onSignals(): void;
}

export interface Dispatcher {
  /** Takes up what an earlier owner left running, then starts what may start. */
  start(): void;
  poke(): void;
  /** No agent is started from here on; everything else goes on. */
  holdAgents(): void;
  /** Lets go of everything that runs, and leaves its rows as they are. */
  stop(): Promise<void>;
  /**
   * Ends the runs whose time to stop has come and settles them, without starting or adopting anything else. Answers the rows that did not end
   * within `limitMs`: they are let go of and stay as they are, and nothing more can be asked of this dispatcher.
   */
  stopDue(limitMs: number): Promise<EffectRow[]>;
  /** For an engine of one verb: carries out what is asked for of that kind, with what of the same trees' git stands before it, and nothing else. */
  carryOut(kind: EffectKind): Promise<void>;
}

/** An effect that cannot be done is tried this often. */
const maxTries = 5;
const backOffFirstMs = 500;
const backOffCapMs = 30_000;
/** A handler of a run that is under way and threw is started again after this, then after twice as long each time, up to the cap: the run itself goes on. */
const resumeMs = 2_000;
const pollMs = 1_000;
/** Effects in a row that an engine of one verb carries out at most. */
const carryLimit = 100;

interface Running {
  readonly row: EffectRow;
  readonly stop: AbortController;
  /** Whether what is wished for is under way. */
  hasBegun: boolean;
  /** What its handler reported, in order; the end of it waits for these. */
  told: Promise<void>;
  stopTimer: NodeJS.Timeout | null;
  stopAt: number | null;
  done: Promise<void>;
}

export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const { store, handlers, clock, timeline, log, faults, epoch } = parts;
  const running = new Map<string, Running>();
  const abort = new AbortController();
  const slots = createSlots({ effects: store.effects, epoch, limits: parts.limits });
  const storeRetry = createStoreRetry({ file: store.file, log, abort: abort.signal });
  let isOpen = false;
  let holdsAgents = false;
  let isScheduled = false;
  let hasAdopted = false;
  let timer: NodeJS.Timeout | null = null;

  function tick(): void {
    isScheduled = false;
    if (!isOpen) return;
    let waitMs = pollMs;
    try {
      if (parts.isOwner()) {
        adopt();
        const holds = holdsAgents || store.queue.isPaused();
        for (const lane of laneNames) startLane(lane, holds);
        watchStops();
        waitMs = untilNext();
        storeRetry.forget();
      }
    } catch (thrown) {
      storeRetry.note('the dispatcher could not look for work', thrown);
    }
    if (timer !== null) clearTimeout(timer);
    if (isOpen) timer = setTimeout(tick, waitMs);
  }

  /** What an earlier owner left running is gone on with before anything is started. */
  function adopt(): void {
    if (hasAdopted) return;
    const rows = store.transaction(() => store.effects.adopt(epoch));
    hasAdopted = true;
    for (const row of rows) begin({ ...row, epoch });
  }

  function untilNext(): number {
    const now = timeline.nowMs();
    const nextAt = store.effects.nextAt(now);
    return nextAt === null ? pollMs : Math.min(pollMs, Math.max(1, nextAt - now));
  }

  /** `holds`: agents are not to be started now. */
  function startLane(lane: Lane, holds: boolean): void {
    const at = clock.nowMs();
    const candidates = store.effects.startable(lane, timeline.nowMs(), (row) => mayStart(row, holds));
    if (candidates.length === 0) return;
    const taken = store.transaction(() => {
      const rows = slots.take(lane, candidates, at);
      for (const row of rows)
        if (row.kind === 'agent.run')
          insertSignal(row, { type: 'run_starting', payload: {}, run: row.wish }, `${row.key}:starting`);
      return rows;
    });
    if (taken.length === 0) return;
    faults('lanes.after-claim');
    for (const row of taken) begin(row);
    parts.onSignals();
  }

  function mayStart({ kind, project, plan }: EffectRow, holds: boolean): boolean {
    if (parts.isUsable?.(project) === false) return false;
    return kind !== 'agent.run' || (!holds && parts.mayStart(project, plan));
  }

  function insertSignal(
    row: EffectRow,
    told: { type: SignalType; payload: unknown; run: string | null },
    dedupeKey: string,
  ): void {
    store.signals.insert({ tree: row.tree, ...told, origin: 'engine', dedupeKey, at: clock.nowMs() });
  }

  /** What a handler says before its end, in the order said. */
  function pass(
    entry: Running,
    { word, ...told }: { word: string; type: SignalType; payload: unknown; run: string | null },
  ): void {
    entry.told = entry.told.then(() =>
      storeRetry.untilTaken(() => {
        if (!parts.isOwner()) return;
        store.transaction(() => insertSignal(entry.row, told, `${entry.row.key}:${word}`));
        parts.onSignals();
      }),
    );
    // Thrown where the end of the effect waits for it; the handler may throw before that.
    entry.told.catch(() => {});
  }

  function begin(row: EffectRow): void {
    const nothing = Promise.resolve();
    const entry: Running = {
      row,
      stop: new AbortController(),
      hasBegun: false,
      told: nothing,
      stopTimer: null,
      stopAt: null,
      done: nothing,
    };
    running.set(row.key, entry);
    // Before its handler looks: what is to be gone must not be started first.
    if (row.stop_at !== null && row.stop_at <= timeline.nowMs()) entry.stop.abort();
    entry.done = carryOut(entry).finally(() => {
      if (entry.stopTimer !== null) clearTimeout(entry.stopTimer);
      running.delete(row.key);
      poke();
    });
  }

  async function carryOut(entry: Running): Promise<void> {
    const { row, stop } = entry;
    const effect = JSON.parse(row.payload) as Effect; // written by insert from an Effect
    const context: EffectContext = {
      row,
      abort: abort.signal,
      stop: stop.signal,
      report: (word, type, payload) => pass(entry, { word, type, payload, run: row.wish }),
      tell: (word, type, payload) => pass(entry, { word, type, payload, run: null }),
      began: () => begins(entry),
    };
    for (let resumes = 0; !abort.signal.aborted; resumes += 1) {
      try {
        const outcome = await handle(effect, context);
        await entry.told;
        await storeRetry.untilTaken(() => settle(row, 'done', null, outcome));
        return;
      } catch (thrown) {
        if (abort.signal.aborted) return;
        if (await isDealtWith(entry, resumes, thrown)) return;
      }
    }
  }

  function handle(effect: Effect, context: EffectContext): Promise<Outcome> {
    const handler = handlers[effect.kind] as Handler<Effect>; // the table has each kind's own
    return withNotes(
      (text) => log.warn(`${effect.kind} ${context.row.key}: ${text}`),
      () => handler(effect, context),
    );
  }

  /** What a handler looks after is under way: it waits for nothing that could keep it from being begun. */
  function begins(entry: Running): void {
    entry.hasBegun = true;
    if (entry.row.waiting_since === null) return;
    entry.told = entry.told.then(() => noteWait(entry, null));
    entry.told.catch(() => {}); // thrown where the end of the effect waits for it
  }

  function noteWait({ row }: Running, wait: { at: number; reason: string } | null): Promise<void> {
    return storeRetry.untilTaken(() => store.transaction(() => store.effects.noteWait({ key: row.key, wait, epoch })));
  }

  /** What to do about a handler that threw; false: start it again here and now, since what it looks after is under way. */
  async function isDealtWith(entry: Running, resumes: number, thrown: unknown): Promise<boolean> {
    const { row } = entry;
    const isStoreTrouble = storeError(thrown, store.file) !== null;
    const trouble = isStoreTrouble ? null : surroundingsOf(thrown);
    const message = reasonOf(trouble ?? thrown);
    // What waits for hours says why once.
    if (row.waiting_since === null) log.warn(`${row.kind} ${row.key} (try ${row.attempts + resumes}): ${message}`);
    if (!isStoreTrouble && (await isPutBack(entry, trouble, message))) return true;
    if (row.kind === 'agent.run' || isStoreTrouble) {
      const isFull = thrown instanceof EngineError && thrown.code === 'store_full';
      const waitMs = isStoreTrouble || isFull ? resumeMs : Math.min(backOffCapMs, resumeMs * 2 ** resumes);
      await waitInPlace(entry, { waitMs, reason: trouble === null ? null : message });
      return false;
    }
    const canHelp = !(thrown instanceof EngineError) || errorClasses[thrown.code].retry;
    if (canHelp && row.attempts < maxTries) {
      const delay = Math.min(backOffCapMs, backOffFirstMs * 2 ** (row.attempts - 1)) * (0.75 + Math.random() / 2);
      const nextAt = timeline.nowMs() + Math.round(delay);
      await storeRetry.untilTaken(() =>
        store.transaction(() => {
          store.timeline.write(timeline.note());
          return store.effects.tryAgain({ key: row.key, nextAt, error: message, epoch });
        }),
      );
      return true;
    }
    const outcome: Outcome = { type: 'effect_failed', payload: { detail: message.slice(0, 8_192) } };
    await storeRetry.untilTaken(() => settle(row, 'failed', message, outcome));
    return true;
  }

  /**
   * An effect that its surroundings, or its repo, keep from being done waits in its row, without its slot, for as long as it takes: no try is spent. It
   * is tried again after half the time that it has waited. What is under way, or is to be stopped, stays with its handler.
   */
  async function isPutBack({ row, hasBegun }: Running, trouble: EngineError | null, error: string): Promise<boolean> {
    if (hasBegun) return false;
    if (trouble === null && (await parts.isRepoDown?.(row.project)) !== true) return false;
    const at = clock.nowMs();
    const waitedMs = at - (row.waiting_since ?? at);
    const nextAt = timeline.nowMs() + Math.min(backOffCapMs, Math.max(backOffFirstMs, Math.round(waitedMs / 2)));
    let isBack = false;
    await storeRetry.untilTaken(() => {
      isBack = store.transaction(() => {
        store.timeline.write(timeline.note());
        return store.effects.putBack({ key: row.key, nextAt, error, epoch, at });
      });
    });
    return isBack;
  }

  /** A run that is under way keeps its slot, and says meanwhile what keeps it. */
  async function waitInPlace(entry: Running, wait: { waitMs: number; reason: string | null }): Promise<void> {
    const { reason, waitMs } = wait;
    if (reason !== null) await noteWait(entry, { at: clock.nowMs(), reason });
    await storeRetry.pause(waitMs, entry.stop.signal);
    if (reason !== null) await noteWait(entry, null);
  }

  function settle(row: EffectRow, status: 'done' | 'failed', error: string | null, outcome: Outcome): void {
    if (!parts.isOwner()) return;
    faults('lanes.before-settle');
    const isSettled = store.transaction(() => {
      if (!store.effects.settle({ key: row.key, status, error, epoch, at: clock.nowMs() })) return false;
      if (outcome.type !== null) insertSignal(row, { ...outcome, run: row.wish }, resultKey(row.key));
      return true;
    });
    if (!isSettled) log.error(`effect ${row.key} was settled by somebody else; this end of it does not count`);
    faults('lanes.after-settle');
    parts.onSignals();
  }

  /** Hands the wish to stop to the handlers, at its time. */
  function watchStops(): void {
    for (const { key, stop_at: stopAt } of store.effects.running()) {
      const entry = running.get(key);
      if (stopAt === null || entry === undefined || entry.stop.signal.aborted || entry.stopAt === stopAt) continue;
      if (entry.stopTimer !== null) clearTimeout(entry.stopTimer);
      entry.stopAt = stopAt;
      entry.stopTimer = setTimeout(() => entry.stop.abort(), Math.max(0, stopAt - timeline.nowMs()));
    }
  }

  function poke(): void {
    if (isScheduled || !isOpen) return;
    isScheduled = true;
    setImmediate(tick);
  }

  return {
    start() {
      isOpen = true;
      poke();
    },
    poke,
    holdAgents() {
      holdsAgents = true;
    },
    async stop() {
      isOpen = false;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      abort.abort(new EngineError('interrupted', 'the engine stops', 'start it again: what runs is adopted'));
      await Promise.allSettled([...running.values()].map((entry) => entry.done));
    },
    async stopDue(limitMs) {
      const now = timeline.nowMs();
      const due = store.effects.running().filter((row) => row.stop_at !== null && row.stop_at <= now);
      if (due.length === 0) return [];
      store.transaction(() => store.effects.adopt(epoch));
      for (const row of due) begin({ ...row, epoch });
      const reason = new EngineError('unavailable', 'the time to stop is over', 'the next owner goes on with it');
      const limit = setTimeout(() => abort.abort(reason), limitMs);
      await Promise.allSettled([...running.values()].map((entry) => entry.done));
      clearTimeout(limit);
      return due.filter(({ key }) => store.effects.read(key)?.status === 'running');
    },
    async carryOut(kind) {
      const ended = () => Promise.allSettled([...running.values()].map((entry) => entry.done));
      const ofKind = () => store.effects.open().filter((row) => row.kind === kind);
      if (ofKind().length === 0) return;
      store.transaction(() => store.effects.adopt(epoch));
      for (const row of ofKind()) if (row.status === 'running' && !running.has(row.key)) begin({ ...row, epoch });
      await ended();
      // Each round ends at least one effect, or puts it off: then the next owner goes on.
      for (let round = 0; round < carryLimit; round += 1) {
        const trees = new Set(ofKind().map((row) => row.tree));
        const at = clock.nowMs();
        const waiting = store.effects.startable('git', timeline.nowMs(), (row) => trees.has(row.tree));
        const taken = waiting.length === 0 ? [] : store.transaction(() => slots.take('git', waiting, at));
        if (taken.length === 0) return;
        for (const row of taken) begin(row);
        await ended();
      }
    },
  };
}
