/**
 * XState computes a snapshot's value and tags again at every `assign` and `stopChild`, though they change neither, and that is a third of the cost of a
 * signal. Here an assign changes only the context and a stop only the children. An assign may also spawn in XState; no machine of ours uses
 * that. `test/` fails where a new version of XState lays its actions out in another way.
 */
import type { AnyActorRef, AnyActorScope, AnyMachineSnapshot, AnyStateMachine } from 'xstate';

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

/** The same machine, its named actions lean, and those of all that it may spawn. Throws where it finds none in a machine that has actions. */
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
