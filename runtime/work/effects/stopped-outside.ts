/**
 * Pauses an agent whose program was stopped from outside, as with `agent pause`: its time limits stop, and people see why. It goes on automatically when the
 * program is continued, and by `agent resume`.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Log } from '../../base/platform/log.ts';
import { createPollLoop, type PollLoop } from '../../base/platform/poll-loop.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import type { Store } from '../../core/store/port.ts';
import { readStandstill } from '../agents/frozen.ts';
import { noteInLog, type RunFolder, writeRunFile } from '../agents/run-folder.ts';
import { createStopLook } from '../agents/stopped-program.ts';

const lookMs = 1_000;

export function watchStops(
  { store, log }: { readonly store: Pick<Store, 'run'>; readonly log: Log },
  { row, report }: Pick<EffectContext, 'row' | 'report'>,
  { folder, runId, title }: { readonly folder: RunFolder; readonly runId: string; readonly title: string },
): Pick<PollLoop, 'stop'> {
  const isStopped = createStopLook(folder, runId);
  /** Exists as long as the pause is ours: only a person resumes an agent that a person has paused. */
  const mark = join(folder.path, 'stopped-outside');
  let was = false;

  function pause(): void {
    const text = `the program of ${title} was stopped (SIGSTOP), and not by stator: its time limits are paused; it goes on with kill -CONT, or: stator agent resume ${shellWord(title)}`;
    writeRunFile(mark, '');
    log.warn(text);
    noteInLog(folder, text);
    report(`stopped ${randomUUID()}`, 'agent_pause', { title });
  }

  const loop = createPollLoop({
    everyMs: lookMs,
    async work() {
      // A person has let it go on, and its processes follow in a moment: until then the stop is still stator's own.
      const { isFrozen } = readStandstill(folder);
      const is = isStopped();
      const isOurs = existsSync(mark);
      // A stop that ends at once, as with a shell's `fg`, does not count.
      const isLasting = is && was;
      was = is;
      if (!isLasting && !isOurs) return null;
      const { state = null } = (await store.run(row.key)) ?? {};
      if (state === 'running' && isLasting && !isOurs && !isFrozen) pause();
      if (!isOurs || is) return null;
      rmSync(mark, { force: true });
      if (state === 'paused') report(`going ${randomUUID()}`, 'agent_resume', { title });
      return null;
    },
    onError: (thrown) => log.debug(`whether the program of ${title} is stopped is not known: ${reasonOf(thrown)}`),
  });
  loop.start('with-beat');
  return loop;
}
