/**
 * The private members of XState that stator reads, calls or replaces, with the reason for each. Written for xstate 5.33.3; `test/actors/lean.test.ts` and
 * `test/actors/durable-logic.test.ts` hold each part, and `test/actors/xstate-version.test.ts` fails at another version.
 *
 * Beside them, `define-machine.ts`, `durable-logic.ts` and `refusal.ts` recognize what XState made by its properties (`resolve`, `config`, `check`), since it has no
 * name, and `actor-refs.ts` writes a reference as XState does.
 */
import type {
  AnyActorRef,
  AnyActorScope,
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyStateNode,
} from 'xstate';

/** The states that a snapshot is in, with their transitions and `meta`: to know which signals it takes, and which guard refuses one. */
export function activeStates(snapshot: AnyMachineSnapshot): readonly AnyStateNode[] {
  return snapshot._nodes;
}

/** The members of `and`, `or` and `not`, which are functions with a list; null: it is no such guard. */
export function joinedGuards(guard: unknown): readonly unknown[] | null {
  return typeof guard === 'function' && 'guards' in guard && Array.isArray(guard.guards) ? guard.guards : null;
}

/** undefined: it is the root of its tree. A reference names its parent to XState alone. */
export function parentOf(actor: AnyActorRef): AnyActorRef | undefined {
  return (actor as { readonly _parent?: AnyActorRef })._parent;
}

/** Stops an actor as its parent would: only a root may be stopped by `stop()`. */
export function stopBelow(actor: AnyActorRef): void {
  (actor as unknown as { _stop(): void })._stop();
}

/** Code that listens to an actor, beside its parent. `onSnapshot` of an invoke is a listener of XState's own. */
export function listenersOf(actor: AnyActorRef): { readonly events: readonly string[]; readonly isObserved: boolean } {
  const { observers, eventListeners, _syncSnapshot: isSynced } = actor as AnyActorRef & Partial<Listened>;
  return {
    events: [...(eventListeners?.keys() ?? [])],
    isObserved: (observers?.size ?? 0) > (isSynced === true ? 1 : 0),
  };
}

interface Listened {
  readonly observers: ReadonlySet<unknown>;
  readonly eventListeners: ReadonlyMap<string, unknown>;
  readonly _syncSnapshot: boolean;
}

/** The system of a tree's actors: which of its functions stator calls or replaces. */
export interface ActorSystem {
  _register(id: string, actor: AnyActorRef): unknown;
  _unregister(actor: AnyActorRef): void;
  _relay(source: unknown, target: unknown, event: AnyEventObject): void;
  _sendInspectionEvent(event: never): void;
}

/** What a machine's functions receive of the actor that calls them: the executor of its actions, and what it does with emitted events. */
export interface MachineScope {
  readonly self: AnyActorRef;
  readonly system: ActorSystem;
  actionExecutor: (action: { readonly type: string; readonly exec?: (...given: unknown[]) => void }) => void;
  emit: (event: AnyEventObject) => void;
}

/** Delayed events, which would be timers of the process. */
export interface Scheduler {
  schedule(source: AnyActorRef, target: AnyActorRef, event: AnyEventObject, delay: number, id?: string): void;
  cancel(source: AnyActorRef, id: string): void;
  cancelAll(source: AnyActorRef): void;
}

/** What happens in a system of ours, in the order of the steps. */
export interface SystemHooks {
  readonly scheduler: Scheduler;
  /** Before an actor is started or restored. */
  begins(actor: AnyActorRef): void;
  /** Before a stopped actor is forgotten. */
  ends(actor: AnyActorRef): void;
  /** Whether an event between two actors is delivered. */
  delivers(event: AnyEventObject): boolean;
  /** The id of an actor whose chart gives it none. XState counts in the process, so that a restart would give other ids. */
  nextId(): string;
  inspect(event: { readonly type: string }): void;
}

