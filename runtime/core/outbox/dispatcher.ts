/**
 * Starts requested effects, within their limits and with exclusive use of their resource; settles effects that have ended, in one commit with the signal that
 * reports it. A slot is taken in the commit that marks the row as running, and returned by the one that settles it.
 */

import { setMaxListeners } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import {
  type AgentRun,
  type Effect,
  type EffectKind,
  type Lane,
  lanes as laneNames,
  runsOwnCode,
} from '../../../machines/vocabulary/effect.ts';
import { EngineError, reasonOf } from '../../../machines/vocabulary/errors.ts';
import { type Clock, callAfter } from '../../base/platform/clock.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import type { Faults } from '../../base/platform/faults.ts';
import type { Log } from '../../base/platform/log.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/troubles.ts';
import { type Change, type StartQuery, type Store, StoreTrouble } from '../store/port.ts';
import type { EffectOwner, EffectRow, NewSignal } from '../store/rows.ts';
import type { Timeline } from '../store/timeline.ts';
import { type EffectCarrier, type Ending, inProcess } from './carrier.ts';
import type { Casting } from './casting.ts';
import { afterFailure, backOffCapMs } from './failed-try.ts';
import type { EffectContext, Handler, Handlers, Outcome } from './handler.ts';
import { aboutPlan, createSettlement, endedEngines, hasEndedEngines, type Told } from './settlement.ts';
import { countedHost, freeSlots, type Limits, partedLanes, slotsRequired, takeSlots } from './slots.ts';
import { createStoreRetry } from './store-retry.ts';
import { type Budget, withinBudget } from './within-budget.ts';

/** The context of every try of an effect; `over` belongs to one try. */
type Tried = Omit<EffectContext, 'over'>;

export interface DispatcherParts {
  readonly store: Store;
  readonly handlers: Handlers;
  readonly clock: Clock;
  /** The timeline of `next_at` and `stop_at`. */
  readonly timeline: Timeline;
  readonly log: Log;
  readonly troubles: Troubles;
  readonly faults?: Faults | undefined;
  /** The owner under which effects are claimed here. */
  readonly owner: EffectOwner;
  /** The carrier of its effects. Default: this process. */
  readonly carrier?: EffectCarrier;
  /** Whether this process still owns the home: asked before it acts. */
  isOwner(): boolean;
  /** Whether the engine before this one ended without a stop. Default: it was stopped. */
  wasCutOff?(): Promise<boolean>;
  limits(): Limits;
  /** The project that was served last, for each lane: the next turn begins after it. Default: only this dispatcher uses it. */
  readonly servedLast?: Map<Lane, string>;
  /** The plans whose agents may start in this engine now, each as `<project>/<plan>`. */
  startableAgents(): StartQuery['agents'];
  /** Effects for other hosts; default: none. */
  readonly placed?: Pick<StartQuery, 'hostNames' | 'ofOthers'>;
  /** Repos in which nothing may start now; default: none. */
  closedRepos?(): readonly string[];
  /** Whether a plan's budget has room for one more run of an agent. Default: always. */
  budget?: Budget;
  /** Which profile is used for each role now: no agent of a limited account starts. Default: no limit is known. */
  casting?(): Promise<Casting>;
  /** How many of the lane of a machine's effect run at a time. Default: as many as there are slots. */
  machineLimit?(row: EffectRow): number;
  /** How often an effect is tried, where its machine says so. Default: five times. */
  triesOf?(row: EffectRow): number | null;
  /** Whether an effect failed because of its repo; then it waits for the repo, and no attempt is spent. Default: no. */
  isRepoDown?(project: string): Promise<boolean>;
  /** Further changes because that effect has ended, in the commit that settles it. Default: none. */
  follows?(row: EffectRow): readonly Change[];
  onSignals(): void;
  /**
   * Stores a signal, in one commit with the changes that it is about. false: one of these changes does not apply, and nothing was committed. Default:
   * `onSignals` follows the commit.
   */
  bringIn?(cause: readonly Change[], signal: NewSignal): Promise<boolean>;
}

