/**
 * The end of a run whose program has said that it ended well and stays, as where a shell in the background keeps it: after a silence it is ended by us,
 * and counts as a run that exited with 0.
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
import { lastActivityMs } from '../agents/liveness.ts';
import { createLiveReader } from '../agents/reports/read-log.ts';
import { type RunFolder, writeRunFile } from '../agents/run-folder.ts';

/** A program that goes on by itself after its result says something within this time. */
const afterResultMs = 30_000;
const lookMs = 1_000;

/** For how long the agent has said nothing. Who is frozen, or waits for somebody else, is not silent: for them the time begins anew afterwards. */
export function createSilence(timeline: Timeline, folder: RunFolder): (state: RunRow['state'] | undefined) => number {
  // The log's own times are those of the wall clock: only that they change is believed.
  let seen = lastActivityMs(folder);
  let since = timeline.nowMs();
  return (state) => {
    const activity = lastActivityMs(folder);
    if (activity !== seen || state === 'paused' || state === 'waiting') since = timeline.nowMs();
    seen = activity;
    return timeline.nowMs() - since;
  };
}

export interface FinalResultParts {
  readonly store: Pick<Store, 'run'>;
  readonly timeline: Timeline;
  readonly log: Log;
}

/** `onOver` is called when the run is to be ended, after its folder says that it is over. `timeoutMs` is the run's own limit: the silence takes at most half of it. */
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

/** Whether the run was ended because it was over: what its program said while it was being ended changes nothing. */
export function wasEndedAsOver(folder: RunFolder): boolean {
  return existsSync(overFile(folder));
}

function overFile({ path }: RunFolder): string {
  return join(path, 'over');
}
