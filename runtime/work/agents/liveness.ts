/**
 * Whether a run lives, found from its folder and never from a process handle: a child of this engine and one of an earlier engine are watched in the same
 * way.
 */
import { existsSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProcess, signalProcess } from '../../base/platform/process-table.ts';
import { createFileWatch } from './file-watch.ts';
import { LOG_LIMIT_BYTES, rotateLog } from './output-log.ts';
import { isAwayWithHome, outputPipe, type RunFolder, readClaim, readExit } from './run-folder.ts';

/** Only the main process: leftovers may live on (`sweepLeftovers`), and after `lost` the agent itself (`stopTree`, before it is settled). */
export type RunEnd =
  | { readonly kind: 'exited'; readonly code: number }
  /** The wrapper has gone without an exit code, or the folder for the exit code was removed. While a run's home is away, nothing is reported. */
  | { readonly kind: 'lost' };

export interface WatchOptions {
  /** Ends the watching, and throws the signal's reason; the processes are left alone. */
  readonly abort: AbortSignal;
  readonly pollMs?: number;
  readonly logLimitBytes?: number;
}

/**
 * Resolves when the agent has ended: at once when the wrapper wakes it, or within a poll if the wrapper died. Keeps the log within its limit meanwhile. A run
 * without a claim, or with a `void` one, is a broken invariant: call `voidOrAdopt` first.
 */
export async function watchRun(folder: RunFolder, options: WatchOptions): Promise<RunEnd> {
  const { abort, pollMs = 1000, logLimitBytes = LOG_LIMIT_BYTES } = options;
  const claim = readClaim(folder);
  if (claim === null && !existsSync(folder.path)) return { kind: 'lost' };
  if (claim?.kind !== 'wrapper') throw new Error(`the run in ${folder.path} was watched before a wrapper claimed it`);
  // The claim is watched, not the folder: otherwise every write to the log would end the wait.
  const fileWatch = createFileWatch(folder.claim);
  try {
    for (;;) {
      abort.throwIfAborted();
      const wrapper = findProcess(claim.wrapper);
      // Read after the check of the wrapper: it may write the exit code between the two.
      const code = readExit(folder);
      if (code !== null) {
        await untilEmptied(outputPipe(folder, claim.wrapper), abort);
        await rotateLog(folder, logLimitBytes);
        return { kind: 'exited', code };
      }
      if (wrapper === null || readClaim(folder) === null) {
        if (!isAwayWithHome(folder)) return { kind: 'lost' };
        await fileWatch.wait(pollMs, abort);
        continue;
      }
      // A stopped wrapper would never report the end. It only waits, so continuing it thaws no agent.
      if (wrapper.state === 'T') signalProcess(claim.wrapper, 'SIGCONT');
      await rotateLog(folder, logLimitBytes);
      await fileWatch.wait(pollMs, abort);
    }
  } finally {
    fileWatch.stop();
  }
}

/**
 * Waits for the agent's last output, which is in the log shortly after its end. Leftovers that may still write into the pipe are not waited for. Looks are
 * counted, not time: the process that empties the pipe did not run either while the machine slept or was busy.
 */
const emptyLooks = 200;
const emptyPollMs = 5;

async function untilEmptied(pipe: string, abort: AbortSignal): Promise<void> {
  for (let looks = 0; existsSync(pipe) && looks < emptyLooks; looks += 1) {
    abort.throwIfAborted();
    await sleep(emptyPollMs);
  }
}

/** When the agent last wrote (ms since the epoch): the log's own time. 0: no log yet. */
export function lastActivityMs(folder: RunFolder): number {
  return statSync(folder.log, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
