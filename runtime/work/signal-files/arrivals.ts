/** The new files in a signal folder, and which of them are complete. */
import { forEachFile } from './each-file.ts';
import { type ByteName, entryLimit, isSame, namesIn, pathOf, type Seen, seenAt } from './files.ts';

export interface Arrivals {
  /**
   * Reads the folder, and checks the files that are not known to be complete. false: it has more entries than one check reads. Throws the system's errors.
   */
  list(): Promise<boolean>;
  /** The complete files, or, without waiting, all: the oldest first, and files that could not be moved last. */
  stable(isWaitedFor: boolean): [ByteName, Seen][];
  /** The watcher reports that the file is complete: the next `list` includes its present version. */
  noteComplete(name: ByteName): void;
  /** Whether a file is complete. */
  hasStable(): boolean;
  /** Forgets a file that was collected or deleted. */
  drop(name: ByteName): void;
  /** The file could not be moved: it is tried again, but not earlier. */
  countFailure(name: ByteName): void;
  readonly size: number;
  clear(): void;
}

/** A file is complete when it has not changed for this long, according to its watcher, or otherwise to two checks. */
export const quietMs = 250;
/** The engine's own folders inside the signal folder. */
const own: ReadonlySet<string> = new Set(['staging', 'processing', 'failed']);

interface Arrival {
  readonly seen: Seen;
  /** Monotonic clock: when this state was first seen. */
  readonly sinceMs: number;
  isStable: boolean;
  failures: number;
}

export function createArrivals(folder: string): Arrivals {
  const files = new Map<ByteName, Arrival>();
  /** Reported by the watcher, and not checked since. */
  const complete = new Set<ByteName>();

  return {
    noteComplete: (name) => void complete.add(name),
    async list() {
      // Later reports are handled by the next check.
      const reported = new Set(complete);
      complete.clear();
      const entries = await namesIn(folder, entryLimit);
      const names = entries.filter((name) => !name.startsWith('.') && !own.has(name));
      const present = new Set(names);
      for (const name of files.keys()) if (!present.has(name)) files.delete(name);
      await forEachFile(names, async (name) => {
        const before = files.get(name);
        // Two checks are enough: the reader compares the state once more.
        if (before?.isStable === true && before.failures === 0) return;
        const now = performance.now();
        const seen = await seenAt(pathOf(folder, name));
        if (seen === null) files.delete(name);
        // Something other than a file is never being written, so it is reported at once.
        else if (reported.has(name) || seen.oddity !== null)
          files.set(name, { failures: 0, ...before, seen, sinceMs: now, isStable: true });
        else if (before === undefined || !isSame(before.seen, seen))
          files.set(name, { seen, sinceMs: performance.now(), isStable: false, failures: 0 });
        else if (now - before.sinceMs >= quietMs) before.isStable = true;
      });
      return entries.length < entryLimit;
    },
    stable(isWaitedFor) {
      return [...files]
        .filter(([, { isStable }]) => isStable || !isWaitedFor)
        .sort(([, a], [, b]) => a.failures - b.failures || Number(a.seen.mtimeNs - b.seen.mtimeNs))
        .map(([name, { seen }]) => [name, seen]);
    },
    hasStable() {
      for (const { isStable } of files.values()) if (isStable) return true;
      return false;
    },
    drop: (name) => void files.delete(name),
    countFailure(name) {
      const file = files.get(name);
      if (file !== undefined) file.failures += 1;
    },
    get size() {
      return files.size;
    },
    clear() {
      files.clear();
      complete.clear();
    },
  };
}