export interface Dispatcher {
  /** Adopts the effects that an earlier owner left running, then starts effects that may start. */
  start(): void;
  wake(): void;
  /** One round, for an engine with its own clock, which is never started: effects that may start begin, and those whose time is over are ended. */
  look(): Promise<void>;
  /** The effects that it carries out now. */
  running(): readonly EffectRow[];
  /** Once it has resolved, no agent is started any more; all other effects continue. Throws the store's errors. */
  holdAgents(): Promise<void>;
  /** Lets all running effects continue on their own, and leaves their rows unchanged. */
  stop(): Promise<void>;
  /**
   * Ends the runs whose time to stop has come and settles them, without starting or adopting other effects. Returns the rows that did not end within `limitMs`:
   * their rows stay unchanged, and this dispatcher cannot be used any more.
   */
  stopDue(limitMs: number): Promise<EffectRow[]>;
  /** For an engine of one verb: carries out the effects of that kind, with the earlier git effects of the same trees, and nothing else. */
  carryOut(kind: EffectKind, lane: Lane): Promise<void>;
}

/** If the earlier engine was cut off, effects that may have ended it begin one after the other: the next one when one has run for this long. */
const aloneMs = 250;
/** After this time, all of them have begun. */
const allAloneMs = 5_000;
/** An effect that runs for this long did not end the earlier engines, and its count begins anew. */
const provenMs = 60_000;
/** An effect that cannot be done is tried this often. */
const maxTries = 5;
/** A try without a failure for this long counts as going well: otherwise watchers would see by turns that it waits and that it works. */
const clearMs = 5_000;
/** An owner that stops tries once more after this time. */
const leavingMs = 1_000;
/** The interval of regular rounds; every event that may let an effect start also causes one. */
const pollMs = 10_000;
/** The same if an effect waits for its time, a lane was left for later, or a round could not read the store. */
const waitingPollMs = 1_000;
/** The most effects that an engine of one verb carries out in a row. */
const carryLimit = 100;
/** How often in a row a lane is read again if its candidates change meanwhile; then it waits for the next round. */
const lookLimit = 10;

/** Limits on what may start in a lane, beside those of the store. */
type MayStart = Pick<StartQuery, 'closed' | 'agents' | 'hostNames' | 'ofOthers' | 'trees'>;

interface Running {
  readonly row: EffectRow;
  readonly stop: AbortController;
  /** Whether the work is under way. */
  hasBegun: boolean;
  /** How often its handler was started again here. */
  resumes: number;
  /** Since when it fails again and again while it is under way, and when it last did; null: it has not failed. */
  failing: { readonly since: number; readonly last: number } | null;
  /** Why the last try could not be done, or not be written, and is to be handled again. */
  fault: { readonly thrown: unknown; readonly mayPutBack: boolean } | null;
  /** The reports of its handler, in order; its end waits for them. */
  told: Promise<void>;
  /** Cancels the timer that ends its wait when a try seems to go well; null: none runs. */
  cancelClear: (() => void) | null;
  /** Cancels the timer of its stop; null: none is set. */
  cancelStop: (() => void) | null;
  /** Cancels the timer after which it is known that this effect did not end the engine; null: it is not suspected. */
  cancelProof: (() => void) | null;
  stopAt: number | null;
  done: Promise<void>;
}

