/** The files that were dropped into a folder of signals and not taken yet, and which of them nobody writes any more. */
import { readdir } from 'node:fs/promises';
import { forEachFile } from './each-file.ts';
import { type ByteName, isSame, pathOf, type Seen, seenAt } from './files.ts';

export interface Arrivals {
  /** Reads the folder, and looks at the files that are not known to stand still. Throws the system's errors. */
  list(): Promise<void>;
  /** Those that are complete, or, where nothing is waited for, all: the oldest first, and last what could not be moved before. */
  stable(isWaitedFor: boolean): [ByteName, Seen][];
  /** The watcher says that nobody writes to it any more: the next `list` takes it as it is then. */
  noteComplete(name: ByteName): void;
  /** Whether a file is complete. */
  hasStable(): boolean;
  /** Forgets a file that was taken or deleted. */
  drop(name: ByteName): void;
  /** It could not be moved: it is tried again, and no sooner for it. */
  countFailure(name: ByteName): void;
  readonly size: number;
  clear(): void;
}

/** A file is complete when it has stood still for this long: as its watcher says, or, where none told of it, as two looks found it. */
export const quietMs = 250;
/** The engine's own folders among the signals. */
const own: ReadonlySet<string> = new Set(['staging', 'processing', 'failed']);

interface Arrival {
  readonly seen: Seen;
  /** On the monotonic clock: when it was first seen like this. */
  readonly sinceMs: number;
  isStable: boolean;
  failures: number;
}

export function createArrivals(folder: string): Arrivals {
  const files = new Map<ByteName, Arrival>();
  /** Said by the watcher, and not looked at since. */
  const complete = new Set<ByteName>();

  return {
    noteComplete: (name) => void complete.add(name),
    async list() {
      // Of what is said from here on the next look takes care.
      const told = new Set(complete);
      complete.clear();
      const names = (await readdir(folder, 'latin1')).filter((name) => !name.startsWith('.') && !own.has(name));
      const present = new Set(names);
      for (const name of files.keys()) if (!present.has(name)) files.delete(name);
      await forEachFile(names, async (name) => {
        const before = files.get(name);
        // Looked at twice is enough: whoever takes it compares once more what is read.
        if (before?.isStable === true && before.failures === 0) return;
        const now = performance.now();
        const seen = await seenAt(pathOf(folder, name));
        if (seen === null) files.delete(name);
        // What is no file is not written: it is told of at once.
        else if (told.has(name) || seen.oddity !== null)
          files.set(name, { failures: 0, ...before, seen, sinceMs: now, isStable: true });
        else if (before === undefined || !isSame(before.seen, seen))
          files.set(name, { seen, sinceMs: performance.now(), isStable: false, failures: 0 });
        else if (now - before.sinceMs >= quietMs) before.isStable = true;
      });
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
