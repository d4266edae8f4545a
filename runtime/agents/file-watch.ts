/** Wakes a wait when a file or folder changes. Watching makes the wait prompt, never sure: every wait polls as well. */
import { type FSWatcher, watch } from 'node:fs';

export interface FileWatch {
  ring(): void;
  /** Resolves at the next ring, at one that came since the last wait, after `timeoutMs`, or on abort; the caller looks which. */
  wait(timeoutMs: number, abort?: AbortSignal): Promise<void>;
  /** May be called twice. */
  stop(): void;
}

/** Watches a file or folder. Where the system has no watches left, only `ring` and the time-out end a wait. */
export function createFileWatch(path: string): FileWatch {
  let hasRung = false;
  let wake: (() => void) | null = null;
  const ring = () => {
    hasRung = true;
    wake?.();
  };
  const watcher = watchQuietly(path, ring);
  return {
    ring,
    wait: (timeoutMs, abort) =>
      new Promise((done) => {
        const end = () => {
          clearTimeout(timer);
          abort?.removeEventListener('abort', end);
          wake = null;
          hasRung = false;
          done();
        };
        const timer = setTimeout(end, timeoutMs);
        abort?.addEventListener('abort', end, { once: true });
        wake = end;
        if (hasRung || abort?.aborted) end();
      }),
    stop: () => watcher?.close(),
  };
}

function watchQuietly(path: string, ring: () => void): FSWatcher | null {
  try {
    return watch(path, { persistent: false }, ring).on('error', ring);
  } catch {
    return null; // out of inotify watches, or the path is gone: the poll decides
  }
}
