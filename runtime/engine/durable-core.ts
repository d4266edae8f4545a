/** The parts of an engine that has user-defined machines and nothing else: inbox, outbox, store, and the requests about its trees. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnyDefinition } from '../../actors/definition.ts';
import { createKinds } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { createTrees } from '../../actors/tree.ts';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../machines/vocabulary/ids.ts';
import { aText, checkOptions, required } from '../api/client/options.ts';
import { createMachineCommands } from '../api/commands/machines.ts';
import { verdictWaitMs } from '../api/commands/signal-sender.ts';
import { createFactView } from '../api/queries/facts.ts';
import { createMachineTreeViews } from '../api/queries/machine-trees.ts';
import { verify } from '../api/queries/verify.ts';
import { type Clock, systemClock } from '../base/platform/clock.ts';
import type { Faults } from '../base/platform/faults.ts';
import { harmless, type Log } from '../base/platform/log.ts';
import { createServiceLoop, createTroubles } from '../base/platform/poll-loop.ts';
import type { ArrivingSignal } from '../core/inbox/arrivals.ts';
import { createBus, createVerdicts, followedLines } from '../core/inbox/facts.ts';
import { createPump } from '../core/inbox/pump.ts';
import { createTreeCache } from '../core/inbox/tree-cache.ts';
import { createDispatcher } from '../core/outbox/dispatcher.ts';
import type { Handlers } from '../core/outbox/handler.ts';
import { openTimeline } from '../core/store/timeline.ts';
import { createMachineEffect } from '../work/effects/machine-effect.ts';
import { clearRows, giveSpaceBack, type RowRound } from '../work/gc/rows.ts';
import { type DurablePlace, openPlace, type PlaceOptions } from './durable-place.ts';
import type { Pause, PausedPart } from './durable-types.ts';
import { effectsOfOthers, machineLimits } from './machine-lanes.ts';
import { type MachineClient, missingDefinitions, notifyUpgraded, releaseHeld, reportChanged } from './machines.ts';
import { createGate } from './request-gate.ts';
import { type Service, startServices, stopServices } from './services.ts';

interface CoreOptions extends Omit<PlaceOptions, 'waitMs'> {
  readonly waitMs?: number | undefined;
  readonly keepEndedMs?: number | undefined;
  readonly log?: Log | undefined;
  readonly clock?: Clock | undefined;
  readonly faults?: Faults | undefined;
  /** The time before the first round of clearing old rows: an engine that has just started has more important work. Default: nine minutes. */
  readonly clearAfterMs?: number | undefined;
}

export interface DurableCore {
  readonly client: MachineClient;
  pause(part: PausedPart): Promise<void>;
  resume(part: PausedPart): Promise<void>;
  pauses(): Promise<Pause[]>;
  retry(signal: number): Promise<void>;
  loss(): EngineError | null;
  stop(): Promise<void>;
}

const defaultKeepMs = 30 * 86_400_000;
const clearEveryMs = 6 * 3_600_000;
/** The interval at which hosts record that they are present, and look for lost ones; below the 12 s after which a host counts as lost. */
const beatMs = 2_500;
/** No tree here has an agent. */
const noAgents = { workers: 0, workersPerRepo: 0, coordinators: 0 };

const onStandardError: Log = {
  debug() {},
  info() {},
  warn: (message) => console.warn(message),
  error: (message, thrown) => console.error(message, ...(thrown === undefined ? [] : [thrown])),
};

/**
 * Opens the store, continues the work that an earlier engine left, and begins to work. Throws the errors of the place and the store; then no part of it
 * remains.
 */
export async function openDurableCore(machines: readonly AnyDefinition[], options: CoreOptions): Promise<DurableCore> {
  const place = await openPlace({ ...options, waitMs: options.waitMs ?? 0 });
  try {
    return await startCore(place, machines, options);
  } catch (thrown) {
    place.store.close();
    place.release();
    throw thrown;
  }
}