export function hookSystem(
  system: ActorSystem,
  { scheduler, begins, ends, delivers, nextId, inspect }: SystemHooks,
): void {
  const { _relay: relay, _register: register, _unregister: unregister } = system;
  Object.assign(system, {
    scheduler,
    _bookId: nextId,
    _sendInspectionEvent: inspect,
    _register(id: string, actor: AnyActorRef) {
      begins(actor);
      return register(id, actor);
    },
    _unregister(actor: AnyActorRef) {
      ends(actor);
      unregister(actor);
    },
    _relay(source: unknown, target: unknown, event: AnyEventObject) {
      if (delivers(event)) relay(source, target, event);
    },
  });
}

/**
 * Gives all inspection events of a system to one function. Not by the option `inspect`: it copies every event for observers that do not exist. Before the
 * start it reports only the actor itself.
 */
export function observeSystem(system: object, inspect: (event: never) => void): void {
  Object.assign(system, { _sendInspectionEvent: inspect, isObserved: true });
}

/** Whether an actor lives in such a system. What a chart makes with `createActor` has one of its own. */
export function isInObservedSystem({ system }: AnyActorRef): boolean {
  return 'isObserved' in system;
}

/** Sends an event to the inspection of a system, in its order with the transitions. */
export function inspected(system: ActorSystem, event: object): void {
  system._sendInspectionEvent(event as never); // it is handed on as it is
}

const noChildren = '{}';

/** The text of an actor itself, up to where its children begin; snapshots never change. */
const ownTexts = new WeakMap<AnyMachineSnapshot, string>();
const childTexts = new WeakMap<AnyActorRef, string>();

function ownText(snapshot: AnyMachineSnapshot): string {
  const known = ownTexts.get(snapshot);
  if (known !== undefined) return known;
  const { status, output, error, value, context } = snapshot;
  const text = `${JSON.stringify({ status, output, error, value, historyValue: {}, context }).slice(0, -1)},"children":`;
  ownTexts.set(snapshot, text);
  return text;
}

/** What XState persists of a child beside its snapshot; its types do not export the last two. */
interface ChildFrame {
  readonly systemId?: string;
  readonly _syncSnapshot?: boolean;
}

function frameOf(child: AnyActorRef): string {
  const known = childTexts.get(child);
  if (known !== undefined) return known;
  const { src, systemId, _syncSnapshot: syncSnapshot } = child as AnyActorRef & ChildFrame;
  const text = `,${JSON.stringify({ src, systemId, syncSnapshot }).slice(1)}`;
  childTexts.set(child, text);
  return text;
}

/**
 * The text of one actor is written once for each of its snapshots: most of a tree does not change in a step.
 * Byte for byte `JSON.stringify(root.getPersistedSnapshot())`: no context of ours holds an actor, and no state a history.
 */
export function persistedText(root: AnyActorRef): string {
  const snapshot: AnyMachineSnapshot = root.getSnapshot();
  let children = '';
  for (const id in snapshot.children) {
    const child = snapshot.children[id] as AnyActorRef;
    children += `${children === '' ? '{' : ','}${JSON.stringify(id)}:{"snapshot":${persistedText(child)}${frameOf(child)}`;
  }
  return `${ownText(snapshot)}${children === '' ? noChildren : `${children}}`}}`;
}

/*
 * XState computes a snapshot's value and tags again at every `assign` and `stopChild`, though they change neither, and that is a third of the cost of a
 * signal. Here an assign changes only the context and a stop only the children. An assign may also spawn in XState; no machine of ours uses
 * that.
 */

type Assignment = Record<string, unknown> | ((args: object, params: unknown) => Record<string, unknown>);

/** What `assign`, `stopChild` and `enqueueActions` make: a function with a property that says how it is resolved. */
interface BuiltinAction {
  readonly type?: unknown;
  resolve: (...args: never[]) => unknown;
}

function resolveAssign(
  { self, system }: AnyActorScope,
  snapshot: AnyMachineSnapshot,
  { event }: { event: unknown },
  params: unknown,
  { assignment }: { assignment: Assignment },
): [AnyMachineSnapshot, undefined, undefined] {
  const args = { context: snapshot.context, event, self, system };
  const update = typeof assignment === 'function' ? assignment(args, params) : valuesOf(assignment, args, params);
  const context = { ...snapshot.context, ...update };
  return [changed(snapshot, { context, children: snapshot.children }), undefined, undefined];
}

