/**
 * XState works out a snapshot's value and tags anew at every `assign`, though an assign changes neither, and it is a third of what a signal costs.
 * Here an assign changes the context and nothing else; what else it may do (spawn) no machine of ours asks of it. `test/` fails where a new
 * version of XState lays its actions out in another way.
 */
import type { AnyActorScope, AnyMachineSnapshot, AnyStateMachine } from 'xstate';

type Assignment = Record<string, unknown> | ((args: object, params: unknown) => Record<string, unknown>);

/** What `assign` and `enqueueActions` make: a function that carries how it is resolved. */
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
  return [{ ...snapshot, context: { ...snapshot.context, ...update } }, undefined, undefined];
}

function valuesOf(assignment: Record<string, unknown>, args: object, params: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(assignment).map(([key, value]) => [key, typeof value === 'function' ? value(args, params) : value]),
  );
}

function isBuiltin(action: unknown): action is BuiltinAction {
  return typeof action === 'function' && 'resolve' in action && typeof action.resolve === 'function';
}

/** Actions whose own enqueued actions are made lean already. */
const leaned = new WeakSet<object>();

/** Answers whether the action is an assign, which is lean from here on. */
function makeLean(action: unknown): boolean {
  if (!isBuiltin(action)) return false;
  if (action.type === 'xstate.assign') {
    action.resolve = resolveAssign;
    return true;
  }
  if (action.type === 'xstate.enqueueActions' && !leaned.has(action)) {
    leaned.add(action);
    const resolve = action.resolve as (...args: unknown[]) => [unknown, unknown, unknown[] | undefined]; // its third is what it enqueues
    action.resolve = (...args: unknown[]) => {
      const resolved = resolve(...args);
      for (const enqueued of resolved[2] ?? []) makeLean(enqueued);
      return resolved;
    };
  }
  return false;
}

/** The same machine, its named assigns lean, and those of all that it may spawn. Throws where it finds none in a machine that has actions. */
export function leanAssign<M extends AnyStateMachine>(machine: M): M {
  const actions = Object.values(machine.implementations.actions);
  const lean = actions.filter(makeLean);
  if (actions.length > 0 && lean.length === 0) {
    throw new Error(`no assign of machine "${machine.id}" has the form that this xstate was known for`);
  }
  for (const logic of Object.values(machine.implementations.actors)) leanAssign(logic as AnyStateMachine); // only machines are spawned
  return machine;
}