async function startCore(
  place: DurablePlace,
  machines: readonly AnyDefinition[],
  options: CoreOptions,
): Promise<DurableCore> {
  const { keepEndedMs = defaultKeepMs, clearAfterMs = clearEveryMs / 40 } = options;
  const parts = await createParts(place, machines, options);
  const { store } = place;
  const { dispatcher, views, commands, log } = parts;
  const stopping = new AbortController();
  const services: Service[] = [
    ...hostServices(parts),
    { name: 'the dispatcher', start: () => dispatcher.start(), stop: () => dispatcher.stop() },
    cleaning(parts, { keepEndedMs, clearAfterMs, stopping: stopping.signal }),
  ];
  let stopped: EngineError | null = null;
  let ending: Promise<void> | null = null;
  const loss = () => stopped ?? lossOf(place);

  async function end(): Promise<void> {
    stopped = new EngineError(
      'stopped',
      'this engine was stopped: nothing more can be asked of it',
      'make another one',
    );
    stopping.abort();
    const take = async (step: () => Promise<unknown> | unknown) => {
      try {
        await step();
      } catch (thrown) {
        log.warn(`the engine did not end as it should: ${messageOf(thrown)}`);
      }
    };
    parts.bus.close();
    await take(() => stopServices(services, log));
    await take(() => (store.loss() === null ? store.hosts?.leave() : null));
    await take(() => parts.pump.stop());
    parts.timeline.close();
    await take(() => store.close());
    await take(() => place.release());
  }

  const gate = createGate();
  /** A program gets its own copy: changing it changes no live tree. */
  const asked = <T>(work: () => Promise<T>): Promise<T> =>
    gate(async () => {
      const lost = loss();
      if (lost !== null) throw lost;
      const answer = await work();
      return answer === undefined ? answer : (JSON.parse(JSON.stringify(answer)) as T); // it has no other values
    });

  await begin(parts, services).catch(async (thrown: unknown) => {
    await end();
    throw thrown;
  });
  return {
    client: machineClient(parts, asked),
    loss,
    async pause(part) {
      await asked(() => commands.pauseMachine(partOf('pause', part)));
    },
    async resume(part) {
      await asked(() => commands.resumeMachine(partOf('resume', part)));
    },
    pauses: () => asked(views.machinePauses),
    async retry(id) {
      const lost = loss();
      if (lost !== null) throw lost;
      await retry(parts, id);
    },
    stop() {
      ending ??= end();
      return ending;
    },
  };
}

/** The parts of an engine. */
type CoreParts = Awaited<ReturnType<typeof createParts>>;

async function createParts(
  place: DurablePlace,
  machines: readonly AnyDefinition[],
  { clock = systemClock, faults, log: given = onStandardError }: CoreOptions,
) {
  const { store, epoch, hostNames, isOwner } = place;
  const log = harmless(given);
  const troubles = createTroubles({ log, report: () => {} });
  const timeline = await openTimeline(store, clock);
  const trees = createTrees(createKinds(machines.map(kindOf)));
  const { kinds } = trees;
  const cache = createTreeCache({ store, trees });
  const bus = createBus();
  const verdicts = createVerdicts(store);
  const wasCutOff = async () => place.wasCutOff();
  const common = { store, clock, timeline, log, troubles, faults, isOwner, wasCutOff };
  const pump = createPump({
    ...common,
    ...{ trees, cache, bus },
    policyOf: () => null,
    hooksOf: () => [],
    machineHooks: () => [],
    onEffects: () => dispatcher.wake(),
    onVerdicts: verdicts.announce,
  });
  const dispatcher = createDispatcher({
    ...common,
    // The trees of machines ask for nothing else.
    handlers: { 'machine.effect': createMachineEffect({ machines, log }) } as Partial<Handlers> as Handlers,
    owner: { host: store.hosts?.own ?? '', epoch },
    limits: () => noAgents,
    startableAgents: () => 'none',
    onSignals: pump.wake,
    bringIn: pump.addWith,
    placed: { hostNames, ofOthers: effectsOfOthers(machines, hostNames) },
    ...machineLimits(machines),
  });

  async function addSignal(signal: ArrivingSignal, waitMs: number): Promise<number> {
    const { id, isSettled } = await pump.add(signal);
    if (!isSettled) await verdicts.wait(id, waitMs);
    return id;
  }

  const asked = { store, cache, kinds, clock, timeline, machines, projects: { list: () => [] } };
  const views = createMachineTreeViews(asked);
  const commands = createMachineCommands({
    ...asked,
    views,
    addSignal,
    onChange: dispatcher.wake,
    onLines: pump.lookAgain,
  });
  const { facts } = createFactView({ store, kinds });
  return {
    ...{ place, machines, clock, faults, log, troubles, timeline, trees, cache, bus, verdicts, pump, dispatcher },
    ...{ views, commands, facts },
  };
}

/** Why the engine has its file no more; null: it has. */
function lossOf({ store, isOwner }: DurablePlace): EngineError | null {
  if (store.loss() !== null || isOwner()) return store.loss();
  const hint = 'leave the folder beside the file to the engine, and make another engine';
  return new EngineError(
    'unavailable',
    `this engine has ${store.file} no more: its lock was deleted or replaced`,
    hint,
  );
}

/** Continues what an earlier engine left, and begins to work. */
async function begin({ place, machines, clock, pump, log }: CoreParts, services: readonly Service[]): Promise<void> {
  const { store } = place;
  await releaseHeld(store, machines);
  await notifyUpgraded(store, machines, clock.nowMs());
  for (const line of await reportChanged(store, machines, clock.nowMs())) log.warn(line);
  await startServices(services);
  pump.start();
  for (const line of await missingDefinitions(store, machines)) log.warn(line);
}

