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
import type { Timeline } from '../../core/store/timeline.ts';
import { createLiveReader } from '../agents/reports/read-log.ts';
import { type RunFolder, writeRunFile } from '../agents/run-folder.ts';
import { createSilence } from './silence.ts';

/** A program that continues after its result writes output within this time. */
const afterResultMs = 30_000;
const lookMs = 1_000;

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
      log.info(`${title} has reported its result and does not exit: it is ended, and its work counts`);
      onOver();
      return limitMs;
    },
    onError: (thrown) => log.debug(`whether ${title} has reported its result is not known: ${reasonOf(thrown)}`),
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
