/**
 * Durable actors alone: charts of XState in a file of SQLite, in memory, or in PostgreSQL with several hosts, over the same inbox, outbox and store as in every
 * engine, without a home. The public entry `stator/durable`, and the package `stator-durable`.
 */
import type { AnyStateMachine, PromiseActorLogic } from 'xstate';
import { checkedMachines, defineMachine as defineAny } from '../../actors/define-machine.ts';
import type { AnyDefinition, ChartId, EventType, OutputOf, Written } from '../../actors/definition.ts';
import { outputOf as outputOfAny } from '../../actors/output-wait.ts';
import { EngineError as AnyEngineError, type ErrorCode } from '../../machines/vocabulary/errors.ts';
import {
  aClock,
  aList,
  aListOf,
  aLog,
  aText,
  checkOptions,
  type KnownOptions,
  milliseconds,
} from '../api/client/options.ts';
import { FatalError as AnyFatalError, RetryAtError as AnyRetryAtError } from '../work/effects/machine-effect.ts';
import { openDurableCore } from './durable-core.ts';
import type { AnyDurable, DurableDefinition, DurableEngine, DurableError, DurableOptions } from './durable-types.ts';
import { createMachines, type MachineClient } from './machines.ts';

export type * from './durable-types.ts';

const known: KnownOptions<DurableOptions & { machines: unknown }> = {
  machines: aList,
  file: aText,
  store: aText,
  host: aText,
  labels: aListOf(aText),
  waitMs: milliseconds,
  keepEndedMs: milliseconds,
  log: aLog,
  clock: aClock,
};

/** A failure with a `code`, a `message` and a `hint`. */
export type EngineError = DurableError;
export const EngineError: new (code: never, message: string, hint: string) => DurableError = AnyEngineError as never; // of its codes

/** Thrown by a handler: no further try would do better. The machine gets `effect_failed` at once. */
export const FatalError: new (message: string, options?: { cause?: unknown }) => DurableError = AnyFatalError as never; // of its codes

/** Thrown by a handler: try again then, and not before; no try is spent. `when`: a time, or milliseconds of the wall clock. */
export const RetryAtError: new (message: string, when: Date | number, options?: { cause?: unknown }) => DurableError =
  AnyRetryAtError as never; // of its codes

/**
 * A machine for `createEngine({ machines })`. Without a name it has the id of its chart, and it begins with version 1. Throws `bad_machine` with the place: a name that cannot be used, an action that the machine does not have, a chart
 * that starts something which no restart would find again.
 */
export function defineMachine<
  M extends AnyStateMachine,
  const Name extends string = ChartId<M>,
  Signal extends EventType<M> = never,
>(
  // Inferred from these alone: if a handler took part, the type of its event would be `string`.
  definition: {
    readonly name?: Name;
    readonly machine: M;
    readonly signals?: { readonly [Type in Signal]: unknown };
  } & NoInfer<Written<DurableDefinition<Name, M, Signal>>>,
): DurableDefinition<Name, M, Signal> {
  const whole = defineAny<M, Name, Signal>(definition as never);
  refuseWithoutWorld(whole);
  return whole as never; // it has fewer forms of effects
}

/**
 * An actor for `invoke` and `spawnChild` that is done when a tree of that machine is, with its output. Its input is `{ id }`. It fails if there is no such
 * tree, or where the tree is deleted. `machine`: the definition, which gives the type of the output, or its name.
 */
export const outputOf: {
  <D extends AnyDurable>(machine: D): PromiseActorLogic<OutputOf<D>, { id: string }>;
  <Output = unknown>(machine: string): PromiseActorLogic<Output, { id: string }>;
} = outputOfAny as never; // it looks at the name alone

