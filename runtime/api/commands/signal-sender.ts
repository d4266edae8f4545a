/** Every command works this way: it puts a signal in the inbox and waits for the verdict. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Origin } from '../../../machines/vocabulary/signal.ts';
import { textDigest } from '../../base/platform/text-digest.ts';
import type { ArrivingSignal } from '../../core/inbox/arrivals.ts';
import type { Change } from '../../core/store/port.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import type { CommandDependencies } from './command-dependencies.ts';

export interface SendCommand {
  readonly project: string;
  readonly plan: string;
  readonly type: string;
  readonly payload: unknown;
  readonly origin: Origin;
  readonly run: string | null;
  readonly dedupeKey: string | null;
  readonly waitMs: number;
}

/** The default time to wait for a verdict. */
export const verdictWaitMs = 5_000;
/** The same for a registration, or the start of a tree, which fails without a verdict: on a busy machine its signal is handled later, and the failure would be untrue. */
export const neededVerdictWaitMs = 30_000;

export function createSignalSender({ clock, views, addSignal }: CommandDependencies) {
  /** `before` is written in the same commit; signals that it inserts are handled first. */
  async function post(
    signal: Omit<ArrivingSignal, 'at'>,
    waitMs: number,
    before: readonly Change[] = [],
  ): Promise<SignalAnswer> {
    return views.answer(await addSignal({ ...signal, at: clock.nowMs() }, waitMs, before));
  }

  /** false: another signal did it before. Throws `unavailable` if the signal was not handled, or was refused. */
  async function mustBeDone(signal: Omit<ArrivingSignal, 'at'>, before: readonly Change[] = []): Promise<boolean> {
    const { signal: answer } = await post(signal, neededVerdictWaitMs, before);
    if (answer.status === 'done') return answer.result !== 'already';
    throw notHandled(`${signal.type} was not handled`, answer);
  }

  return { post, mustBeDone };
}

export function notHandled(what: string, { id, status }: SignalAnswer['signal']): EngineError {
  return new EngineError('unavailable', `${what}: it is ${status}`, `look at it with: stator signal show ${id}`);
}

export interface Request {
  /** Chosen by the client for this request alone. */
  readonly key: string;
  readonly firstAtMs: number;
  /** An engine was cut off while it carried the request out; what it had done by then is not undone. */
  readonly isRepeat: boolean;
}

/** The request under way. Each of its signals gets a key derived from the request's key, so that a repeated request sends no signal twice. */
interface Carried extends Request {
  /** The number of signals sent so far, by content. */
  readonly sent: Map<string, number>;
}

const requests = new AsyncLocalStorage<Carried>();

export function withRequest<T>(request: Request, work: () => T): T {
  return requests.run({ ...request, sent: new Map() }, work);
}

/** null: the request is not a repeat, or has no key. */
export function repeatedRequest(): Request | null {
  const request = requests.getStore();
  return request?.isRepeat === true ? request : null;
}

/** Adds a key if the signal has none. A later signal of the same content in the same request gets another key. */
export function keyed(signal: ArrivingSignal): ArrivingSignal {
  const request = requests.getStore();
  if (request === undefined || signal.dedupeKey != null) return signal;
  const { tree, type, payload } = signal;
  const content = textDigest(JSON.stringify([tree, type, payload])).slice(0, 16);
  const count = (request.sent.get(content) ?? 0) + 1;
  request.sent.set(content, count);
  return { ...signal, dedupeKey: `request:${request.key}:${content}:${count}` };
}