export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const { store, handlers, clock, timeline, log, faults, owner, servedLast = new Map(), machineLimit } = parts;
  const { written, signalOf, bringIn } = createSettlement(parts);
  const { carrier = inProcess } = parts;
  const running = new Map<string, Running>();
  const abort = new AbortController();
  // Every effect at work listens to it; of more than ten listeners Node would warn the person.
  setMaxListeners(0, abort.signal);
  const storeRetry = createStoreRetry({ log, abort: abort.signal });
  const loop = createServiceLoop({
    trouble: { what: 'nothing is started', holdsPlans: true },
    troubles: parts.troubles,
    everyMs: pollMs,
    retryMs: waitingPollMs,
    work: round,
  });
  let holdsAgents = false;
  let hasAdopted = false;
  /** What was adopted and has not begun yet, and what begins it. */
  let suspects: readonly EffectRow[] = [];
  let beginning: Promise<void> = Promise.resolve();
  /** It ends the due runs and stops: effects that fail again meanwhile are left to the next owner. */
  let isLeaving = false;
  /** A lane changed too often while it was read: it is read again soon. */
  let hasGivenUp = false;

  async function round(): Promise<number | null> {
    if (!parts.isOwner()) return null;
    hasGivenUp = false;
    await adopt();
    // A new effect meanwhile wakes the next round.
    const waiting = new Set(await store.queuedLanes());
    for (const lane of laneNames) if (waiting.has(lane)) await startLane(lane);
    await watchStops();
    storeRetry.forget();
    return untilNext();
  }

  /** Continues the effects that an earlier owner left running, before anything new starts. */
  async function adopt(): Promise<void> {
    if (hasAdopted) return;
    await carrier.start();
    const rows = await adopted();
    const isCounted = (await parts.wasCutOff?.()) === true;
    const alone = rows.filter((row) => isCounted && runsOwnCode(row.kind));
    const together = rows.filter((row) => !alone.includes(row));
    if (isCounted && together.length > 0) await store.commit(together.map(counted));
    hasAdopted = true;
    for (const row of together) begin(row);
    suspects = alone.toSorted((a, b) => a.suspected - b.suspected);
    beginning = beginSuspects(Math.min(aloneMs, allAloneMs / Math.max(1, alone.length))).catch((thrown: unknown) =>
      log.error('what ran when the engine before was cut off was not begun', thrown),
    );
  }

  function counted({ key }: EffectRow): Change {
    return { do: 'effect.count-suspected', key, owner };
  }

  /** One after the other, those that were begun least often first: one that ends the engine lets it carry out the others before. */
  async function beginSuspects(eachMs: number): Promise<void> {
    for (const row of suspects) {
      const now = await storeRetry.untilTaken(async () => {
        const before = await store.effect(row.key);
        if (!hasEndedEngines(row)) await store.commit([counted(row)]);
        return before;
      });
      if (abort.signal.aborted) return;
      suspects = suspects.filter(({ key }) => key !== row.key);
      if (now === null || now.status !== 'running' || now.epoch !== owner.epoch || now.host !== owner.host) continue;
      const entry = begin(now);
      entry.cancelProof = callAfter(clock, provenMs, () => clearCount(entry));
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

  async function untilNext(): Promise<number | null> {
    const now = timeline.nowMs();
    const nextAt = await store.nextEffectAt(now);
    const limits = parts.casting === undefined ? [] : await store.accountLimits();
    const isLimited = limits.some(({ until }) => until > clock.nowMs());
    if (nextAt === null) return hasGivenUp || isLimited ? waitingPollMs : null;
    return Math.min(waitingPollMs, Math.max(1, nextAt - now));
  }

  async function startLane(lane: Lane): Promise<void> {
    const rows = await take(lane, mayStart);
    if (rows.length === 0) return;
    faults?.('lanes.after-claim');
    for (const row of rows) begin(row);
    parts.onSignals();
  }

  function mayStart(): MayStart {
    return {
      closed: parts.closedRepos?.() ?? [],
      agents: holdsAgents ? 'none' : parts.startableAgents(),
      ...parts.placed,
    };
  }

  /**
   * Marks effects that get a slot as running, and returns their new rows. If an effect was withdrawn, or may no longer start, between the reading and the
   * commit, neither it nor the others of that commit begin: the lane is read again.
   */
  async function take(lane: Lane, asked: () => MayStart): Promise<EffectRow[]> {
    for (let look = 0; look < lookLimit; look += 1) {
      const may = asked();
      const limits = parts.limits();
      const host = countedHost(lane, owner.host);
      const busy = await store.effectCounts(lane, 'running', host);
      const free = freeSlots({ lane, busy, limits });
      if (free <= 0) return [];
      const casting = await castingOf(lane);
      const held = casting?.held() ?? [];
      // If parts of a lane have limits of their own, parts at their limit may be before the others.
      const limit = partedLanes.has(lane) ? {} : { limit: free };
      const candidates = await store.startable({ lane, nowMs: timeline.nowMs(), ...may, held, ...limit });
      if (candidates.length === 0) return [];
      const last = servedLast.get(lane) ?? '';
      const here = partedLanes.has(lane) ? [...suspects, ...Array.from(running.values(), ({ row }) => row)] : [];
      const parted = machineLimit === undefined ? {} : { machineLimit };
      const choose = (open: readonly EffectRow[]) =>
        takeSlots({ lane, candidates: open, busy, limits, servedLast: last, running: here, ...parted });
      const { rows, conditions, told } = await withinBudget(candidates, choose, parts.budget);
      if ((rows.length === 0 && told.length === 0) || abort.signal.aborted || !parts.isOwner()) return [];
      if (!isDeepStrictEqual(asked(), may)) continue;
      const at = clock.nowMs();
      const { status } = await store.commit([
        ...conditions,
        ...told,
        ...rows.flatMap((row) => changesOf(row, { at, casting })),
        // Another dispatcher may have taken a slot since the reading. If none starts, the messages alone are committed.
        ...(rows.length === 0 ? [] : [slotsRequired(lane, rows, { limits, host })]),
      ]);
      if (status === 'lost') continue;
      if (told.length > 0) parts.onSignals();
      servedLast.set(lane, rows.at(-1)?.project ?? last);
      return rows.map((row) => ({ ...row, status: 'running', ...owner, started_at: at, attempts: row.attempts + 1 }));
    }
    hasGivenUp = true;
    return [];
  }

  /** null: no agent of that lane is started. */
  async function castingOf(lane: Lane): Promise<Casting | null> {
    const isOfAgents = lane === 'worker' || lane === 'coordinator';
    return isOfAgents ? ((await parts.casting?.()) ?? null) : null;
  }

  function changesOf(row: EffectRow, { at, casting }: { at: number; casting: Casting | null }): Change[] {
    const taken: Change = { do: 'effect.take', id: row.id, owner, at };
    if (row.kind !== 'agent.run') return [taken];
    const { role, start, attempt, agent } = JSON.parse(row.payload) as AgentRun; // the row has that kind
    const cast = casting?.castOf(row.project, role, attempt, agent) ?? null;
    const starting = { type: 'run_starting', payload: {}, run: row.name } as const;
    const told: Change = { do: 'signal.insert', ...signalOf(row, starting, `${row.key}:starting`) };
    if (cast === null) return [taken, told];
    const { account, profile } = cast;
    const noted: Change = { do: 'run.note', key: row.key, set: { profile: profile.name, account } };
    // Another run may have noticed meanwhile that the account is rate limited. A person who restarts an agent wants it tried.
    const required: Change[] = account === null || start === 'restart' ? [] : [{ do: 'account.require', account, at }];
    return [...required, taken, noted, told];
  }

  /** Passes on a handler's reports before its end, in order. */
  function pass(entry: Running, word: string, told: Told): void {
    const { row } = entry;
    const insert = async () => {
      if (parts.isOwner()) await bringIn([], signalOf(row, told, `${row.key}:${word}`));
    };
    inOrder(entry, insert);
  }

  /** Writes it after all that was written of the effect before. A failure is thrown where the end of the effect waits for it; the handler may throw before that. */
  function inOrder(entry: Running, write: () => Promise<unknown>): void {
    entry.told = entry.told.then(async () => void (await storeRetry.untilTaken(write)));
    entry.told.catch(() => {});
  }

  function begin(row: EffectRow): Running {
    const nothing = Promise.resolve();
    const entry: Running = {
      row,
      stop: new AbortController(),
      hasBegun: false,
      resumes: 0,
      failing: null,
      fault: null,
      told: nothing,
      cancelClear: null,
      cancelStop: null,
      cancelProof: null,
      stopAt: null,
      done: nothing,
    };
    running.set(row.key, entry);
    // Checked before its handler runs: a run that must end must not be started first.
    if (row.stop_at !== null && row.stop_at <= timeline.nowMs()) entry.stop.abort();
    entry.done = carryOut(entry).finally(() => {
      entry.cancelStop?.();
      entry.cancelProof?.();
      entry.cancelClear?.();
      if (running.get(row.key) === entry) running.delete(row.key);
      loop.wake();
    });
    return entry;
  }

  function clearCount(entry: Running): void {
    const clear: Change = { do: 'effect.clear-suspected', key: entry.row.key, owner };
    inOrder(entry, () => store.commit([clear]));
  }

  function carryOut(entry: Running): Promise<void> {
    const { row, stop } = entry;
    const effect = JSON.parse(row.payload) as Effect; // written by insert from an Effect
    const context: Tried = {
      row,
      abort: abort.signal,
      stop: stop.signal,
      report: (word, type, payload) => pass(entry, word, { type, payload, run: row.name }),
      sendSignal: (word, type, payload) => pass(entry, word, { type, payload, run: null }),
      sendAs: (title, word, type, payload) =>
        pass(entry, word, { type, payload, run: row.name, origin: `agent:${title}` }),
      began: () => begins(entry),
    };
    return carrier.carry(row, {
      handle: () => handled(effect, entry, context),
      settle: (ending) => settled(entry, ending),
    });
  }

  /** The first step: runs the handler, as often as necessary. null: the engine stops. */
  async function handled(effect: Effect, entry: Running, context: Tried): Promise<Ending | null> {
    if (hasEndedEngines(entry.row)) return { do: 'fail', error: endedEngines(entry.row) };
    for (; !abort.signal.aborted; entry.resumes += 1) {
      try {
        if (entry.fault === null) {
          const outcome = await handle(effect, entry, context);
          await entry.told;
          return { do: 'conclude', outcome };
        }
      } catch (thrown) {
        entry.fault = { thrown, mayPutBack: true };
      }
      if (abort.signal.aborted) return null;
      const ending = await endingOf(entry);
      if (ending !== null) return ending;
      if (isLeaving && entry.resumes > 0) return null;
      entry.fault = null;
    }
    return null;
  }

  /** The second step: writes the outcome. What cannot be written is handled again. null: the engine stops. */
  async function settled(entry: Running, ending: Ending): Promise<'written' | 'again' | null> {
    const { row } = entry;
    try {
      const isWritten = await storeRetry.untilTaken(() => written(row, ending));
      if (isWritten === null) return null;
      if (isWritten) return 'written';
      // It is to be stopped meanwhile.
      entry.fault &&= { ...entry.fault, mayPutBack: false };
    } catch (thrown) {
      if (abort.signal.aborted) return null;
      if (ending.do !== 'conclude') throw thrown;
      entry.fault = { thrown, mayPutBack: true };
    }
    return 'again';
  }

  async function handle(effect: Effect, entry: Running, context: Tried): Promise<Outcome> {
    const handler = handlers[effect.kind] as Handler<Effect>; // the table has each kind's own
    const { stop } = entry;
    const over = new AbortController();
    const end = () => over.abort();
    // Once a run is under way, git takes over the work that it left when it was stopped.
    const endUnlessBegun = () => (entry.hasBegun ? undefined : end());
    abort.signal.addEventListener('abort', end, { once: true });
    stop.signal.addEventListener('abort', endUnlessBegun, { once: true });
    try {
      return await aboutPlan(store, entry.row, () => handler(effect, { ...context, over: over.signal }));
    } finally {
      abort.signal.removeEventListener('abort', end);
      stop.signal.removeEventListener('abort', endUnlessBegun);
    }
  }

  /** The work of a handler is under way: it cannot be prevented any more. */
  function begins(entry: Running): void {
    entry.hasBegun = true;
    if (entry.failing !== null) {
      entry.cancelClear?.();
      entry.cancelClear = callAfter(clock, clearMs, () => tellNoWait(entry));
    } else if (entry.row.waiting_since !== null) tellNoWait(entry);
  }

  function tellNoWait(entry: Running): void {
    inOrder(entry, () => store.commit([waitOf(entry, null)]));
  }

  function waitOf({ row }: Running, wait: { at: number; reason: string } | null): Change {
    return { do: 'effect.note-wait', key: row.key, wait, owner };
  }

  /** The change of the effect after a fault; null: its handler is started again here, since its work is under way. */
  async function endingOf(entry: Running): Promise<Ending | null> {
    const { row, resumes, fault } = entry;
    const thrown = fault?.thrown;
    const trouble = thrown instanceof StoreTrouble ? null : environmentFault(thrown);
    const message = reasonOf(trouble ?? thrown);
    // A wait of hours is reported once.
    if (row.waiting_since === null)
      await aboutPlan(store, row, () => log.warn(`${row.kind} ${row.key} (try ${row.attempts + resumes}): ${message}`));
    const mayPutBack = fault?.mayPutBack !== false && !entry.hasBegun;
    const isOfRepo = mayPutBack && trouble === null && !(thrown instanceof StoreTrouble) && row.project !== '';
    const isRepoDown = isOfRepo && (await parts.isRepoDown?.(row.project)) === true;
    const after = afterFailure({
      ...{ row, thrown, message, resumes, mayPutBack, trouble: isRepoDown ? 'repo' : trouble },
      maxTries: parts.triesOf?.(row) ?? maxTries,
      ...{ nowMs: clock.nowMs(), timelineMs: timeline.nowMs(), random: Math.random() },
    });
    if (after.do !== 'wait') return after;
    await waitInPlace(entry, after);
    return null;
  }

  /** A run that is under way keeps its slot, and its row has the reason of the wait until a try has succeeded or it has ended. */
  async function waitInPlace(entry: Running, wait: { waitMs: number; reason: string | null }): Promise<void> {
    const { reason, waitMs } = wait;
    entry.cancelClear?.();
    if (reason !== null) {
      const at = clock.nowMs();
      const { since = at, last = at } = entry.failing ?? {};
      entry.failing = { since: at - last > 2 * backOffCapMs ? at : since, last: at };
      const change = waitOf(entry, { at: entry.failing.since, reason });
      await storeRetry.untilTaken(() => store.commit([change]));
    }
    if (isLeaving) await storeRetry.pause(Math.min(waitMs, leavingMs));
    else await storeRetry.pause(waitMs, entry.stop.signal);
  }

  /** Asks the handlers to stop, each at its time. */
  async function watchStops(): Promise<void> {
    if (running.size === 0) return;
    for (const { key, stop_at: stopAt } of await mine()) {
      const entry = running.get(key);
      if (stopAt === null || entry === undefined || entry.stop.signal.aborted || entry.stopAt === stopAt) continue;
      entry.cancelStop?.();
      entry.stopAt = stopAt;
      entry.cancelStop = callAfter(clock, Math.max(0, stopAt - timeline.nowMs()), () => entry.stop.abort());
    }
  }

  /**
   * How long until failed effects of these trees must be tried again; null: none. An effect that waits for a fault of its environment is tried once by each owner,
   * then it is for the next.
   */
  async function untilNextTry(here: { lane: Lane; trees: readonly string[]; begun: ReadonlySet<string> }) {
    const open = (await store.effects({ by: 'open' })).filter(
      ({ lane, tree, status }) => lane === here.lane && here.trees.includes(tree) && status === 'queued',
    );
    const tried = open.filter(({ attempts, waiting_since: since, key }) =>
      since === null ? attempts > 0 : !here.begun.has(key),
    );
    if (tried.length === 0) return null;
    return Math.max(1, Math.min(...tried.map((row) => row.next_at)) - timeline.nowMs());
  }

  function ended(): Promise<unknown> {
    return Promise.allSettled([...running.values()].map((entry) => entry.done));
  }

  return {
    start: loop.start,
    wake: loop.wake,
    look: async () => void (await round()),
    running: () => [...running.values()].map(({ row }) => row),
    async holdAgents() {
      holdsAgents = true;
      // Commits that were requested earlier may wait for another program; this is the last of them.
      await store.commit([]);
    },
    async stop() {
      const stopped = loop.stop();
      abort.abort(new EngineError('interrupted', 'the engine stops', 'start it again: what runs is adopted'));
      await stopped;
      await Promise.all([carrier.stop(), beginning, ended()]);
    },
    async stopDue(limitMs) {
      const now = timeline.nowMs();
      const isDue = (row: EffectRow) => row.stop_at !== null && row.stop_at <= now;
      if (!(await mine()).some(isDue)) return [];
      isLeaving = true;
      const due = (await adopted()).filter(isDue);
      for (const row of due) begin(row);
      const reason = new EngineError('unavailable', 'the time to stop is over', 'the next owner goes on with it');
      const limit = setTimeout(() => abort.abort(reason), limitMs);
      await ended();
      clearTimeout(limit);
      const begun = new Set(due.map(({ key }) => key));
      return (await mine()).filter(({ key }) => begun.has(key));
    },
    async carryOut(kind, lane) {
      const ofKind = async () => (await store.effects({ by: 'open' })).filter((row) => row.kind === kind);
      if ((await ofKind()).length === 0) return;
      for (const row of await adopted()) if (row.kind === kind && !running.has(row.key)) begin(row);
      await ended();
      // Each round ends at least one effect, has it tried again, or waits for its next try.
      const begun = new Set<string>();
      for (let round = 0; round < carryLimit; round += 1) {
        const trees = [...new Set((await ofKind()).map((row) => row.tree))];
        const taken = await take(lane, () => ({ closed: [], agents: 'none', trees }));
        const waitMs = taken.length === 0 ? await untilNextTry({ lane, trees, begun }) : 0;
        if (waitMs === null) return;
        await storeRetry.pause(waitMs, abort.signal);
        for (const row of taken) begun.add(row.key);
        for (const row of taken) begin(row);
        await ended();
      }
    },
  };
}
