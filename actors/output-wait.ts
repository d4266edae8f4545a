/**
 * A chart waits for the output of another tree: `invoke: { src: outputOf('payment'), input: { id } }`. The wait is a signal to that tree, which remembers it in
 * its row and answers when it ends. Nothing runs meanwhile, and no process need live.
 */
import { fromPromise, type PromiseActorLogic } from 'xstate';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { foundText } from '../machines/vocabulary/found-text.ts';
import { isTreeId, machineTree, type TreeAddress } from '../machines/vocabulary/ids.ts';
import type { AnySignal } from '../machines/vocabulary/signal.ts';
import type { AnyDefinition, OutputOf } from './definition.ts';
import type { Waiter } from './kind.ts';
import type { OutgoingSignal } from './ports.ts';

/** The signal that a tree gets if another tree waits for its output. */
export const outputAwaited = 'output_awaited';
/** The engine's message to a machine whose promise has settled. */
export const promiseSettled = 'promise_settled';
/** The most trees that may wait for the output of one: they lie in its row, which is written at each of its steps. */
export const waitersLimit = 1_000;

/** Recognised by its field, not by its class: the file of a machine may load its own copy of this package. */
interface Marked {
  readonly statorOutputOf?: unknown;
}

/**
 * An actor for `invoke` and `spawnChild` that is done when a tree of that machine is, with its output. Its input is `{ id }`. It fails if there is no such
 * tree, or where the tree is deleted. `machine`: the definition, which gives the type of the output, or its name.
 */
export function outputOf<D extends AnyDefinition>(machine: D): PromiseActorLogic<OutputOf<D>, { id: string }>;
export function outputOf<Output = unknown>(machine: string): PromiseActorLogic<Output, { id: string }>;
export function outputOf(machine: AnyDefinition | string): PromiseActorLogic<unknown, { id: string }> {
  // A program without types may give anything.
  const name: unknown = typeof machine === 'string' ? machine : (machine as AnyDefinition | null | undefined)?.name;
  if (typeof name !== 'string')
    throw new EngineError(
      'bad_machine',
      `outputOf: found ${foundText(machine)}`,
      'give the definition of a machine, or its name',
    );
  const outside = async (): Promise<unknown> => {
    throw new Error(
      `outputOf("${name}") waits in an engine alone: where a chart is tried without one, provide an actor`,
    );
  };
  return fromPromise<unknown, { id: string }>(Object.assign(outside, { statorOutputOf: name } satisfies Marked));
}

/** The machine whose output that promise of a chart is; null: it is another promise. */
export function awaitedMachine(promise: object | undefined): string | null {
  const name = (promise as Marked | undefined)?.statorOutputOf;
  return typeof name === 'string' ? name : null;
}

/** Throws a plain Error for an input without a usable id. */
export function waitFor(machine: string, input: unknown, { tree, run }: Waiter): OutgoingSignal {
  const { id } = (input ?? {}) as { readonly id?: unknown }; // looked at here
  if (typeof id !== 'string' || !isTreeId(id))
    throw new Error(
      `outputOf("${machine}") needs the input { id }, and ${JSON.stringify(id)} cannot be the id of a ${machine}`,
    );
  return { tree: machineTree(machine, id), type: outputAwaited, payload: { run }, sender: tree };
}

/** The waiting tree, from a signal that `waitFor` made. */
export function waiterOf({ origin, payload }: Pick<AnySignal, 'payload'> & { readonly origin: string }): Waiter {
  const { run } = payload as { readonly run: string }; // as made above
  return { tree: origin.slice('machine:'.length) as TreeAddress, run }; // it was written from one
}

export function outputFor({ tree, run }: Waiter, output: unknown): OutgoingSignal {
  return { tree, type: promiseSettled, payload: output === undefined ? {} : { output }, run };
}

/** The trees that wait for a tree, from its stored snapshot. */
export function storedWaiters(snapshot: object): readonly Waiter[] {
  const { stator } = snapshot as { readonly stator?: { readonly waiters?: readonly Waiter[] } }; // as it is stored beside the snapshot
  return stator?.waiters ?? [];
}
