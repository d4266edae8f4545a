/** Clears away by age, without anybody's asking: in a daemon, a few times a day. */

import { messageOf } from '../../../machines/vocabulary/errors.ts';
import { age } from '../../../machines/vocabulary/time-text.ts';
import type { CleaningReport } from '../../api/contract/cleaning.ts';
import type { Settings } from '../../base/config/settings.ts';
import type { Log } from '../../base/platform/log.ts';
import { createPollLoop } from '../../base/platform/poll-loop.ts';
import type { Cleaning } from './gc.ts';

export interface RetentionWatch {
  start(): void;
  /** Lets go of a round that is under way: what it has not come to, the next one does. May be called twice. */
  stop(): Promise<void>;
}

interface RetentionParts {
  readonly cleaning: Cleaning;
  readonly settings: Pick<Settings, 'current'>;
  readonly log: Log;
  readonly isOwner: () => boolean;
  /** What the last round came to; null: it cleared away what it was to. */
  onRound(trouble: string | null): void;
  /** Between two rounds; before the first a fortieth of it. */
  readonly everyMs?: number;
}

const defaultEveryMs = 6 * 3_600_000;

export function createRetentionWatch({
  cleaning,
  settings,
  log,
  isOwner,
  onRound,
  everyMs = defaultEveryMs,
}: RetentionParts): RetentionWatch {
  let stopping = new AbortController();
  let isFirst = true;
  const loop = createPollLoop({
    everyMs,
    async work() {
      // An engine that has just started has other things to do.
      if (isFirst || !isOwner()) {
        isFirst = false;
        return everyMs / 40;
      }
      const olderThanMs = settings.current().retentionMs;
      const report = await cleaning.clear({ olderThanMs, dry: false, overrides: [] }, stopping.signal);
      onRound(null);
      const words = summaryOf(report);
      if (words !== '') log.info(`cleared away what ended more than ${age(olderThanMs)} ago: ${words}`);
      return everyMs;
    },
    onError(thrown) {
      if (stopping.signal.aborted) return;
      const trouble = `what ended long ago was not cleared away: ${messageOf(thrown)}`;
      log.warn(trouble);
      onRound(`${trouble}; try it now: stator gc --dry-run`);
    },
  });

  return {
    start() {
      stopping = new AbortController();
      isFirst = true;
      loop.start();
    },
    async stop() {
      stopping.abort(new Error('the engine stops'));
      await loop.stop();
    },
  };
}

/** `3 run_folder, 1 worktree`; empty where nothing went. */
function summaryOf({ items }: CleaningReport): string {
  const counts = new Map<string, number>();
  for (const { kind, state, count } of items) if (state === 'gone') counts.set(kind, (counts.get(kind) ?? 0) + count);
  return [...counts].map(([kind, count]) => `${count} ${kind.replace('_', ' ')}`).join(', ');
}
