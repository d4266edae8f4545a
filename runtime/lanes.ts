/**
 * Starts what is asked for, within its limits and with its resource to itself; settles what has ended, in one transaction with the
 * signal that says so. A slot is taken in the transaction that marks the row as running, and given back by the one that settles it.
 */
import { type Effect, type EffectKind, type Lane, lanes as laneNames } from '../machines/effect.ts';
import { EngineError, errorClasses, reasonOf } from '../machines/errors.ts';
import { resultKey } from '../machines/ids.ts';
import type { SignalType } from '../machines/signal.ts';
import type { Clock } from './clock.ts';
import type { EffectContext, Handler, Handlers, Outcome } from './effects/handler.ts';
import type { Faults } from './faults.ts';
import type { Log } from './log.ts';
import { createPatience } from './patience.ts';
import { createSlots, type Limits } from './slots.ts';
import { storeError } from './store/db.ts';
import type { EffectRow } from './store/effects.ts';
import type { Store } from './store/store.ts';

export interface LaneParts {
  readonly store: Store;
  readonly handlers: Handlers;
  readonly clock: Clock;
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

export interface Lanes {
  /** Takes up what an earlier owner left running, then starts what may start. */
  start(): void;
  poke(): void;
  /** No agent is started from here on; everything else goes on. */
  holdAgents(): void;
  /** Lets go of everything that runs, and leaves its rows as they are. */
  stop(): Promise<void>;
  /**
   * Ends the runs whose time to stop has come and settles them, without starting or adopting anything else. Answers the rows that did not end
   * within `limitMs`: they are let go of and stay as they are, and nothing more can be asked of these lanes.
   */
  stopDue(limitMs: number): Promise<EffectRow[]>;
  /** For an owner of a moment: carries out what is asked for of that kind, with what of the same trees' git stands before it, and nothing else. */
  carryOut(kind: EffectKind): Promise<void>;
}

/** An effect that cannot be done is tried this often. */
const maxTries = 5;
const backOffFirstMs = 500;
const backOffCapMs = 30_000;
/** A handler of a run that is under way and threw is started again after this, then after twice as long each time, up to the cap: the run itself goes on. */
const resumeMs = 2_000;
const pollMs = 1_000;
/** Effects in a row that an owner of a moment carries out at most. */
const carryLimit = 100;

interface Running {
  readonly row: EffectRow;
  readonly stop: AbortController;
  /** What its handler reported, in order; the end of it waits for these. */
  told: Promise<void>;
  stopTimer: NodeJS.Timeout | null;
  stopAt: number | null;
  done: Promise<void>;
}

export function createLanes(parts: LaneParts): Lanes {
  const { store, handlers, clock, log, faults, epoch } = parts;
  const running = new Map<string, Running>();
  const abort = new AbortController();
  const slots = createSlots({ effects: store.effects, epoch, limits: parts.limits });
  const patience = createPatience({ file: store.file, log, abort: abort.signal });
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
        patience.forget();
      }
    } catch (thrown) {
      patience.note('lanes could not look for work', thrown);
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
    const now = clock.nowMs();
    const nextAt = store.effects.nextAt(now);
    return nextAt === null ? pollMs : Math.min(pollMs, Math.max(1, nextAt - now));
  }

  /** `holds`: agents are not to be started now. */
  function startLane(lane: Lane, holds: boolean): void {
    const at = clock.nowMs();
    const candidates = store.effects.startable(lane, at, (row) => mayStart(row, holds));
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
      patience.untilTaken(() => {
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
      told: nothing,
      stopTimer: null,
      stopAt: null,
      done: nothing,
    };
    running.set(row.key, entry);
    // Before its handler looks: what is to be gone must not be started first.
    if (row.stop_at !== null && row.stop_at <= clock.nowMs()) entry.stop.abort();
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
    };
    for (let resumes = 0; !abort.signal.aborted; resumes += 1) {
      try {
        const outcome = await handle(effect, context);
        await entry.told;
        await patience.untilTaken(() => settle(row, 'done', null, outcome));
        return;
      } catch (thrown) {
        if (abort.signal.aborted) return;
        if (await isDealtWith(entry, resumes, thrown)) return;
      }
    }
  }

  function handle(effect: Effect, context: EffectContext): Promise<Outcome> {
    const handler = handlers[effect.kind] as Handler<Effect>; // the table has each kind's own
    return handler(effect, context);
  }

  /** What to do about a handler that threw; false: start it again here and now, since what it looks after is under way. */
  async function isDealtWith({ row, stop }: Running, resumes: number, thrown: unknown): Promise<boolean> {
    const message = reasonOf(thrown);
    log.warn(`${row.kind} ${row.key} (try ${row.attempts + resumes}): ${message}`);
    const isStoreTrouble = storeError(thrown, store.file) !== null;
    if (!isStoreTrouble && (await isPutBack(row, thrown, message))) return true;
    if (row.kind === 'agent.run' || isStoreTrouble) {
      const isFull = thrown instanceof EngineError && thrown.code === 'store_full';
      const waitMs = isStoreTrouble || isFull ? resumeMs : Math.min(backOffCapMs, resumeMs * 2 ** resumes);
      await patience.pause(waitMs, stop.signal);
      return false;
    }
    const canHelp = !(thrown instanceof EngineError) || errorClasses[thrown.code].retry;
    if (canHelp && row.attempts < maxTries) {
      const delay = Math.min(backOffCapMs, backOffFirstMs * 2 ** (row.attempts - 1)) * (0.75 + Math.random() / 2);
      const nextAt = clock.nowMs() + Math.round(delay);
      await patience.untilTaken(() =>
        store.transaction(() => store.effects.tryAgain({ key: row.key, nextAt, error: message, epoch })),
      );
      return true;
    }
    const outcome: Outcome = { type: 'effect_failed', payload: { detail: message.slice(0, 8_192) } };
    await patience.untilTaken(() => settle(row, 'failed', message, outcome));
    return true;
  }

  /**
   * An effect whose repo cannot be used now waits in its row, without its slot, until it can. An agent's run says `bad_repo` only where it has not
   * begun; what is to be stopped stays with its handler, who gives it up.
   */
  async function isPutBack(row: EffectRow, thrown: unknown, message: string): Promise<boolean> {
    const mayWait = row.kind !== 'agent.run' || (thrown instanceof EngineError && thrown.code === 'bad_repo');
    if (!mayWait || (await parts.isRepoDown?.(row.project)) !== true) return false;
    const nextAt = clock.nowMs() + backOffFirstMs;
    let isBack = false;
    await patience.untilTaken(() => {
      isBack = store.transaction(() => {
        if (store.effects.read(row.key)?.stop_at !== null) return false;
        return store.effects.tryAgain({ key: row.key, nextAt, error: message, epoch });
      });
    });
    return isBack;
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
      entry.stopTimer = setTimeout(() => entry.stop.abort(), Math.max(0, stopAt - clock.nowMs()));
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
      const now = clock.nowMs();
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
        const waiting = store.effects.startable('git', at, (row) => trees.has(row.tree));
        const taken = waiting.length === 0 ? [] : store.transaction(() => slots.take('git', waiting, at));
        if (taken.length === 0) return;
        for (const row of taken) begin(row);
        await ended();
      }
    },
  };
}
