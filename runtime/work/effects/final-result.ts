/**
 * Ends a run whose program has reported success but does not exit, for example because of a background shell. After a silence we end it, and it counts as
 * exited with 0.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import { isProgramPreset } from '../../base/config/preset-programs.ts';
import type { Log } from '../../base/platform/log.ts';
import { createPollLoop, type PollLoop } from '../../base/platform/poll-loop.ts';
import type { Store } from '../../core/store/port.ts';
import type { RunRow } from '../../core/store/rows.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import { readStandstill } from '../agents/frozen.ts';
import { lastActivityMs } from '../agents/liveness.ts';
import { createLiveReader } from '../agents/reports/read-log.ts';
import { type RunFolder, writeRunFile } from '../agents/run-folder.ts';

/** A program that continues after its result writes output within this time. */
const afterResultMs = 30_000;
const lookMs = 1_000;

/** How long the agent has written no output. A frozen agent, or one that waits for a person, does not count as silent: its time begins again afterwards. */
export function createSilence(timeline: Timeline, folder: RunFolder): (state: RunRow['state'] | undefined) => number {
  // The log's times come from the wall clock, so only their changes count.
  let seen = lastActivityMs(folder);
  // A pause may begin and end between two looks.
  let seenStandstill = readStandstill(folder).changedMs;
  let since = timeline.nowMs();
  return (state) => {
    const activity = lastActivityMs(folder);
    const { isFrozen, changedMs } = readStandstill(folder);
    const isHeld = isFrozen || state === 'paused' || state === 'waiting';
    if (isHeld || activity !== seen || changedMs !== seenStandstill) since = timeline.nowMs();
    seen = activity;
    seenStandstill = changedMs;
    return timeline.nowMs() - since;
  };
}

export interface FinalResultParts {
  readonly store: Pick<Store, 'run'>;
  readonly timeline: Timeline;
  readonly log: Log;
}

/**
 * `onOver` is called when the run must be ended, after its folder records that it is over. `timeoutMs` is the run's own limit: the silence takes at most half
 * of it.
 */
export function watchFinalResult(
  { store, timeline, log }: FinalResultParts,
  { key, title, timeoutMs }: { readonly key: string; readonly title: string; readonly timeoutMs: number },
  { folder, onOver }: { readonly folder: RunFolder; readonly onOver: () => void },
): Pick<PollLoop, 'stop'> {
  const limitMs = Math.min(afterResultMs, timeoutMs / 2);
  const silentMs = createSilence(timeline, folder);
  const loop = createPollLoop({
    everyMs: lookMs,
    async work() {
      const run = await store.run(key);
      const silent = silentMs(run?.state);
      const preset = run?.preset ?? null;
      if (silent < limitMs || preset === null || !isProgramPreset(preset)) return null;
      const reader = createLiveReader(preset, folder);
      try {
        if (!reader.read().isOver) return limitMs;
      } finally {
        reader.close();
      }
      writeRunFile(overFile(folder), '');
      log.info(`${title} has told its result and does not exit: it is ended, and its work is taken`);
      onOver();
      return limitMs;
    },
    onError: (thrown) => log.debug(`whether ${title} has told its result is not known: ${reasonOf(thrown)}`),
  });
  loop.start('with-beat');
  return loop;
}

/** Whether the run was ended because it was over: the program's output during the end then changes nothing. */
export function wasEndedAsOver(folder: RunFolder): boolean {
  return existsSync(overFile(folder));
}

function overFile({ path }: RunFolder): string {
  return join(path, 'over');
}