/** Commits of other hosts contain verdicts, free slots and change trees that are in memory here. */
function hostServices({ place, cache, dispatcher, verdicts, troubles }: CoreParts): Service[] {
  const { store } = place;
  const { hosts } = store;
  if (hosts === undefined) return [];
  let unwatch = () => {};
  const lost = { what: 'this host does not reach the store' };
  const beat = createServiceLoop({
    ...{ trouble: lost, troubles, everyMs: beatMs },
    async work() {
      await hosts.beat();
      if ((await hosts.requeueLost()) > 0) dispatcher.wake();
      return null;
    },
  });
  const watch = () => {
    unwatch = store.watch((written) => {
      cache.forgetThose((tree) => written === null || written.trees.includes(tree));
      dispatcher.wake();
      void verdicts.look();
    });
  };
  return [
    { name: 'the watch on other hosts', start: watch, stop: () => unwatch() },
    { name: 'the beat of this host', start: () => beat.start(), stop: () => beat.stop() },
  ];
}

/** Deletes rows that ended long ago. A tree that differs from its journal keeps all of its rows. */
function cleaning(
  { place, clock, trees, troubles, log, faults }: CoreParts,
  { keepEndedMs, clearAfterMs, stopping }: { keepEndedMs: number; clearAfterMs: number; stopping: AbortSignal },
): Service {
  const { store } = place;
  const nowMs = () => clock.nowMs();
  let isFirst = true;
  const differs = async (tree: TreeAddress) =>
    trees.kinds.knows(tree) && (await verify({ store, trees }, tree)).differs.length > 0;
  const loop = createServiceLoop({
    trouble: { what: 'what ended long ago is not cleared away', isRare: true },
    ...{ troubles, everyMs: clearEveryMs },
    async work() {
      if (isFirst || !place.isOwner()) {
        isFirst = false;
        return clearAfterMs;
      }
      const rest = async () => {
        await nextTurn();
        stopping.throwIfAborted();
      };
      const round: RowRound = { beforeMs: nowMs() - keepEndedMs, dry: false, items: [], notes: [], rest };
      const cleared = { store, faults, stays: true, nowMs, differs };
      await clearRows(cleared, round)
        .then(() => giveSpaceBack(cleared, round))
        .catch((thrown: unknown) => {
          if (!stopping.aborted) throw thrown;
        });
      for (const note of round.notes) log.warn(note);
      return null;
    },
  });
  return { name: 'cleaning', start: () => loop.start(), stop: () => loop.stop() };
}

function partOf(what: string, part: PausedPart): PausedPart {
  checkOptions<PausedPart>(what, part, { machine: required(aText), lane: aText });
  return part;
}

async function retry({ place: { store }, pump, verdicts }: CoreParts, id: number): Promise<void> {
  const revived = await store.commit([{ do: 'signal.revive', id }]);
  if (revived.status === 'lost') {
    const row = await store.signal(id);
    if (row === null)
      throw new EngineError('not_found', `there is no signal ${id}`, 'explain(id) names those that were set aside');
    throw new EngineError(
      'conflict',
      `signal ${id} is ${row.status}: only one that was set aside is delivered again`,
      'explain(id) names those that were set aside',
    );
  }
  pump.wake();
  await verdicts.wait(id, verdictWaitMs);
}

/** `asked` wraps each request. */
function machineClient(
  { place: { store }, bus, views, commands, facts }: CoreParts,
  asked: <T>(work: () => Promise<T>) => Promise<T>,
): MachineClient {
  return {
    startMachine: ({ name: machine, id, input, wait_ms: waitMs = verdictWaitMs }) =>
      asked(() => commands.startMachine({ machine, id, input, waitMs })),
    sendMachine: ({
      name: machine,
      id,
      type,
      payload,
      dedupe_key: dedupeKey = null,
      wait_ms: waitMs = verdictWaitMs,
    }) => asked(() => commands.sendMachine({ machine, id, type, payload, dedupeKey, waitMs })),
    machineTree: ({ name, id }) => asked(() => views.machineTree(name, id)),
    machineTrees: ({ name, after = null }) => asked(() => views.machineTrees(name, after)),
    machineExplanation: ({ name, id }) => asked(() => views.machineExplanation(name, id)),
    machineHistory: ({ name, id, after = 0 }) => asked(() => views.machineHistory(name, id, after)),
    deleteMachineTree: ({ name: machine, id, force = false }) =>
      asked(() => commands.deleteMachine({ machine, id, force })),
    newestFact: () => asked(() => store.lastLine()),
    async *events({ since = 0, tree, signal }) {
      if (signal.aborted) return; // a listener is called for later aborts alone
      const subscription = bus.subscribe();
      const close = () => subscription.close();
      signal.addEventListener('abort', close, { once: true });
      try {
        const address = (tree ?? null) as TreeAddress | null; // made from a machine and an id
        for await (const lines of followedLines({ store, subscription, tree: address, after: since }))
          for (const fact of await facts(lines, { tree })) {
            if (signal.aborted) return;
            yield fact;
          }
      } finally {
        signal.removeEventListener('abort', close);
        close();
      }
    },
  };
}
