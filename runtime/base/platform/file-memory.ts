/** What was last made of files, for as long as their state shows no change. */

/** Twice the tick of a kernel that keeps the times of files most roughly: what is written within it may leave them as they were. */
const tickMs = 20;

/** The state of one or more files: any text that changes with them, and when the last of them was changed (ms since 1970). */
export interface FileState {
  readonly text: string;
  readonly changedMs: number;
}

export interface FileMemory<T> {
  /** What was made of the files at that state, else what `make` makes of them now. */
  of(key: string, state: FileState, make: () => T): T;
  /** What was made of them at a state of that text; undefined: it is not known. */
  at(key: string, text: string): T | undefined;
}

/** Keeps up to `limit` of them; nothing of what was changed just before it was read. */
export function createFileMemory<T>(limit: number): FileMemory<T> {
  const kept = new Map<string, { readonly text: string; readonly made: T }>();
  return {
    of(key, { text, changedMs }, make) {
      const last = kept.get(key);
      if (last?.text === text) return last.made;
      const made = make();
      kept.delete(key);
      if (kept.size >= limit) kept.clear();
      if (Date.now() - changedMs > tickMs) kept.set(key, { text, made });
      return made;
    },
    at(key, text) {
      const last = kept.get(key);
      return last?.text === text ? last.made : undefined;
    },
  };
}
