/** Every command works this way: it puts a signal in the inbox and waits for the verdict. */

import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Origin } from '../../../machines/vocabulary/signal.ts';
import type { ArrivingSignal } from '../../core/inbox/pump.ts';
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
    const { signal: answer } = await post(signal, verdictWaitMs, before);
    if (answer.status === 'done') return answer.result !== 'already';
    throw new EngineError(
      'unavailable',
      `${signal.type} was not handled: it is ${answer.status}`,
      `look at it with: stator signal show ${answer.id}`,
    );
  }

  return { post, mustBeDone };
}
