/** How every command asks: a signal in the inbox, and the verdict on it. */

import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Origin } from '../../../machines/vocabulary/signal.ts';
import { type Change, insertSignal } from '../../core/store/port.ts';
import type { NewSignal } from '../../core/store/rows.ts';
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

/** How long a verdict is waited for where the caller says nothing. */
export const verdictWaitMs = 5_000;

export function createSignalSender({ store, clock, views, settled }: CommandDependencies) {
  /** `before` goes into the same commit: what it inserts is handled first. */
  async function post(
    signal: Omit<NewSignal, 'at'>,
    waitMs: number,
    before: readonly Change[] = [],
  ): Promise<SignalAnswer> {
    const id = await insertSignal(store, { ...signal, at: clock.nowMs() }, before);
    await settled(id, waitMs);
    return views.answer(id);
  }

  /** false: it was done before, by somebody else. Throws `unavailable` where nobody handled it, or it was refused. */
  async function mustBeDone(signal: Omit<NewSignal, 'at'>): Promise<boolean> {
    const { signal: answer } = await post(signal, verdictWaitMs);
    if (answer.status === 'done') return answer.result !== 'already';
    throw new EngineError(
      'unavailable',
      `${signal.type} was not handled: it is ${answer.status}`,
      `look at it with: stator signal show ${answer.id}`,
    );
  }

  return { post, mustBeDone };
}
