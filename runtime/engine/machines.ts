/** User-defined machines in an engine: addressed by their names, and what the engine reports about them when it begins. */

import { setTimeout as delay } from 'node:timers/promises';
import { chartShape } from '../../actors/chart-shape.ts';
import type { AnyDefinition, FactEmitted, FactEvent, SentTo, Subscription } from '../../actors/definition.ts';
import { machineUpgraded, treeDeleted, workOf } from '../../actors/own-machine.ts';
import type { MachineEffect } from '../../machines/vocabulary/effect.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { isMachineName, machineTree } from '../../machines/vocabulary/ids.ts';
import { shortList } from '../../machines/vocabulary/numbers.ts';
import type { Client, FactEntry, HistoryEntry } from '../api/client/client.ts';
import {
  type Accepted,
  aFlag,
  aFunction,
  aKey,
  anyText,
  aSignal,
  aText,
  aWholeNumber,
  checkOptions,
  milliseconds,
  mustBe,
} from '../api/client/options.ts';
import { neededVerdictWaitMs } from '../api/commands/signal-sender.ts';
import type { MachineExplanation, MachineTreeEntry, MachineVerdict } from '../api/contract/machines.ts';
import { groupBy } from '../base/platform/group-by.ts';
import { textDigest } from '../base/platform/text-digest.ts';
import { mustBeJson } from '../core/inbox/admission.ts';
import { type Change, mustCommit, type Store } from '../core/store/port.ts';
import type { DurableMachine, DurableTree } from './durable-types.ts';
import { leavable } from './leavable.ts';

/** A user-defined machine in a running engine, with what the control API says beyond what a `DurableMachine` does. Throws `not_found` for a tree that does not exist. */
export interface Machine<D extends AnyDefinition> extends DurableMachine<D> {
  send(
    id: string,
    event: SentTo<D>,
    options?: { dedupeKey?: string; waitMs?: number },
  ): Promise<MachineVerdict['signal']>;
  list(options?: { after?: string }): Promise<MachineTreeEntry[]>;
  facts(id: string, options?: { after?: number; signal?: AbortSignal }): AsyncIterable<FactOf<D>>;
  explain(id: string): Promise<MachineExplanation>;
  history(id: string, options?: { after?: number }): Promise<HistoryEntry[]>;
}

/** A fact of a tree of that machine. */
export type FactOf<D extends AnyDefinition> = Omit<FactEntry, 'event' | 'emitted'> & {
  readonly event: FactEvent<D>;
  /** The event that an actor emitted; absent: it emitted none. */
  readonly emitted?: FactEmitted<D> | undefined;
};

/** The machines that an engine was given, each by its name. */
export type Machines<D extends AnyDefinition> = { readonly [Each in D as Each['name']]: Machine<Each> };

/** The part of the client for trees and their facts. */
export type MachineClient = Pick<
  Client,
  | 'startMachine'
  | 'sendMachine'
  | 'machineTree'
  | 'machineTrees'
  | 'machineExplanation'
  | 'machineHistory'
  | 'deleteMachineTree'
  | 'events'
> & {
  /** The `seq` of the newest fact of all trees. */
  newestFact(): Promise<number>;
};

export function createMachines(client: MachineClient, machines: readonly AnyDefinition[]): Machines<AnyDefinition> {
  return Object.fromEntries(machines.map(({ name }) => [name, machineOf(client, name)]));
}

/** A program without types may leave it out, or give a number for it: the name of another tree would be made of that. */
const anId: Accepted = { ...anyText, text: 'the id of a tree, a text' };

