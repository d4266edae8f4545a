/** What the commands of every noun are made of, and how each of them asks: a signal in the inbox, and the verdict on it. */

import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Origin } from '../../../machines/vocabulary/signal.ts';
import type { OwnHooks } from '../../base/config/config.ts';
import type { Settings } from '../../base/config/settings.ts';
import type { Clock } from '../../base/platform/clock.ts';
import type { Log } from '../../base/platform/log.ts';
import type { TreeCache } from '../../core/inbox/tree-cache.ts';
import { type Change, insertSignal, type Store } from '../../core/store/port.ts';
import type { NewSignal } from '../../core/store/rows.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import type { FlagCheck } from '../../work/agents/presets/known-flags.ts';
import type { Cleaning } from '../../work/gc/gc.ts';
import type { Projects } from '../../work/repos/registry.ts';
import type { Resources } from '../../work/sandbox/resources.ts';
import type { Walls } from '../../work/sandbox/walls.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import type { Views } from '../queries/queries.ts';

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

export interface CommandParts {
  readonly home: string;
  readonly store: Store;
  readonly cache: Pick<TreeCache, 'get' | 'forget'>;
  readonly projects: Projects;
  readonly views: Views;
  readonly settings: Settings;
  readonly cleaning: Cleaning;
  readonly clock: Clock;
  readonly log: Log;
  /** What agents are started with. */
  readonly env: NodeJS.ProcessEnv;
  readonly walls: Walls;
  readonly flagCheck: FlagCheck;
  readonly resources: Resources;
  /** The hooks that the engine was given. */
  readonly ownHooks: OwnHooks;
  /** What durations are measured by. */
  readonly timeline: Timeline;
  /** Between asking processes to end and ending them by force. */
  readonly graceMs: number;
  /** Milliseconds that a forge has to answer a verb about an issue; five seconds where it is not there. */
  readonly forgeAnswerMs?: number | undefined;
  /** Agents are started here; not: this engine is there for one verb. */
  readonly stays: boolean;
  /** There is something in the inbox; resolves when the row has its verdict, or after `waitMs`. */
  settled(id: number, waitMs: number): Promise<void>;
  /** Resolves when no agent of the project runs any more, told or not. Throws `unavailable` where one does not end. */
  runsEnded(project: string): Promise<void>;
  /** Limits, or what may start, have changed. */
  onChange(): void;
}

/** How long a verdict is waited for where the caller says nothing. */
export const verdictWaitMs = 5_000;

export function createSignalSender({ store, clock, views, settled }: CommandParts) {
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
