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
  /** The wrapper has gone and left no exit code, or somebody took the folder away into which it would write one. Nothing is said of a run while its home is away. */
  | { readonly kind: 'lost' };

export interface WatchOptions {
  /** Ends the watching, with the signal's reason thrown; the processes are left as they are. */
  readonly abort: AbortSignal;
  readonly pollMs?: number;
  readonly logLimitBytes?: number;
}

/**
 * Resolves when the agent has ended: at once when the wrapper wakes it, within a poll where the wrapper died. Keeps the log within its limit
 * meanwhile. A run that nobody or `void` has claimed is a broken invariant: ask `voidOrAdopt` first.
 */
export async function watchRun(folder: RunFolder, options: WatchOptions): Promise<RunEnd> {
  const { abort, pollMs = 1000, logLimitBytes = LOG_LIMIT_BYTES } = options;
  const claim = readClaim(folder);
  if (claim === null && !existsSync(folder.path)) return { kind: 'lost' };
  if (claim?.kind !== 'wrapper') throw new Error(`the run in ${folder.path} was watched before a wrapper claimed it`);
  // The claim, not the folder: there every write to the log would end the wait.
  const fileWatch = createFileWatch(folder.claim);
  try {
    for (;;) {
      abort.throwIfAborted();
      const wrapper = findProcess(claim.wrapper);
      // Read after the wrapper was looked for: it may write its last word between the two looks.
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
      // A stopped wrapper would never tell of the end; it does nothing but wait, so waking it thaws no agent.
      if (wrapper.state === 'T') signalProcess(claim.wrapper, 'SIGCONT');
      await rotateLog(folder, logLimitBytes);
      await fileWatch.wait(pollMs, abort);
    }
  } finally {
    fileWatch.stop();
  }
}

/** What the agent said last is in the log a moment after its end. A leftover that may still write into the pipe is not waited for. */
const emptyLimitMs = 1000;
const emptyPollMs = 5;

async function untilEmptied(pipe: string, abort: AbortSignal): Promise<void> {
  const untilMs = performance.now() + emptyLimitMs;
  while (existsSync(pipe) && performance.now() < untilMs) {
    abort.throwIfAborted();
    await sleep(emptyPollMs);
  }
}

/** When the agent last wrote (ms since the epoch): the log's own time. 0: no log yet. */
export function lastActivityMs(folder: RunFolder): number {
  return statSync(folder.log, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
