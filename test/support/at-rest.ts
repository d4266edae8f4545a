/** Trees as rules and views find them between two steps: each actor in a state that a test names, with the children that it names. */
import type { AnyActorRef, StateValue } from 'xstate';
import type { Tree } from '../../actors/tree.ts';
import type { AgentContext } from '../../machines/agent/context.ts';
import type { PlanContext } from '../../machines/plan/context.ts';
import type { TaskContext } from '../../machines/task/machine.ts';
import type { WaveContext } from '../../machines/wave/machine.ts';
import { machines } from '../../runtime/base/charts/machines.ts';
import { contextOf } from './family.ts';

interface Contexts {
  readonly plan: PlanContext;
  readonly wave: WaveContext;
  readonly task: TaskContext;
  readonly agent: AgentContext;
}

interface AtRest<Name> {
  readonly context?: Name extends keyof Contexts ? Partial<Contexts[Name]> : object;
  /** By their ids. */
  readonly children?: Readonly<Record<string, AnyActorRef>>;
}

/** An actor of that machine in that state; what its context does not say is as at its start. */
export function atRest<Name extends keyof typeof machines>(
  name: Name,
  value: StateValue,
  { context, children = {} }: AtRest<Name> = {},
): AnyActorRef {
  const snapshot = machines[name].resolveState({ value, context: { ...contextOf(name), ...context } } as never);
  Object.assign(snapshot, { children });
  for (const [id, child] of Object.entries(children)) Object.assign(child, { id });
  return { getSnapshot: () => snapshot } as unknown as AnyActorRef; // rules and views read snapshots and ids only
}

/** The regions of a plan that nothing happens in. */
const restful = {
  merge: 'none',
  attention: 'clear',
  gate: 'open',
  pullRequest: { none: 'idle' },
};

/** The path of a state as its value. */
export function valueAt(path: string): StateValue {
  const [last = '', ...outer] = path.split('.').reverse();
  return outer.reduce<StateValue>((value, key) => ({ [key]: value }), last);
}

/** The root of a plan in that state of its life. `regions`: its other regions, where something happens in them. */
export function planAt(
  lifecycle: string,
  { regions = {}, ...more }: AtRest<'plan'> & { readonly regions?: Readonly<Record<string, string>> } = {},
): AnyActorRef {
  const others = Object.fromEntries(Object.entries(regions).map(([region, path]) => [region, valueAt(path)]));
  return atRest('plan', { lifecycle: valueAt(lifecycle), ...restful, ...others }, more);
}

export function treeOf(root: AnyActorRef): Tree {
  return { root } as Tree; // views read the root only
}
