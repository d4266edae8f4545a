/**
 * A wrapper that makes any chart of XState outlive its process. What XState would hold only in memory lies in the tree's memory, which is stored with it: a
 * delayed event is a stored timer, and a promise is an effect. The actors are XState's own: XState starts, stops and reports what a chart invokes or spawns,
 * and persists it inside of its parent.
 *
 * The private members of XState that it needs are in `xstate-internals.ts`; a machine is made anew by its constructor.
 */
import type { AnyActorLogic, AnyActorRef, AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { isError, messageOf } from '../machines/vocabulary/errors.ts';
import { mustRest, pathKey, pathOf } from './actor-path.ts';
import { contextProblem, hiddenContext, isInTree, reviveActors, storedContext } from './actor-refs.ts';
import { asJson, keptError, withErrors } from './json-value.ts';
import type { DelayedEvent, Memory } from './kind.ts';
import { type Emission, emission } from './recorder.ts';
import { placeGuards, withPlace, withPlaces } from './thrown-place.ts';
import { hookSystem, inspected, listenersOf, type MachineScope, parentOf, type Scheduler } from './xstate-internals.ts';

/** The event that a settled promise sends to the actor that represents it. */
export const settled = 'stator.promise.settled';
export const rejected = 'stator.promise.rejected';

const nestingLimit = 20;

export type LogicKind = 'machine' | 'promise' | 'transition' | 'callback' | 'observable' | 'unknown';

/** The arguments of a promise, as far as a process other than that of its chart can have them. */
export interface PromiseCall {
  readonly input: unknown;
  readonly signal: AbortSignal;
}
export type PromiseCreator = (call: PromiseCall) => PromiseLike<unknown>;

/** Which kind of XState's logic it is, detected by its behaviour, since no kind has a name. */
export function logicKindOf(logic: unknown): LogicKind {
  if (typeof logic !== 'object' || logic === null || !('transition' in logic)) return 'unknown';
  if ('root' in logic && 'provide' in logic) return 'machine';
  const { config, start, transition, getInitialSnapshot } = logic as {
    config?: unknown;
    start?: unknown;
    transition: (...args: unknown[]) => { status?: unknown } | undefined;
    getInitialSnapshot?: (...args: unknown[]) => object;
  };
  if (typeof getInitialSnapshot !== 'function') return 'unknown';
  if (typeof start !== 'function') return 'transition';
  if (typeof config !== 'function') return 'unknown';
  try {
    const first = getInitialSnapshot({}, undefined);
    if ('_subscription' in first) return 'observable';
    const next = transition(first, { type: 'xstate.promise.resolve', data: 1 }, { self: {} });
    return next?.status === 'done' ? 'promise' : 'callback';
  } catch {
    return 'callback'; // one that has not been started receives nothing
  }
}

/** The code that carries out a promise, by the label in its chart. */
export function promisesOf(machine: AnyStateMachine): ReadonlyMap<string, PromiseCreator> {
  const found = new Map<string, PromiseCreator>();
  eachLogic(machine, (logic, label) => {
    if (logicKindOf(logic) === 'promise') found.set(label, (logic as unknown as { config: PromiseCreator }).config); // by its kind
  });
  return found;
}

/** Every logic that the chart may start, its machines' own included, each with its label: the name of its setup, or the place of its invoke. */
export function eachLogic(
  machine: AnyStateMachine,
  visit: (logic: unknown, label: string) => void,
  prefix = '',
  depth = 0,
): void {
  if (depth > nestingLimit) return;
  const look = (logic: unknown, name: string) => {
    const label = `${prefix}${name}`;
    visit(logic, label);
    if (logicKindOf(logic) === 'machine') eachLogic(logic as AnyStateMachine, visit, `${label}/`, depth + 1);
  };
  for (const [name, logic] of Object.entries(machine.implementations.actors)) look(logic, name);
  mapInvokes(machine.config, [], (logic, place) => {
    look(logic, place);
    return logic;
  });
}

type Node = Readonly<Record<string, unknown>>;
interface Invoke {
  readonly src?: unknown;
}

/** A copy of a chart's configuration, each logic that is in an invoke itself replaced. Functions and values are the same ones. */
function mapInvokes(node: Node, path: readonly string[], change: (logic: unknown, place: string) => unknown): Node {
  const { invoke, states = {} } = node as { invoke?: Invoke | readonly Invoke[]; states?: Record<string, Node> }; // XState has checked it
  const changed = [invoke ?? []].flat().map((each: Invoke, index) => {
    const { src } = each;
    return src === undefined || typeof src === 'string' ? each : { ...each, src: change(src, placeOf(path, index)) };
  });
  const inner = Object.entries(states).map(([key, child]) => [key, mapInvokes(child, [...path, key], change)]);
  return { ...node, invoke: Array.isArray(invoke) ? changed : changed[0], states: Object.fromEntries(inner) };
}

function placeOf(path: readonly string[], index: number): string {
  return `${path.length === 0 ? '(root)' : path.join('.')}:${index}`;
}

/** The requests of the chart to the engine, in the present step. */
export interface DurablePorts {
  readonly memory: () => Memory;
  /** A new id for a request of that label. */
  nextId(label: string): string;
  ask(request: { readonly run: string; readonly label: string; readonly input: unknown }): void;
  timer(run: string, dueAt: number): void;
  stop(run: string): void;
  /** The named actions of a chart that ask for something, bound. */
  actionsOf(machine: AnyStateMachine): Record<string, unknown>;
}

/** The chart, with everything that it may start bound as well. */
export function durable(machine: AnyStateMachine, ports: DurablePorts): AnyStateMachine {
  return bindMachine(machine, ports, '', 0);
}

function bindMachine(machine: AnyStateMachine, ports: DurablePorts, prefix: string, depth: number): AnyStateMachine {
  const bind = (logic: unknown, name: string) => bindLogic(logic, ports, `${prefix}${name}`, depth);
  const { actors, actions, guards, ...rest } = machine.implementations;
  const asking = ports.actionsOf(machine);
  const config = mapInvokes(machine.config, [], bind);
  const Machine = machine.constructor as new (config: unknown, implementations: unknown) => AnyStateMachine;
  const bound = new Machine(config, {
    ...rest,
    actors: Object.fromEntries(Object.entries(actors).map(([name, logic]) => [name, bind(logic, name)])),
    actions: { ...actions, ...asking },
    guards: Object.fromEntries(Object.entries(guards).map(([name, guard]) => [name, withPlaces(guard)])),
  });
  placeGuards(bound.root);
  return prepared(bound, new Set(Object.keys(asking)), ports);
}

function bindLogic(logic: unknown, ports: DurablePorts, label: string, depth: number): unknown {
  const kind = logicKindOf(logic);
  if (kind === 'machine')
    return depth < nestingLimit
      ? bindMachine(logic as AnyStateMachine, ports, `${label}/`, depth + 1) // by its kind
      : nestedTooDeep(logic as AnyStateMachine);
  if (kind === 'transition') return emittingTransition(logic as AnyActorLogic);
  return kind === 'promise' ? promiseBy(ports, label) : logic;
}

/** A machine may start itself again and again below itself. Logic without bound ports would run outside of every step. */
function nestedTooDeep(machine: AnyStateMachine): AnyStateMachine {
  const refuse = () => {
    throw new Error(`machine "${machine.id}" would be nested deeper than ${nestingLimit} machines below the root`);
  };
  return Object.assign(Object.create(machine), { getInitialSnapshot: refuse });
}

/** XState gives its function the scope of its actor, with an `emit` that only listeners in this process receive. */
function emittingTransition(logic: AnyActorLogic): AnyActorLogic {
  return {
    ...logic,
    transition: (state, event, scope) =>
      logic.transition(state, event, { ...scope, emit: recordedEmit(scope as unknown as MachineScope) }), // XState's own, with its system
  };
}

/** A machine whose actors live in a system of ours, from the start. `asking`: its actions that make requests. */
function prepared(machine: AnyStateMachine, asking: ReadonlySet<string>, ports: DurablePorts): AnyStateMachine {
  const { getInitialSnapshot, restoreSnapshot, getPersistedSnapshot } = machine;
  const begin = (scope: MachineScope) => {
    prepareScope(machine, scope, { asking, ports });
    if (parentOf(scope.self) === undefined) prepareSystem(scope, ports);
  };
  return Object.assign(machine, {
    getInitialSnapshot(scope: MachineScope, input: unknown) {
      begin(scope);
      return getInitialSnapshot.call(machine, scope as never, input as never); // its own function, with the arguments of XState
    },
    restoreSnapshot(stored: AnyMachineSnapshot, scope: MachineScope) {
      begin(scope);
      const { restoredContexts } = ports.memory();
      const snapshot = { ...stored, context: withErrors(stored.context) };
      const context = hiddenContext(snapshot.context);
      const given = context === null ? snapshot : { ...snapshot, context };
      const restored = restoreSnapshot.call(machine, given as never, scope as never); // likewise
      if (context !== null) restoredContexts.push(restored.context);
      if (parentOf(scope.self) === undefined) reviveActors(restoredContexts.splice(0), scope.self, restored.children);
      return restored;
    },
    getPersistedSnapshot(snapshot: AnyMachineSnapshot, options: unknown) {
      // If it threw before it began, no parent was sent the error.
      keptError(snapshot.error);
      const persisted = placed(machine, snapshot, () =>
        getPersistedSnapshot.call(machine, snapshot as never, options as never),
      );
      // A set of states, in the order in which they were entered: after a restart it is another one.
      const { historyValue = {} } = persisted as { historyValue?: Record<string, { id: string }[]> };
      for (const states of Object.values(historyValue)) states.sort((a, b) => (a.id < b.id ? -1 : 1));
      // XState makes a copy where actors are in it.
      if ((persisted as { context?: unknown }).context === snapshot.context) return persisted;
      const context = placed(machine, snapshot, () => storedContext(snapshot.context, snapshot.children));
      return { ...persisted, context };
    },
  });
}

/** XState follows a circle in a context until the stack is full, and says no place. */
function placed<T>({ id }: AnyStateMachine, { context }: AnyMachineSnapshot, persist: () => T): T {
  try {
    return persist();
  } catch (thrown) {
    const problem = contextProblem(context);
    if (problem === null) throw thrown;
    throw new Error(`machine "${id}" cannot be kept: ${problem} (${messageOf(thrown)})`, { cause: thrown });
  }
}

/** What an actor emits is recorded for the journal of its tree, in its order with the transitions. */
function recordedEmit({ self, system }: Pick<MachineScope, 'self' | 'system'>): MachineScope['emit'] {
  return (event) => {
    const kept = asJson(`the emitted event "${event.type}"`, event) as AnyEventObject;
    inspected(system, { type: emission, actorRef: self, event: kept } satisfies Emission);
  };
}

/** Actions without an implementation, and listeners that no restart would find again, would silently do nothing. In a replay of the past nothing is done again. */
function prepareScope(
  machine: AnyStateMachine,
  scope: MachineScope,
  { asking, ports }: { readonly asking: ReadonlySet<string>; readonly ports: DurablePorts },
): void {
  const execute = scope.actionExecutor;
  scope.actionExecutor = (action) => {
    const { exec } = action;
    if (exec === undefined)
      throw new Error(`the action "${action.type}" of machine "${machine.id}" is implemented nowhere`);
    const isBesides = action.type === 'xstate.log' || !(asking.has(action.type) || action.type.startsWith('xstate.'));
    // Where the actor has not begun yet, XState calls it later.
    if (isBesides)
      execute({ ...action, exec: (...given) => beside(ports.memory(), action.type, () => exec(...given)) });
    else execute(action);
  };
  scope.emit = recordedEmit(scope);
}

/** Code that listens to an actor lives in one process. It may have begun before the actor did. */
function refuseListeners(actor: AnyActorRef): void {
  const refuse = (what: string): never => {
    throw new Error(
      `${what} of the actor "${pathOf(actor).join('/')}" would be lost in a restart: in the chart onSnapshot, onDone and sendParent tell of it, outside of it facts and on() of the engine`,
    );
  };
  const { events, isObserved } = listenersOf(actor);
  const [listening] = events;
  if (listening !== undefined) refuse(`a listener for "${listening}"`);
  if (parentOf(actor) !== undefined && isObserved) refuse('an observer'); // the engine observes the root
  Object.assign(actor, {
    on: (type: string) => refuse(`a listener for "${type}"`),
    subscribe: () => refuse('an observer'),
    select: () => refuse('an observer'),
  });
}

/**
 * Runs the side effects of a plain action. A replay of the past does not repeat them, and throws again what they threw: if a parent handled that, the tree went
 * on with it. The promise of an async function is not awaited: if it is rejected, that is a warning of the process and does not end it.
 */
export function beside(memory: Memory, action: string, work: () => unknown): void {
  const { isPast, thrown } = memory;
  const number = memory.plainActions;
  memory.plainActions += 1;
  if (isPast) {
    const before = thrown[number];
    if (before !== undefined) throw Object.assign(new Error(before.message), { name: before.name });
    return;
  }
  try {
    const unawaited = work();
    if (unawaited instanceof Promise)
      unawaited.catch((error: unknown) => process.emitWarning(lateError(memory.address, action, error)));
  } catch (error) {
    thrown[number] = { name: isError(error) ? error.name : 'Error', message: messageOf(error) };
    throw error;
  }
}

function lateError(address: string, action: string, error: unknown): string {
  return `${address}: the action "${action}" is an async function, and no step waits for it; it failed: ${withPlace(error).message}. What must happen is a promise of the chart or an effect`;
}

/** Timers are stored, ids are the same in every process, and no step runs for ever. */
function prepareSystem({ system }: MachineScope, ports: DurablePorts): void {
  let restored = 0;
  let microsteps = 0;
  /** The actors that have begun and have not ended, by their paths. */
  const living = new Map<string, AnyActorRef>();
  const begun = new WeakSet<AnyActorRef>();
  /** An actor that ended in an earlier process is only a ref here. */
  const hasBegun = (actor: AnyActorRef) =>
    begun.has(actor) || (actor.getSnapshot() as { status?: string }).status === 'stopped';
  hookSystem(system, {
    scheduler: schedulerBy(ports, (actor) => (living.get(pathKey(pathOf(actor))) ?? actor) !== actor),
    begins(actor) {
      refuseListeners(actor);
      keepUnnamed(actor);
      const path = pathOf(actor);
      refuseHidden(actor, living.get(pathKey(path)));
      // XState starts an actor that the first step has stopped already.
      if (siblingsOf(actor)?.[actor.id] !== undefined) living.set(pathKey(path), actor);
      begun.add(actor);
      if (!ports.memory().isRestoring) giveUp(ports, path);
    },
    ends(actor) {
      const path = pathOf(actor);
      const now = living.get(pathKey(path)) ?? actor;
      const { stopping } = ports.memory();
      if (now === actor) {
        living.delete(pathKey(path));
        stopping.add(actor);
      }
      // XState would take the living one out of its parent. An actor that never began was replaced within the first step of its parent.
      else if (hasBegun(actor) && !stopping.has(actor) && !isInTree(actor))
        throw sameId(path, 'lives, and is stopped by a ref to an earlier one');
    },
    // An actor that is started again reports its state to its parent, which already knows it.
    delivers(event) {
      if (event.type.startsWith('xstate.error.actor.')) keptError(event.error);
      return !ports.memory().isRestoring;
    },
    nextId() {
      const memory = ports.memory();
      if (memory.isRestoring) {
        restored += 1;
        return `restored:${restored}`;
      }
      memory.actors += 1;
      return `x:${memory.actors}`;
    },
    inspect({ type }) {
      if (type === '@xstate.microstep') microsteps = mustRest(microsteps + 1);
    },
  });
}

/** `isReplaced`: the actor is being stopped, and the next one of its id has begun; what it schedules would end with it. */
function schedulerBy(
  { memory, nextId, timer, stop }: DurablePorts,
  isReplaced: (actor: AnyActorRef) => boolean,
): Scheduler {
  const drop = (isMeant: (delayed: DelayedEvent) => boolean) => {
    const { delayed, open } = memory();
    for (const [run, event] of Object.entries(delayed)) {
      if (!isMeant(event)) continue;
      delete delayed[run];
      delete open[run];
      stop(run);
    }
  };
  return {
    schedule(source, target, event, delay, id = '') {
      if (isReplaced(source)) return;
      if (!Number.isFinite(delay)) throw new Error(`"${event.type}" is to come after ${delay} ms`);
      const run = nextId('delay');
      const { at, delayed, open } = memory();
      const kept = asJson(`the delayed event "${event.type}"`, event) as AnyEventObject;
      const made: DelayedEvent = { source: pathOf(source), target: pathOf(target), id, event: kept, isChart: true };
      takeDelayId(delayed, made);
      delayed[run] = id === '' ? made : { ...made, isNamed: true };
      open[run] = 'delay';
      timer(run, at + Math.max(0, Math.round(delay)));
    },
    cancel(source, id) {
      if (isReplaced(source)) return;
      const from = pathKey(pathOf(source));
      drop((delayed) => delayed.id === id && delayed.isNamed === true && pathKey(delayed.source) === from);
    },
    // No actor receives an event for one that has ended: another actor may be at its place by then.
    cancelAll(source) {
      if (isReplaced(source)) return;
      const from = pathKey(pathOf(source));
      drop((delayed) => pathKey(delayed.source) === from || pathKey(delayed.target) === from);
    },
  };
}

/** XState keeps what `spawnChild` starts without an id under the key "undefined", where the next one takes its place. */
function keepUnnamed(actor: AnyActorRef): void {
  const children = siblingsOf(actor);
  if (children === undefined || actor.id !== actor.sessionId) return;
  children[actor.id] ??= actor;
  if (children.undefined === actor) delete children.undefined;
}

/** The children of its parent, itself among them; undefined: it is a root. */
function siblingsOf(actor: AnyActorRef): Record<string, AnyActorRef | undefined> | undefined {
  return (parentOf(actor)?.getSnapshot() as { children?: Record<string, AnyActorRef | undefined> } | undefined)
    ?.children;
}

/** In memory, XState keeps an actor alive after a new actor has taken its id. After a restart only one of the two would be found. */
function refuseHidden(actor: AnyActorRef, before: AnyActorRef | undefined): void {
  if (before !== undefined && before !== actor) throw sameId(pathOf(actor), 'lives already');
}

function sameId(path: readonly string[], what: string): Error {
  const wayOut =
    'stop it by its id first (stopChild), or give each an id of its own; a transition to a history state from within its parent needs "reenter: true"';
  return new Error(`an actor "${path.join('/')}" ${what}, and a restart would not find both: ${wayOut}`);
}

/** A new actor may have the id of one that has ended: events that the old actor, or an actor below it, waits for are not for the new one. */
function giveUp({ memory, stop }: DurablePorts, path: readonly string[]): void {
  const place = `${pathKey(path)}/`;
  const isOf = (other: readonly string[] = []) => `${pathKey(other)}/`.startsWith(place);
  const { open, delayed, askers } = memory();
  for (const run of Object.keys(open)) {
    const timer = delayed[run];
    if (!(timer === undefined ? isOf(askers[run]) : isOf(timer.source) || isOf(timer.target))) continue;
    delete open[run];
    delete delayed[run];
    delete askers[run];
    stop(run);
  }
}

/**
 * An id names the newest delayed event of an actor, until that event is cancelled or any event with the id has come. Earlier ones are still delivered, and
 * cannot be cancelled.
 */
export function takeDelayId(delayed: Memory['delayed'], { id, source }: DelayedEvent): void {
  if (id === '') return;
  for (const [run, { isNamed, ...other }] of Object.entries(delayed))
    if (isNamed === true && other.id === id && pathKey(other.source) === pathKey(source)) delayed[run] = other;
}

interface Waiting {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly output: unknown;
  readonly error: unknown;
  readonly input: unknown;
  /** The request that carries it out. */
  readonly run: string;
}

/** An actor that represents a promise: it asks for an effect once, and waits for the result. A restart begins nothing again. */
function promiseBy({ memory, nextId, ask, stop }: DurablePorts, label: string): AnyActorLogic {
  const logic = {
    getInitialSnapshot: (_scope: unknown, input: unknown): Waiting => ({
      status: 'active',
      output: undefined,
      error: undefined,
      input: input === undefined ? undefined : asJson(`the input of "${label}"`, input),
      run: nextId(label),
    }),
    start({ run, input, status }: Waiting, { self }: { self: AnyActorRef }) {
      const { open, askers } = memory();
      if (status !== 'active' || open[run] !== undefined) return;
      open[run] = label;
      askers[run] = pathOf(self);
      ask({ run, label, input });
    },
    transition(state: Waiting, event: AnyEventObject): Waiting {
      if (state.status !== 'active') return state;
      if (event.type === settled) return { ...state, status: 'done', output: event.output, input: undefined };
      if (event.type === rejected) return { ...state, status: 'error', error: event.error, input: undefined };
      if (event.type !== 'xstate.stop') return state;
      const { open, askers } = memory();
      delete open[state.run];
      delete askers[state.run];
      stop(state.run);
      return { ...state, status: 'stopped', input: undefined };
    },
    getPersistedSnapshot: (state: Waiting) => state,
    restoreSnapshot: (state: Waiting) => state,
  };
  return logic as unknown as AnyActorLogic; // its snapshot has one field more than XState's own promise
}
