/** Carries out an effect of a user-defined machine: runs its handler, and sends the result to the machine. */
import { once } from 'node:events';
import type { AnyStateMachine } from 'xstate';
import type { AnyDefinition, Work } from '../../../actors/definition.ts';
import { asJson } from '../../../actors/json-value.ts';
import { workOf } from '../../../actors/own-machine.ts';
import type { MachineEffect } from '../../../machines/vocabulary/effect.ts';
import { EngineError, isError, messageOf, thenContinues } from '../../../machines/vocabulary/errors.ts';
import type { Log } from '../../base/platform/log.ts';
import { timeLimit } from '../../base/platform/pause.ts';
import type { Handler, Outcome } from '../../core/outbox/handler.ts';

export interface MachineEffectParts {
  /** The machines that were passed to this engine. */
  readonly machines: readonly AnyDefinition[];
  readonly log: Log;
}

const hourMs = 3_600_000;

/** Thrown by a handler: another try would not help. The machine gets `effect_failed` at once. */
export class FatalError extends EngineError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('effect_failed', message, 'the handler says that a further try would not help', options);
    this.name = 'FatalError';
  }
}

/** Thrown by a handler: try again at that time; no try is spent. `when`: a time, or milliseconds of the wall clock. */
export class RetryAtError extends EngineError {
  override readonly retryAtMs: number;

  constructor(message: string, when: Date | number, options?: { cause?: unknown }) {
    super('effect_later', message, 'a running engine tries it again at that time', options);
    this.name = 'RetryAtError';
    this.retryAtMs = Number(when);
    if (!Number.isFinite(this.retryAtMs)) throw new TypeError('RetryAtError: when is no time');
  }
}

export function createMachineEffect({ machines, log }: MachineEffectParts): Handler<MachineEffect> {
  return async ({ machine, effect: action, id, input }, { row, abort, stop }) => {
    const work = mustFind(machines, machine, action);
    if (stop.aborted) return { type: null };
    const timeoutMs = work.timeoutMs ?? hourMs;
    const over = timeLimit(timeoutMs);
    const signal = AbortSignal.any([abort, stop, over]);
    const said = (message: string) => log.info(`${machine} ${row.key}: ${message}`);
    const running = (async () =>
      work.run({ input: input as never, key: row.key, attempt: row.attempts, signal, log: said }))();
    running.catch(() => {}); // handled below, unless the effect is no longer awaited
    try {
      const answered = await Promise.race([running, untilAborted(signal)]);
      if (stop.aborted) return { type: null };
      const { effects = {} } = machines.find(({ name }) => name === machine) ?? {};
      return outcomeOf(`${machine}: ${Object.hasOwn(effects, action) ? 'effects' : 'actors'}.${action}`, answered);
    } catch (thrown) {
      if (stop.aborted) return { type: null };
      if (abort.aborted || !over.aborted) throw classOf(thrown);
      throw new EngineError(
        'timed_out',
        `${machine}/${id} was not done in ${timeoutMs} ms`,
        'raise its timeoutMs, or make it shorter',
      );
    }
  };
}

/** A machine's file may import its own copy of this package, so its errors are recognized by their codes. */
function classOf(thrown: unknown): unknown {
  if (!isError(thrown) || thrown instanceof EngineError) return thrown;
  const { code, retryAtMs } = thrown as { code?: unknown; retryAtMs?: unknown }; // checked below
  if (code === 'effect_failed') return new FatalError(thrown.message, { cause: thrown });
  if (code === 'effect_later' && typeof retryAtMs === 'number')
    return new RetryAtError(thrown.message, retryAtMs, { cause: thrown });
  return thrown;
}

function mustFind(machines: readonly AnyDefinition[], machine: string, action: string): Work<AnyStateMachine, never> {
  const found = workOf(
    machines.find(({ name }) => name === machine),
    action,
  );
  if (found !== null) return found;
  throw new EngineError(
    'machine_unknown',
    `no machine "${machine}" with an effect "${action}" was given to this engine`,
    `name its file under [machines] in daemon.toml, or give it to createEngine({ machines }); ${thenContinues}`,
  );
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

/** Throws `effect_failed` for a result that is no event, or that JSON cannot carry. */
function outcomeOf(what: string, answered: unknown): Outcome {
  if (answered === undefined || answered === null) return { type: null };
  if (typeof answered !== 'object' || !('type' in answered) || typeof answered.type !== 'string')
    throw unusable(`${what}: run answered something that is no event`);
  try {
    const { type, ...payload } = asJson('the event', answered) as { type: string };
    return { type: 'sent', event: { type, payload } };
  } catch (cause) {
    throw unusable(`${what}: ${messageOf(cause)}`, cause);
  }
}

/** It would return the same at a further try. */
function unusable(message: string, cause?: unknown): EngineError {
  return new EngineError('effect_failed', message, 'correct what it returns: it is not tried again', { cause });
}