function machineOf(client: MachineClient, name: string): Machine<AnyDefinition> {
  const asked = (id: string) => {
    mustBe(`the id of a ${name}`, anId, id);
    return { name, id };
  };
  const get = async (id: string) => (await client.machineTree(asked(id))) as DurableTree<AnyDefinition>; // its value and context are the machine's own
  return {
    async start(id, input) {
      // The engine would receive the value in another form.
      mustBeJson(`the input of ${name}`, input ?? {});
      const { signal, tree } = await client.startMachine({ ...asked(id), input, wait_ms: neededVerdictWaitMs });
      if (signal.status === 'pending') throw notBegun(name, id);
      return tree === null ? get(id) : (tree as DurableTree<AnyDefinition>); // as in `get`
    },
    async send(id, event, options = {}) {
      const { type, ...payload } = mustBeEvent(event);
      checkOptions('send', options, { dedupeKey: aKey, waitMs: milliseconds });
      const { dedupeKey, waitMs } = options;
      mustBeJson(`the payload of ${type}`, payload);
      const how = {
        ...(dedupeKey === undefined ? {} : { dedupe_key: dedupeKey }),
        ...(waitMs === undefined ? {} : { wait_ms: waitMs }),
      };
      return (await client.sendMachine({ ...asked(id), type, payload, ...how })).signal;
    },
    get,
    async list(options = {}) {
      checkOptions('list', options, { after: aText });
      return client.machineTrees({ name, ...options });
    },
    facts(id, options = {}) {
      checkOptions('facts', options, { after: aWholeNumber, signal: aSignal });
      const { after = 0, signal } = options;
      const { name: machine } = asked(id);
      return leavable(signal, (left) => factsOf(client, { machine, id, after }, left));
    },
    async on(id, type, listener) {
      const { name: machine } = asked(id);
      mustBe('the type of the events', aText, type);
      mustBe('the listener', aFunction, listener);
      return listen(client, { machine, id, type }, listener as Listener); // by its type, as `emitted`
    },
    explain: async (id) => client.machineExplanation(asked(id)),
    async delete(id, options = {}) {
      checkOptions('delete', options, { force: aFlag });
      await client.deleteMachineTree({ ...asked(id), ...options });
    },
    async history(id, options = {}) {
      checkOptions('history', options, { after: aWholeNumber });
      return client.machineHistory({ ...asked(id), ...options });
    },
  };
}

/** On a busy machine it begins later: it would be untrue that there is no such tree. */
function notBegun(name: string, id: string): EngineError {
  return new EngineError(
    'unavailable',
    `${name} ${id} has not begun within ${neededVerdictWaitMs / 1_000} s: the engine has work that came before`,
    'it begins by itself: wait for it with start(id) again',
  );
}

/** Throws `bad_request` for what a program without types may pass. */
function mustBeEvent(event: unknown): { readonly type: string } {
  if (typeof event === 'object' && event !== null && 'type' in event && typeof event.type === 'string')
    return event as { type: string }; // as looked at
  throw new EngineError(
    'bad_request',
    'send takes an event, which has a type',
    "give it as XState's: { type: 'approve' }",
  );
}

type Listener = (event: NonNullable<FactEntry['emitted']>) => void;

/** Before a stream of facts that broke is opened again. */
const reopenMs = 1_000;

async function listen(
  client: MachineClient,
  { machine, id, type }: { readonly machine: string; readonly id: string; readonly type: string },
  listener: Listener,
): Promise<Subscription> {
  const left = new AbortController();
  let seen = await client.newestFact();
  const hear = async () => {
    for await (const fact of client.events({ since: seen, tree: machineTree(machine, id), signal: left.signal })) {
      seen = fact.seq;
      const { emitted, actor } = fact;
      if (left.signal.aborted) return;
      if (emitted === undefined || actor !== '' || (type !== '*' && type !== emitted.type)) continue;
      try {
        listener(emitted);
      } catch (thrown) {
        // The other listeners and the engine go on.
        setTimeout(() => {
          throw thrown;
        });
      }
    }
  };
  const hearAll = async () => {
    for (;;) {
      const broke = await hear().then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (left.signal.aborted || isStopped(broke) || (await client.newestFact().then(() => false, isStopped))) return;
      // Its engine goes on, so the stream broke or was cut off: the next one begins behind the last fact.
      await delay(reopenMs, undefined, { ref: false });
    }
  };
  void hearAll();
  return { unsubscribe: () => left.abort() };
}

/** Whether the engine has ended; otherwise its store may be read again later. */
function isStopped(thrown: unknown): boolean {
  return thrown instanceof EngineError && thrown.code === 'stopped';
}

interface FactsAsked {
  readonly machine: string;
  readonly id: string;
  readonly after: number;
}

/** One look at the journal and the tree for each page of facts: whether a fact is the last is checked only if no later one is known. */
async function* factsOf(client: MachineClient, { machine, id, after }: FactsAsked, left: AbortSignal) {
  let known = after;
  async function isOver(seq: number): Promise<boolean> {
    if (seq < known) return false;
    try {
      const later = (await client.machineHistory({ name: machine, id, after: seq })).at(-1);
      known = later?.seq ?? seq;
      return later === undefined && (await client.machineTree({ name: machine, id })).status !== 'active';
    } catch (thrown) {
      // The tree was deleted meanwhile: that fact comes next.
      if (thrown instanceof EngineError && thrown.code === 'not_found') return false;
      throw thrown;
    }
  }
  await client.machineTree({ name: machine, id });
  if (await isOver(after)) return;
  for await (const fact of client.events({ since: after, tree: machineTree(machine, id), signal: left })) {
    yield fact;
    if (fact.event === treeDeleted || (await isOver(fact.seq))) return;
  }
}

