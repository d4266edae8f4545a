/** Wakes a wait when a file or folder changes. Watching makes the wait prompt, but not reliable, so every wait also polls. */
import { type FSWatcher, watch } from 'node:fs';

export interface FileWatch {
  wake(): void;
  /** Resolves at the next change or call of `wake`, at an earlier one since the last wait, after `timeoutMs`, or on abort; the caller checks which. */
  wait(timeoutMs: number, abort?: AbortSignal): Promise<void>;
  /** May be called twice. */
  stop(): void;
}

/** Watches a file or folder. If the system has no watches left, only `wake` and the time-out end a wait. */
export function createFileWatch(path: string): FileWatch {
  let isWoken = false;
  let endWait: (() => void) | null = null;
  const wake = () => {
    isWoken = true;
    endWait?.();
  };
  const watcher = watchQuietly(path, wake);
  return {
    wake,
    wait: (timeoutMs, abort) =>
      new Promise((done) => {
        const end = () => {
          clearTimeout(timer);
          abort?.removeEventListener('abort', end);
          endWait = null;
          isWoken = false;
          done();
        };
        const timer = setTimeout(end, timeoutMs);
        abort?.addEventListener('abort', end, { once: true });
        endWait = end;
        if (isWoken || abort?.aborted) end();
      }),
    stop: () => watcher?.close(),
  };
}

function watchQuietly(path: string, wake: () => void): FSWatcher | null {
  try {
    return watch(path, { persistent: false }, wake).on('error', wake);
  } catch {
    return null; // out of inotify watches, or the path is gone: the poll decides
  }
}
