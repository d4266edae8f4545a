/**
 * The embedding API: an engine owns a home, handles its signals, carries out its effects and serves its control API until it is stopped.
 * There is no state outside of it: two engines with two homes live side by side.
 */
import { resolve } from 'node:path';
import type { AnyDefinition } from '../../actors/definition.ts';
import {
  aClock,
  aFlag,
  aFunction,
  aList,
  aListOf,
  aLog,
  anEnvironment,
  aText,
  aWholeNumber,
  checkOptions,
  type KnownOptions,
  milliseconds,
} from '../api/client/options.ts';
import { serveSocket } from '../api/control/server.ts';
import { checkOverrides, homeFolder } from '../base/config/config.ts';
import { ensureHome } from '../base/platform/home.ts';
import { acquireOwner } from '../core/store/sqlite/owner.ts';
import type { AnyDurable, DurableEngine, DurableOptions } from './durable-types.ts';
import type { Engine, EngineOptions } from './options.ts';
import { type Listen, overridesOf, startEngine } from './start.ts';

export { defineMachine } from '../../actors/define-machine.ts';
export type * from '../../actors/definition.ts';
export { outputOf } from '../../actors/output-wait.ts';
export { EngineError } from '../../machines/vocabulary/errors.ts';
export type { Client, SendRequest } from '../api/client/client.ts';
export type * from '../api/contract/machines.ts';
export type * from '../api/contract/plans.ts';
export type * from '../api/contract/repos.ts';
export type * from '../api/contract/runs.ts';
export type * from '../api/contract/shared-shapes.ts';
export type * from '../api/contract/signals.ts';
export type { DeliveryEntry, DeliveryShow, HookEntry, HookSwitched, HookTested } from '../api/operations/hook.ts';
export type { IntakeAllowed, IntakeEntry, IntakeShow, IntakeTried } from '../api/operations/intake.ts';
export type {
  AgentCall,
  AgentCommand,
  AgentFunction,
  AgentPreset,
  AgentStart,
  AgentWork,
  HookMessage,
  OwnAgent,
  OwnHook,
} from '../base/config/config.ts';
export type { Clock } from '../base/platform/clock.ts';
export { type FaultPoint, type Faults, faultPoints } from '../base/platform/faults.ts';
export type { Environment } from '../base/platform/home.ts';
export type { Log } from '../base/platform/log.ts';
export { FatalError, RetryAtError } from '../work/effects/machine-effect.ts';
export type { Embedding, PlanFile, PlanName } from './embedding.ts';
export type { Machine, Machines } from './machines.ts';
export type { Engine, EngineOptions } from './options.ts';
export {
  type DurationRange,
  type DurationSource,
  type SimulatedAgent,
  type SimulatedAsk,
  type SimulateOptions,
  type Simulation,
  simulate,
} from './simulate.ts';

/** An engine of machines alone. Those of `defineMachine` here may have parts that it refuses, such as schedules. */
export type FileEngine<D extends AnyDefinition = AnyDefinition> = Omit<DurableEngine, 'machines'> &
  Pick<Engine<D>, 'machines'>;

const engineOptions: KnownOptions<EngineOptions> = {
  home: aText,
  env: anEnvironment,
  repos: aListOf(aText),
  agents: true,
  hooks: true,
  machines: aList,
  configFile: aText,
  serve: aFlag,
  onlyWatched: aFlag,
  graceMs: milliseconds,
  waitForHomeMs: milliseconds,
  hookRetryMs: aListOf(milliseconds),
  pullRequestLookMs: milliseconds,
  forgeAnswerMs: milliseconds,
  cleaningEveryMs: milliseconds,
  intakeLookMs: milliseconds,
  chatLookMs: milliseconds,
  maxPageCount: aWholeNumber,
  store: aText,
  clock: aClock,
  log: aLog,
  faults: aFunction,
};

/** With `file`: the engine of `stator/durable`, which has machines alone, and needs no home and no repository. */
export function createEngine<const D extends AnyDefinition = never>(
  options: DurableOptions & { file: string; machines: readonly D[] },
): Promise<FileEngine<D>>;
/** Makes an engine that owns the home and works until `stop` is called. Throws `bad_request` for an unknown option, `owner_taken`, `home_unusable`, `bad_config` and the store's codes; then no part of it is left running. */
export function createEngine<const D extends AnyDefinition = never>(
  options?: Omit<EngineOptions, 'machines'> & { machines?: readonly D[] },
): Promise<Engine<D>>;
export async function createEngine(
  options: EngineOptions | (DurableOptions & { file: string; machines: readonly AnyDefinition[] }) = {},
): Promise<Engine | FileEngine> {
  if (isOfFile(options)) {
    const { machines, ...rest } = options;
    const { createEngine: open } = await import('./durable.ts');
    return (await open({ ...rest, machines: machines as readonly AnyDurable[] })) as FileEngine; // it refuses the machines that it cannot carry out
  }
  checkOptions<EngineOptions>('createEngine', options, engineOptions);
  checkOverrides(overridesOf(options));
  const env = options.env ?? process.env;
  const home = options.home === undefined ? homeFolder(env) : resolve(options.home);
  ensureHome(home);
  const owner = await acquireOwner(home, {
    starts: options.onlyWatched === true ? 'watched' : 'all',
    nowMs: () => Date.now(),
    waitMs: options.waitForHomeMs ?? 0,
  });
  try {
    const { serve = true } = options;
    const listen: Listen = async (app, place) => (serve ? serveSocket(app, place.path, { ...place, home }) : null);
    return await startEngine({ options, env, home, owner, listen });
  } catch (thrown) {
    owner.release();
    throw thrown;
  }
}

function isOfFile(options: object): options is DurableOptions & { machines: readonly AnyDefinition[] } {
  return typeof options === 'object' && options !== null && 'file' in options;
}