type Stopped = string | AnyActorRef | undefined;

function resolveStop(
  _scope: AnyActorScope,
  snapshot: AnyMachineSnapshot,
  args: object,
  params: unknown,
  { actorRef }: { actorRef: Stopped | ((args: object, params: unknown) => Stopped) },
): [AnyMachineSnapshot, AnyActorRef | undefined, undefined] {
  const { context, children } = snapshot;
  const named = typeof actorRef === 'function' ? actorRef(args, params) : actorRef;
  const child = typeof named === 'string' ? children[named] : named;
  if (child === undefined) return [snapshot, child, undefined];
  const { [child.id]: _, ...others } = children;
  return [changed(snapshot, { context, children: others }), child, undefined];
}

/** Spelled out in XState's own order, so that all snapshots are of one shape to the compiler: a spread of one costs several times as much. */
function changed(
  snapshot: AnyMachineSnapshot,
  { context, children }: Pick<AnyMachineSnapshot, 'context' | 'children'>,
): AnyMachineSnapshot {
  const spelled: { readonly [key in keyof AnyMachineSnapshot]: unknown } = {
    status: snapshot.status,
    output: snapshot.output,
    error: snapshot.error,
    machine: snapshot.machine,
    context,
    _nodes: snapshot._nodes,
    value: snapshot.value,
    tags: snapshot.tags,
    children,
    historyValue: snapshot.historyValue,
    matches: snapshot.matches,
    hasTag: snapshot.hasTag,
    can: snapshot.can,
    getMeta: snapshot.getMeta,
    toJSON: snapshot.toJSON,
  };
  return spelled as AnyMachineSnapshot; // the same, except these two
}

function valuesOf(assignment: Record<string, unknown>, args: object, params: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(assignment).map(([key, value]) => [key, typeof value === 'function' ? value(args, params) : value]),
  );
}

function isBuiltin(action: unknown): action is BuiltinAction {
  return typeof action === 'function' && 'resolve' in action && typeof action.resolve === 'function';
}

/** A changed copy of an action that XState made; any other action itself. The machine's own definition is not changed. */
function leanCopy(action: unknown): unknown {
  if (!isBuiltin(action)) return action;
  if (action.type === 'xstate.assign') return copyWith(action, resolveAssign as BuiltinAction['resolve']);
  if (action.type === 'xstate.stopChild') return copyWith(action, resolveStop as BuiltinAction['resolve']);
  if (action.type !== 'xstate.enqueueActions') return action;
  const resolve = action.resolve as (...args: unknown[]) => [unknown, unknown, unknown[] | undefined]; // its third is what it enqueues
  return copyWith(action, (...args: unknown[]) => {
    const [snapshot, params, enqueued] = resolve(...args);
    return [snapshot, params, enqueued?.map(leanCopy)];
  });
}

/** XState recognises its own actions by a property of the function. */
function copyWith(action: BuiltinAction, resolve: BuiltinAction['resolve']): BuiltinAction {
  return Object.assign(() => {}, action, { resolve });
}

function isAssign(action: unknown): boolean {
  return isBuiltin(action) && action.type === 'xstate.assign';
}

/** A copy of the machine, and of each machine that it may spawn, with lean actions. Throws if a machine has actions and none of them was found. */
export function leanActions<M extends AnyStateMachine>(machine: M): M {
  const { actions, actors } = machine.implementations;
  const named = Object.values(actions);
  if (named.length > 0 && !named.some(isAssign)) {
    throw new Error(`no assign of machine "${machine.id}" has the form that this xstate was known for`);
  }
  const actorsHere = Object.entries(actors).map(([src, logic]) => [src, leanActions(logic as AnyStateMachine)]); // only machines are spawned
  const actionsHere = Object.entries(actions).map(([name, action]) => [name, leanCopy(action)]);
  return machine.provide({
    actions: Object.fromEntries(actionsHere),
    actors: Object.fromEntries(actorsHere),
  }) as M;
}