/** What is stored and cannot go on, because its machine or its effect was not given to this engine; a line for each. */
export async function missingDefinitions(store: Store, machines: readonly AnyDefinition[]): Promise<string[]> {
  return [...(await openWithoutDefinition(store, machines)), ...(await treesWithoutMachine(store, machines))];
}

/** Stored trees whose machine was not given: they take no step, and no list of a machine shows them. */
async function treesWithoutMachine(store: Store, machines: readonly AnyDefinition[]): Promise<string[]> {
  const given = new Set(machines.map(({ name }) => name));
  return (await store.treeCounts()).flatMap(({ machine, count }) => {
    if (!isMachineName(machine) || given.has(machine)) return [];
    const [trees, take] = count === 1 ? ['tree', 'it takes'] : ['trees', 'they take'];
    return [
      `${count} ${trees} of machine ${machine} ${count === 1 ? 'is' : 'are'} stored, and no machine of that name was given to this engine: ${take} no step; give it, under that name if it was renamed`,
    ];
  });
}

/** The most effects that one line names; all of them are in `explain`. */
const namedEffects = 3;

/** Open effects that no one here can carry out: their action was renamed or removed, or their machine was not given. They wait. */
async function openWithoutDefinition(store: Store, machines: readonly AnyDefinition[]): Promise<string[]> {
  const open = (await store.effects({ by: 'open' })).filter(({ kind }) => kind === 'machine.effect');
  const waiting = groupBy(
    open.flatMap(({ key, payload }) => {
      const { machine, effect } = JSON.parse(payload) as MachineEffect; // the row has that kind
      const definition = machines.find(({ name }) => name === machine);
      return workOf(definition, effect) === null ? [{ what: `${machine}: effects.${effect}`, key }] : [];
    }),
    ({ what }) => what,
  );
  return [...waiting].map(([what, rows]) => {
    const keys = rows.map(({ key }) => key);
    return `${what} is open and has no definition here, so ${shortList(keys, namedEffects)} will wait: give it to this engine, or delete the trees`;
  });
}

/**
 * A chart that differs from the one of the last engine, though its version is the same: if its states or its context changed, it misreads
 * stored trees. Reported once, to people too. Nothing is refused.
 */
export async function reportChanged(store: Store, machines: readonly AnyDefinition[], at: number): Promise<string[]> {
  const said: string[] = [];
  const counts = new Map((await store.treeCounts()).map(({ machine, count }) => [machine, count]));
  for (const { name, version: number, machine } of machines) {
    const [version, digest] = [String(number), textDigest(chartShape(machine))];
    const before = await store.chart(name);
    if (before?.version === version && before.digest === digest) continue;
    const changes: Change[] = [{ do: 'chart.note', machine: name, version, digest }];
    if (before?.version === version && counts.has(name)) {
      const message = `the chart of machine ${name} changed, and its version is ${version} as before: if a state or the context of its ${counts.get(name)} stored trees changed, raise the version and give it an upgrade`;
      said.push(message);
      changes.push({ do: 'notification.insert', type: 'machine_notice', project: '', plan: '', message, at });
    }
    await mustCommit(store, changes);
  }
  return said;
}

/** How many trees are notified in one commit. */
const notifiedAtOnce = 500;

/** A tree that an earlier version of its machine stored gets one signal about the new version: its state may have a new transition that no other event would trigger. */
export async function notifyUpgraded(store: Store, machines: readonly AnyDefinition[], at: number): Promise<void> {
  for (const { name, version } of machines) {
    const stored = `${name}:${version}`;
    for (let after = ''; ; ) {
      const page = await store.treesOfOtherVersion(name, { version: stored, after, limit: notifiedAtOnce });
      const last = page.at(-1);
      if (last === undefined) break;
      const said = { type: machineUpgraded, payload: {}, origin: 'engine', at } as const;
      const changes = page.map(
        (tree): Change => ({ do: 'signal.insert', tree, ...said, dedupeKey: `${tree}:upgraded:${version}` }),
      );
      await mustCommit(store, changes);
      after = last;
    }
  }
}

/** Signals for a machine that came while no engine had it are delivered now. */
export async function releaseHeld(store: Store, machines: readonly AnyDefinition[]): Promise<void> {
  const changes = machines.map(({ name }): Change => ({ do: 'signal.release-machine', machine: name }));
  if (changes.length > 0) await mustCommit(store, changes);
}
