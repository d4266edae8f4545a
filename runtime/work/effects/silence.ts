/** Measures how long an agent has been silent, and sends the signal about it. */
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import type { Log } from '../../base/platform/log.ts';
import { createPollLoop, type PollLoop } from '../../base/platform/poll-loop.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import type { Store } from '../../core/store/port.ts';
import type { RunRow } from '../../core/store/rows.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import { readStandstill } from '../agents/frozen.ts';
import { lastActivityMs } from '../agents/liveness.ts';
import { type RunFolder, readExit } from '../agents/run-folder.ts';

/** How often silence is measured. */
const idlePollMs = 1_000;

interface SilenceParts {
  readonly store: Pick<Store, 'run'>;
  readonly timeline: Timeline;
  readonly log: Log;
}

/** How long the agent has written no output. A frozen agent, or one that waits for a person, does not count as silent: its time begins again afterwards. */
export function createSilence(timeline: Timeline, folder: RunFolder): (state: RunRow['state'] | undefined) => number {
  // The log's times come from the wall clock, so only their changes count.
  let seen = lastActivityMs(folder);
  // A pause may begin and end between two measurements.
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

/**
 * Reports silence that lasts too long, counted from this engine's first check. A frozen agent, or one that waits for another, is not silent: its time begins
 * again afterwards. An ended agent is not silent either, however long its leftovers take. Nothing is reported after `stop` has resolved.
 */
export function watchSilence(
  { store, timeline, log }: SilenceParts,
  { idleMs, title }: AgentRun,
  { report, row }: EffectContext,
  folder: RunFolder,
): Pick<PollLoop, 'stop'> {
  if (idleMs === null) return { stop: async () => {} };
  const silentMs = createSilence(timeline, folder);
  const loop = createPollLoop({
    everyMs: idlePollMs,
    async work() {
      const state = (await store.run(row.key))?.state;
      if (readExit(folder) !== null) return null;
      if (silentMs(state) > idleMs) report('idle', 'run_idle', {});
      return null;
    },
    onError: (thrown) => log.debug(`whether ${title} is silent is not known: ${reasonOf(thrown)}`),
  });
  loop.start('with-beat');
  return loop;
}