/** Makes an engine that works until `stop` is called. Throws `bad_request`, `bad_machine`, `owner_taken` where another one works with the file, and the store's codes. */
export function createEngine<const D extends AnyDurable = never>(
  options: DurableOptions & { machines: readonly D[] },
): Promise<DurableEngine<D>> {
  return inOwnWords(async () => {
    checkOptions<DurableOptions & { machines: unknown }>('createEngine', options, known);
    const machines = checkedMachines(options.machines ?? []);
    for (const machine of machines) refuseWithoutWorld(machine);
    const core = await openDurableCore(machines, options);
    const engine: DurableEngine = {
      machines: createMachines(clientInOwnWords(core.client), machines),
      pause: (part) => inOwnWords(() => core.pause(part)),
      resume: (part) => inOwnWords(() => core.resume(part)),
      pauses: () => inOwnWords(core.pauses),
      inspect: async () => {
        throw new AnyEngineError(
          'unavailable',
          'an engine of stator/durable serves no page: it has no control API, which the page reads',
          'give the same machines to createEngine of the package stator, without file, and call inspect() there; here list(), explain(id) and facts(id) show what a tree does',
        );
      },
      retry: (signal) => inOwnWords(() => core.retry(signal)),
      loss: () => inItsWords(core.loss()) as DurableError | null, // of its codes
      stop: core.stop,
    };
    return engine as DurableEngine<D>; // it carries what it was given
  });
}

/** Parts that only an engine with repositories carries out would silently do nothing. Throws `bad_machine`. */
function refuseWithoutWorld({ name, notices = {}, effects = {}, schedules = {} }: AnyDefinition): void {
  const watching = Object.entries(effects).find(([, effect]) => effect !== undefined && 'watch' in effect);
  const [notice] = Object.keys(notices);
  const [scheduled] = Object.keys(schedules);
  if (watching === undefined && notice === undefined && scheduled === undefined) return;
  const part = notice === undefined ? `schedules.${scheduled}` : `notices["${notice}"]`;
  throw new AnyEngineError(
    'bad_machine',
    `machine "${name}": ${watching === undefined ? part : `effects.${watching[0]}: watch`} needs createEngine of the package stator`,
    scheduled !== undefined && watching === undefined && notice === undefined
      ? 'take it out, and begin trees with start(id) at your times'
      : 'read facts(id) for what a tree does, or take it out',
  );
}

const hints: Partial<Record<ErrorCode, string>> = {
  not_found: 'see the existing ones with list(), begin one with start(id)',
  conflict: 'see what would end it with explain(id), or give up all that it waits for with delete(id, { force: true })',
  refused: 'what its machine threw is in the log of the engine; correct the machine, then: await engine.retry(signal)',
  machine_unknown: 'give it to createEngine({ machines })',
  snapshot_unknown:
    'give its definition what it lacks: the state, or the upgrade from that version; the stored row is untouched',
  store_corrupt: 'the file stays as it is: put a copy in its place',
  store_newer: 'install the version that wrote it, or a newer one; the file is as it was',
  store_unreadable: 'look at the file, its folder and its disk, or give createEngine another one',
  owner_taken: 'one engine works with it at a time: stop the other one first',
  home_unusable: 'make the folder of the file writable for this user',
};
const ofCommandLine = /\bstator (?!is\b)[a-z]|STATOR_HOME|daemon\.toml|\bmv /;
const other = 'see the log of the engine';

/** The same error, with a hint that its program can follow. */
function inItsWords(thrown: unknown): unknown {
  if (!(thrown instanceof AnyEngineError) || !ofCommandLine.test(thrown.hint)) return thrown;
  return new AnyEngineError(thrown.code, thrown.message, hints[thrown.code] ?? other, { cause: thrown });
}

async function inOwnWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw inItsWords(thrown);
  }
}

/** Requests throw with such hints. A stream of facts fails with the error of the request behind it. */
function clientInOwnWords({ events, ...asked }: MachineClient): MachineClient {
  const worded = Object.entries(asked).map(([name, ask]) => [
    name,
    (...given: unknown[]) => inOwnWords(() => (ask as (...given: unknown[]) => Promise<unknown>)(...given)),
  ]);
  return { events, ...Object.fromEntries(worded) } as MachineClient; // the same functions
}
