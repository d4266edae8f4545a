/** Deletes old leftovers automatically, in a daemon, a few times a day. */

import { age } from '../../../machines/vocabulary/time-text.ts';
import type { CleaningReport } from '../../api/contract/cleaning.ts';
import type { Settings } from '../../base/config/settings.ts';
import type { Log } from '../../base/platform/log.ts';
import { createServiceLoop, type Troubles } from '../../base/platform/poll-loop.ts';
import type { Cleaning } from './gc.ts';

interface RetentionParts {
  readonly cleaning: Cleaning;
  readonly settings: Pick<Settings, 'current'>;
  readonly log: Log;
  readonly isOwner: () => boolean;
  readonly troubles: Troubles;
  /** The time between two rounds; the first one begins after a fortieth of it. */
  readonly everyMs?: number;
}

const defaultEveryMs = 6 * 3_600_000;

export function createRetentionWatch({
  cleaning,
  settings,
  log,
  isOwner,
  troubles,
  everyMs = defaultEveryMs,
}: RetentionParts) {
  let stopping = new AbortController();
  let isFirst = true;
  const loop = createServiceLoop({
    trouble: {
      what: 'what ended long ago is not cleared away',
      isRare: true,
      hint: 'try it now: stator gc --dry-run',
    },
    troubles,
    everyMs,
    async work() {
      // An engine that has just started has more important work.
      if (isFirst || !isOwner()) {
        isFirst = false;
        return everyMs / 40;
      }
      const olderThanMs = settings.current().retentionMs;
      const report = await cleaning
        .clear({ olderThanMs, dry: false, overrides: [] }, stopping.signal)
        .catch((thrown: unknown) => {
          if (stopping.signal.aborted) return null;
          throw thrown;
        });
      for (const note of report?.notes ?? []) log.warn(`cleaning: ${note}`);
      const words = report === null ? '' : summaryOf(report);
      if (words !== '') log.info(`cleared away what ended more than ${age(olderThanMs)} ago: ${words}`);
      return everyMs;
    },
  });

  return {
    start() {
      stopping = new AbortController();
      isFirst = true;
      loop.start();
    },
    /** Ends a round that is under way; the next round does the rest. May be called twice. */
    async stop() {
      stopping.abort(new Error('the engine stops'));
      await loop.stop();
    },
  };
}

/** `3 run_folder, 1 worktree`; empty if nothing was deleted. */
function summaryOf({ items }: CleaningReport): string {
  const counts = new Map<string, number>();
  for (const { kind, state, count } of items) if (state === 'gone') counts.set(kind, (counts.get(kind) ?? 0) + count);
  return [...counts].map(([kind, count]) => `${count} ${kind.replace('_', ' ')}`).join(', ');
}
