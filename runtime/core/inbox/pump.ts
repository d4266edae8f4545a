/**
 * The one place where signals are handled: claim -> step -> commit -> publish. If a batch throws, its signals are tried one by one, counted, and quarantined
 * after three tries. Signals that may have ended the earlier engine are also handled alone, and counted before they begin, separately from signals that threw
 * (signal-row.ts).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { parseTree, planTree, repoTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Log } from '../../base/platform/log.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import { withTrace } from '../../base/platform/trace-context.ts';
import { hookRows } from '../store/hook-rows.ts';
import { type Change, CommitLost, mustCommit, type PlanKey, StoreTrouble } from '../store/port.ts';
import type { JournalLine, NewLine, NewSignal, SignalRow } from '../store/rows.ts';
import { endedText, maxEngines } from '../store/suspected.ts';
import { tracePartOf } from '../store/trace-ids.ts';
import { concernsHere } from '../store/written.ts';
import type { Bus } from './facts.ts';
import { createSuspects, dependentPlan, isAddress, rowOf, toldToSender, treeOf } from './signal-row.ts';
import { type BatchParts, type BatchResult, handleBatch, notification } from './transaction.ts';

/** The most signals of one commit: enough to share its cost, few enough that none waits long behind them. */
const batchSize = 64;
/** A signal that throws this often is quarantined. */
const maxTries = 3;
/** If other writers win so often in a row, the batch is split: each of its signals gets its own commit. */
const batchLosses = 4;
/** If the commit of a single pending signal is lost so often, the signal throws: another writer should have handled it or left its tree alone. */
const signalLosses = 20;
/** The pump looks for due signals this often, also without a wake-up: a sleeping computer may miss a timer. */
const pollMs = 10_000;

export interface PumpParts extends BatchParts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly troubles: Troubles;
  /** Whether this process still owns the home: asked before each batch. */
  isOwner(): boolean;
  /** Whether the engine before this one ended without a stop: it was killed, or ended by a signal that it handled. Default: it was stopped. */
  wasCutOff?(): Promise<boolean>;
  /** Whether another host handles the signals of that repo. Default: none does. */
  isElsewhere?(project: string): boolean;
  /** An effect was requested or withdrawn, or may start now. */
  onEffects(): void;
  /** These signals have their verdict, or are held. */
  onVerdicts(ids: readonly number[]): void;
}

const nothingHandled: BatchResult = { lines: [], touchedEffects: false, settled: [], released: new Set() };

export interface Added {
  readonly id: number;
  /** Whether it has its verdict or is held. */
  readonly isSettled: boolean;
}

/** A signal that is due when it arrives. */
export type ArrivingSignal = Omit<NewSignal, 'deliverAt'>;

/** A signal on its way into the inbox. */
interface Arrival {
  readonly signal: ArrivingSignal;
  /** Changes that are committed along with it, if all their conditions hold. */
  readonly cause: readonly Change[];
  /** null: a condition of `cause` was not met, and nothing was committed. */
  added(answer: Added | null): void;
  failed(thrown: unknown): void;
}

