/**
 * Reports each new state of one file, however it is saved: written in place, replaced, or deleted and made again. chokidar makes that prompt, and polling makes
 * it reliable. The file's folder may change all the time, and is not watched.
 */
import { lstatSync, statSync } from 'node:fs';
import { createFileWatcher, type FileWatcher } from './file-watcher.ts';
import { createPollLoop } from './poll-loop.ts';

export interface SavedFileOptions {
  /** Absolute; it need not exist. A link is followed at each poll. */
  readonly file: string;
  /** The interval of polls. */
  readonly everyMs: number;
  /** How long it must not change before it is reported. */
  readonly quietMs: number;
  /** `isThere`: false, it was deleted. Called in turn, never two at once; must not throw. */
  onSave(isThere: boolean): void | Promise<void>;
}

export interface SavedFile {
  /** May be called twice. */
  stop(): Promise<void>;
}

/** A deleted file is usually about to be written again: it is polled at this interval, for this long. */
const goneLookMs = 1_000;
const goneForMs = 60_000;

/** From now on; the caller has read what the file was before. */
export function watchSavedFile({ file, everyMs, quietMs, onSave }: SavedFileOptions): SavedFile {
  let known = stateOf(file);
  /** Its state at the last poll. */
  let found = known;
  /** When it last existed, by the monotonic clock. */
  let seenAtMs = Number.NEGATIVE_INFINITY;
  let watched: { readonly ino: number; readonly watcher: FileWatcher } | null = null;

  async function look(): Promise<number | null> {
    const now = stateOf(file);
    const isSettled = now === found;
    found = now;
    if (now !== null) seenAtMs = performance.now();
    keepWatch();
    if (now !== known && !isSettled) return quietMs;
    if (now !== known) {
      known = now;
      await onSave(now !== null);
    }
    return now === null && performance.now() - seenAtMs < goneForMs ? Math.min(everyMs, goneLookMs) : null;
  }

  /** A file that was put in the place of another is watched again. */
  function keepWatch(): void {
    const ino = lstatSync(file, { throwIfNoEntry: false })?.ino ?? null;
    if (watched?.ino === ino) return;
    watched?.watcher.close();
    watched = null;
    if (ino === null) return;
    const wake = () => loop.wake();
    const options = { paths: [file], includes: () => false, quietMs, onFile: wake, onChange: wake, onReady: wake };
    watched = { ino, watcher: createFileWatcher({ ...options, onEnd: () => {} }) };
  }

  // A file that the system refuses is read again with the next beat.
  const loop = createPollLoop({ everyMs, work: look, onError: () => {} });
  loop.start();
  return {
    stop() {
      const stopped = loop.stop();
      watched?.watcher.close();
      watched = null;
      return stopped;
    },
  };
}

/** A text that changes with each save; null: there is no such file. */
function stateOf(file: string): string | null {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}
