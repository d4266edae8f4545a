/**
 * Starts what is asked for, within its limits and with its resource to itself; settles what has ended, in one transaction with the
 * signal that says so. A slot is taken in the transaction that marks the row as running, and given back by the one that settles it.
 */
import { type Effect, type Lane, lanes as laneNames } from '../machines/effect.ts';
import { EngineError, errorClasses, messageOf } from '../machines/errors.ts';
import { resultKey } from '../machines/ids.ts';
import type { SignalType } from '../machines/signal.ts';
import type { Clock } from './clock.ts';
import type { EffectContext, Handler, Handlers, Outcome } from './effects/handler.ts';
import type { Faults } from './faults.ts';
import type { Log } from './log.ts';
import { createPatience } from './patience.ts';
import { storeError } from './store/db.ts';
import type { EffectRow } from './store/effects.ts';
import type { Store } from './store/store.ts';
import { inTurn } from './turns.ts';

export interface Limits {
  readonly workers: number;
  /** Workers of one repo; 0 is no limit of its own. */
  readonly workersPerRepo: number;
  readonly coordinators: number;
}

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
  /** Ends the runs whose time to stop has come and settles them, without starting or adopting anything else. */
  stopDue(): Promise<void>;
}

/** Commands in git, checks and freezes at a time: enough for two cores, and a bound. */
const fixedLimits = { git: 4, check: 2, process: 4 } as const;
/** An effect that cannot be done is tried this often. */
const maxTries = 5;
const backOffFirstMs = 500;
const backOffCapMs = 30_000;
/** A handler of a run that is under way and threw is started again after this: the run itself goes on. */
const resumeMs = 2_000;
const pollMs = 1_000;

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
  const patience = createPatience({ file: store.file, log, abort: abort.signal });
  /** The project that was served last, for each lane: the next turn begins after it. */
  const servedLast = new Map<Lane, string>();
  let isOpen = false;
  let holdsAgents = false;
  let isScheduled = false;
  let hasAdopted = false;
  let timer: NodeJS.Timeout | null = null;

  function tick(): void {
    isScheduled = false;
    if (!isOpen || !parts.isOwner()) return;
    let waitMs = pollMs;
    try {
      adopt();
      for (const lane of laneNames) startLane(lane);
      watchStops();
      waitMs = untilNext();
      patience.forget();
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

  function startLane(lane: Lane): void {
    const at = clock.nowMs();
    const candidates = store.effects.startable(lane, at).filter(mayStart);
    if (candidates.length === 0) return;
    const taken = store.transaction(() => takeFrom(lane, candidates, at));
    if (taken.length === 0) return;
    faults('lanes.after-claim');
    for (const row of taken) begin(row);
    parts.onSignals();
  }

  function mayStart({ kind, project, plan }: EffectRow): boolean {
    return kind !== 'agent.run' || (!holdsAgents && parts.mayStart(project, plan));
  }

  function takeFrom(lane: Lane, candidates: readonly EffectRow[], at: number): EffectRow[] {
    const limits = parts.limits();
    const limit = lane === 'worker' ? limits.workers : lane === 'coordinator' ? limits.coordinators : fixedLimits[lane];
    const busy = store.effects.countByProject(lane, 'running');
    const perRepo = lane === 'worker' && limits.workersPerRepo > 0 ? limits.workersPerRepo : Number.POSITIVE_INFINITY;
    let free = limit - [...busy.values()].reduce((sum, count) => sum + count, 0);
    const resources = new Set<string>();
    const taken: EffectRow[] = [];
    for (const row of inTurn(candidates, servedLast.get(lane) ?? '')) {
      if (free <= 0) break;
      const resource = `${row.project} ${row.resource}`;
      const busyHere = busy.get(row.project) ?? 0;
      if (busyHere >= perRepo || resources.has(resource) || !store.effects.take({ id: row.id, epoch, at })) continue;
      resources.add(resource);
      busy.set(row.project, busyHere + 1);
      servedLast.set(lane, row.project);
      free -= 1;
      taken.push({ ...row, status: 'running', epoch, started_at: at, attempts: row.attempts + 1 });
      if (row.kind === 'agent.run')
        insertSignal(row, { type: 'run_starting', payload: {}, run: row.wish }, `${row.key}:starting`);
    }
    return taken;
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
    while (!abort.signal.aborted) {
      try {
        const outcome = await handle(effect, context);
        await entry.told;
        await patience.untilTaken(() => settle(row, 'done', null, outcome));
        return;
      } catch (thrown) {
        if (abort.signal.aborted) return;
        if (await isDealtWith(row, thrown)) return;
      }
    }
  }

  function handle(effect: Effect, context: EffectContext): Promise<Outcome> {
    const handler = handlers[effect.kind] as Handler<Effect>; // the table has each kind's own
    return handler(effect, context);
  }

  /** What to do about a handler that threw; false: start it again here and now, since what it looks after is under way. */
  async function isDealtWith(row: EffectRow, thrown: unknown): Promise<boolean> {
    const message = thrown instanceof EngineError ? `${thrown.message}\n${thrown.hint}` : messageOf(thrown);
    log.warn(`${row.kind} ${row.key} (try ${row.attempts}): ${message}`);
    if (row.kind === 'agent.run' || storeError(thrown, store.file) !== null) {
      await patience.pause(resumeMs);
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
    async stopDue() {
      const now = clock.nowMs();
      const due = store.effects.running().filter((row) => row.stop_at !== null && row.stop_at <= now);
      if (due.length === 0) return;
      store.transaction(() => store.effects.adopt(epoch));
      for (const row of due) begin({ ...row, epoch });
      for (const entry of running.values()) entry.stop.abort();
      await Promise.allSettled([...running.values()].map((entry) => entry.done));
    },
  };
}