export interface Pump {
  start(): void;
  /** Stops after the present batch; due signals remain in their rows. */
  stop(): Promise<void>;
  /** Tells the pump to look for due signals now. */
  wake(): void;
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
  const { store, bus, clock, timeline, log, isElsewhere = () => false } = parts;
  const { kinds } = parts.trees;
  let isRunning = false;
  let unwatch = () => {};
  /** Other writers may have added lines to the journal. */
  let isChanged = true;
  const arrivals: Arrival[] = [];
  /** Batches come one after the other, for all callers. */
  let last: Promise<unknown> = Promise.resolve();
  /** Batches that were lost in a row. */
  let lostBatches = 0;
  /** How often the commit of a signal alone was lost, by its id. */
  const lostAlone = new Map<number, number>();
  const suspects = createSuspects(store, parts.wasCutOff ?? (async () => false));
  const loop = createServiceLoop({
    trouble: { what: 'signals are not handled', holdsPlans: true },
    troubles: parts.troubles,
    everyMs: pollMs,
    async work() {
      if (isChanged) {
        isChanged = false;
        bus.reached(await store.lastLine());
        if (parts.isOwner()) await inTurn(setUnreadableAside);
      }
      await handleAll(() => isRunning, null);
      return untilNextDue();
    },
  });

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  }

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
      await insert(arrived);
      return arrivals.length > 0;
    }
    await suspects.look();
    // Before the claim: a later signal takes the next number, and a commit that expects this number is lost.
    const last = arrived.length === 0 ? 0 : await store.lastSignal();
    const now = { keptMs: timeline.nowMs(), wallMs: clock.nowMs() };
    const claimed = await store.claim(now, { limit: batchSize, ...(project === null ? {} : { project }) });
    const rows = claimed.filter(({ id }) => Number.isSafeInteger(id));
    if (rows.length + arrived.length === 0) return false;
    const { touchedEffects, lines, settled } = (await handleWith(rows, arrived, last)) ?? (await handle(rows));
    if (touchedEffects) parts.onEffects();
    bus.publish(lines);
    parts.onVerdicts(settled);
    return true;
  }

  /** The rows and then the arrived signals, in one commit; null: the arrived ones wait in their rows, and the given rows must still be handled. */
  async function handleWith(
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
    await insert(arrived);
    return null;
  }

  /** Stores all in one commit, except that each one with a cause has its own; they are handled like due signals. */
  async function insert(arrived: readonly Arrival[]): Promise<void> {
    const together = arrived.filter(({ cause }) => cause.length === 0);
    const changes = together.map(({ signal }): Change => ({ do: 'signal.insert', ...signal }));
    const { signals } = together.length === 0 ? { signals: [] } : await mustCommit(store, changes);
    for (const [index, { id }] of signals.entries()) together[index]?.added({ id, isSettled: false });
    for (const { signal, cause, added } of arrived) {
      if (cause.length === 0) continue;
      const commit = await store.commit([...cause, { do: 'signal.insert', ...signal }]);
      added(commit.status === 'lost' ? null : { id: commit.signals.at(-1)?.id ?? 0, isSettled: false });
    }
  }

  function arrive(signal: ArrivingSignal, cause: readonly Change[]): Promise<Added | null> {
    return new Promise((added, failed) => {
      const arrival = { signal, cause, added, failed };
      if (!isRunning) {
        insert([arrival]).catch(failed);
        return;
      }
      arrivals.push(arrival);
      loop.wake();
    });
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
      await aboutPlan(row, () =>
        log.warn(
          `signal ${id} (${type} for ${treeOf(kinds, row)}) is handled alone: it was begun ${suspected} times before`,
        ),
      );
    await store.commit([{ do: 'signal.count-suspected', id }]);
  }

  /** Each row alone, so that one bad signal harms no other. Later signals for its own tree wait for its outcome. */
  async function isolate(rows: readonly SignalRow[]): Promise<BatchResult> {
    const lines: JournalLine[] = [];
    const settled: number[] = [];
    const later = new Set<TreeAddress>();
    let touchedEffects = false;
    for (const row of rows) {
      if (later.has(treeOf(kinds, row))) continue;
      try {
        if (row.suspected >= maxEngines) throw new EngineEnded(row.suspected);
        const alone = await handleAlone(row);
        if (alone === null) {
          later.add(treeOf(kinds, row));
          continue;
        }
        lines.push(...alone.lines);
        settled.push(...alone.settled);
        touchedEffects ||= alone.touchedEffects;
        for (const address of alone.released) later.add(address);
      } catch (thrown) {
        if (thrown instanceof StoreTrouble) throw thrown;
        const told = await countFailure(row, thrown);
        lines.push(...told);
        if (told.length > 0) {
          settled.push(row.id);
          touchedEffects = true;
        }
        later.add(treeOf(kinds, row));
      }
    }
    return { lines, touchedEffects, settled, released: later };
  }

  /** What is logged meanwhile names the plan's trace. */
  async function aboutPlan(row: SignalRow, work: () => void): Promise<void> {
    const key = dependentPlan(row);
    withTrace(key === null ? null : await tracePartOf(store, { ...key, part: '' }), work);
  }

  async function countFailure(row: SignalRow, thrown: unknown): Promise<JournalLine[]> {
    const at = clock.nowMs();
    const { id, type, origin } = row;
    const isEnded = thrown instanceof EngineEnded;
    const tries = row.attempts + 1;
    suspects.handled(row);
    const counts: Change[] = isEnded ? [] : [{ do: 'signal.count-attempt', id }];
    const tree = treeOf(kinds, row);
    const what = isEnded ? 'is set aside' : `threw, try ${tries} of ${maxTries}`;
    await aboutPlan(row, () => log.error(`signal ${id} (${type} for ${tree}) ${what}`, thrown));
    if (tries < maxTries && !isEnded) {
      await store.commit(counts);
      return [];
    }
    const hint = `look at it with: stator signal show ${id}; try it again with: stator signal retry ${id}`;
    const result = { error: messageOf(thrown), code: 'internal', hint };
    const told = { type, origin, actor: '', event: 'set_aside', from: '', to: '', effects: [], refused: result };
    const line: NewLine = { at, tree, signal: id, ...told };
    const why = `signal ${id} (${type}) was set aside`;
    // The first one stays: a person who resolves it delivers all later ones too.
    const key = dependentPlan(row);
    const fault: Change[] =
      key === null
        ? toldOfMachine(tree, { message: `${why}: ${result.error}`, at })
        : [
            { do: 'plan.set-fault', key, signal: id, isFirst: true, at },
            notification(key, { type: 'plan_blocked', message: `fault: ${why}`, at }),
            ...(await toldOfFault(key, { reason: why, at })),
          ];
    const commit = await store.commit([
      ...counts,
      { do: 'signal.set-aside', id, result, at },
      ...fault,
      ...toldToSender(row, result, at),
      { do: 'journal.append', line, input: null },
    ]);
    // The commit is lost if another process has handled it meanwhile.
    return commit.status === 'lost' ? [] : [{ seq: commit.lines[0] ?? 0, ...line }];
  }

  /** Rows with numbers that cannot be read get others, and fail: each blocks its own plan, and no other. */
  async function setUnreadableAside(): Promise<void> {
    for (const found of await store.unreadableSignals()) {
      if (isElsewhere(found.project)) continue;
      const at = clock.nowMs();
      const id = (await store.lastSignal()) + 1;
      const { number, project, plan, type } = found;
      const known = plan === '' ? null : await store.plan(project, plan);
      const why = `signal ${id} (${type}) was set aside: its number was ${number}, which no engine can read`;
      log.error(`${why}; it is of ${project}/${plan}`, null);
      const hint = `look at it with: stator signal show ${id}; deliver it with: stator signal retry ${id}`;
      const result = { error: why, code: 'internal', hint };
      const tree = known === null ? repoTree(project) : planTree(project, plan);
      const key = { project, plan };
      const fault: Change[] =
        known === null
          ? []
          : [
              { do: 'plan.set-fault', key, signal: id, isFirst: true, at },
              notification(key, { type: 'plan_blocked', message: `fault: ${why}`, at }),
              ...(await toldOfFault(key, { reason: why, at })),
            ];
      // If the commit is lost, the next round does it.
      const commit = await store.commit([{ do: 'signal.renumber', number, id, tree, result, at }, ...fault]);
      if (commit.status === 'lost') isChanged = true;
      else parts.onEffects();
    }
  }

  /** Notifies hooks of a plan that a fault has just stopped. */
  async function toldOfFault(key: PlanKey, { reason, at }: { reason: string; at: number }): Promise<Change[]> {
    const plan = await store.plan(key.project, key.plan);
    if (plan === null || plan.faultSignal !== null) return [];
    const details = { blocked_reason: reason, blocked_source: 'fault' };
    const base = { from: plan.status, to: plan.status };
    const blocked = { event: 'blocked', ...base, details } as const;
    const notice = { event: 'plan_blocked', ...base, details: { message: `fault: ${reason}` } } as const;
    return hookRows(key, [blocked, notice], { hooks: parts.hooksOf(key.project), at });
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
      await answering(arrived, () => insert(arrived)).catch(() => {}); // their senders get the error
    },
    wake: loop.wake,
    async add(signal) {
      const added = await arrive(signal, []);
      if (added === null) throw new Error(`signal ${signal.type} was lost without a cause`);
      return added;
    },
    addWith: async (cause, signal) => (await arrive(signal, cause)) !== null,
    drain: (project) => handleAll(() => true, project ?? null),
  };
}

/** A tree of a user-defined machine goes on without the signal; a person is notified. */
function toldOfMachine(tree: TreeAddress, { message, at }: { message: string; at: number }): Change[] {
  if (!isAddress(tree) || parseTree(tree).kind !== 'machine') return [];
  return [notification({ project: '', plan: tree }, { type: 'machine_notice', message: `fault: ${message}`, at })];
}

class EngineEnded extends Error {
  constructor(times: number) {
    super(endedText(times, { did: 'handled', what: 'its machine' }));
  }
}
