/**
 * Starts requested effects, within their limits and with exclusive use of their resource; settles effects that have ended, in one commit with the signal that
 * reports it. A slot is taken in the commit that marks the row as running, and returned by the one that settles it.
 */

import { setMaxListeners } from 'node:events';
import { type EffectKind, type Lane, lanes as laneNames } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Faults } from '../../base/platform/faults.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import type { Change, StartQuery } from '../store/port.ts';
import type { EffectRow, NewSignal } from '../store/rows.ts';
import { type AdoptionParts, createAdoption } from './adoption.ts';
import { inProcess } from './carrier.ts';
import { createExecutor } from './executor.ts';
import { createSettlement } from './settlement.ts';
import { createStoreRetry } from './store-retry.ts';
import { createTaking, type MayStart, type TakingParts } from './taking.ts';

export interface DispatcherParts extends TakingParts, AdoptionParts {
  readonly troubles: Troubles;
  readonly faults?: Faults | undefined;
  /** The plans whose agents may start in this engine now, each as `<project>/<plan>`. */
  startableAgents(): StartQuery['agents'];
  /** Effects for other hosts; default: none. */
  readonly placed?: Pick<StartQuery, 'hostNames' | 'ofOthers'>;
  /** Repos in which nothing may start now; default: none. */
  closedRepos?(): readonly string[];
  /** Further changes because that effect has ended, in the commit that settles it. Default: none. */
  follows?(row: EffectRow): readonly Change[];
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

/** The interval of regular rounds; every event that may let an effect start also causes one. */
const pollMs = 10_000;
/** The same if an effect waits for its time, a lane was left for later, or a round could not read the store. */
const waitingPollMs = 1_000;
/** The most effects that an engine of one verb carries out in a row. */
const carryLimit = 100;

export function createDispatcher(parts: DispatcherParts): Dispatcher {
  const { store, clock, timeline, log, faults, carrier = inProcess } = parts;
  const settlement = createSettlement(parts);
  const abort = new AbortController();
  // Every effect at work listens to it; of more than ten listeners Node would warn the person.
  setMaxListeners(0, abort.signal);
  const storeRetry = createStoreRetry({ log, abort: abort.signal });
  const executor = createExecutor(parts, {
    ...{ settlement, storeRetry, abort: abort.signal },
    isLeaving: () => isLeaving,
    onEnd: () => loop.wake(),
  });
  const { running, begin, ended } = executor;
  const adoption = createAdoption(parts, { executor, storeRetry, abort: abort.signal });
  const { mine, adopted } = adoption;
  const take = createTaking(parts, {
    ...{ signalOf: settlement.signalOf, abort: abort.signal },
    here: () => [...adoption.suspects(), ...Array.from(running.values(), ({ row }) => row)],
  });
  const loop = createServiceLoop({
    trouble: { what: 'nothing is started', holdsPlans: true },
    troubles: parts.troubles,
    everyMs: pollMs,
    retryMs: waitingPollMs,
    work: round,
  });
  let holdsAgents = false;
  /** It ends the due runs and stops: effects that fail again meanwhile are left to the next owner. */
  let isLeaving = false;
  /** A lane changed too often while it was read: it is read again soon. */
  let hasGivenUp = false;

  async function round(): Promise<number | null> {
    if (!parts.isOwner()) return null;
    hasGivenUp = false;
    await adoption.adopt();
    // A new effect meanwhile wakes the next round.
    const waiting = new Set(await store.queuedLanes());
    for (const lane of laneNames) if (waiting.has(lane)) await startLane(lane);
    if (running.size > 0) executor.watchStops(await mine());
    storeRetry.forget();
    return untilNext();
  }

  async function untilNext(): Promise<number | null> {
    const now = timeline.nowMs();
    const nextAt = await store.nextEffectAt(now);
    const limits = parts.profileChoices === undefined ? [] : await store.accountLimits();
    const isLimited = limits.some(({ until }) => until > clock.nowMs());
    if (nextAt === null) return hasGivenUp || isLimited ? waitingPollMs : null;
    return Math.min(waitingPollMs, Math.max(1, nextAt - now));
  }

  async function startLane(lane: Lane): Promise<void> {
    const rows = await take(lane, mayStart);
    hasGivenUp ||= rows === null;
    if (rows === null || rows.length === 0) return;
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
      await Promise.all([carrier.stop(), adoption.begun(), ended()]);
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
        const taken = (await take(lane, () => ({ closed: [], agents: 'none', trees }))) ?? [];
        const waitMs = taken.length === 0 ? await untilNextTry(parts, { lane, trees, begun }) : 0;
        if (waitMs === null) return;
        await storeRetry.pause(waitMs, abort.signal);
        for (const row of taken) begun.add(row.key);
        for (const row of taken) begin(row);
        await ended();
      }
    },
  };
}

/**
 * How long until failed effects of these trees must be tried again; null: none. An effect that waits for a fault of its environment is tried once by each owner,
 * then it is for the next.
 */
async function untilNextTry(
  { store, timeline }: DispatcherParts,
  here: { lane: Lane; trees: readonly string[]; begun: ReadonlySet<string> },
) {
  const open = (await store.effects({ by: 'open' })).filter(
    ({ lane, tree, status }) => lane === here.lane && here.trees.includes(tree) && status === 'queued',
  );
  const tried = open.filter(({ attempts, waiting_since: since, key }) =>
    since === null ? attempts > 0 : !here.begun.has(key),
  );
  if (tried.length === 0) return null;
  return Math.max(1, Math.min(...tried.map((row) => row.next_at)) - timeline.nowMs());
}
