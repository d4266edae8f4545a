/** Caches values that were computed from files, as long as the files have not changed. */

/** Twice the coarsest resolution of file times in a kernel: a write within this time may leave the times unchanged. */
const tickMs = 20;

/** The state of one or more files: any text that changes with them, and when the last of them was changed (ms since 1970). */
export interface FileState {
  readonly text: string;
  readonly changedMs: number;
}

export interface FileMemory<T> {
  /** The value for the files in that state, otherwise the result of `make`. */
  of(key: string, state: FileState, make: () => T): T;
  /** The value for that state; undefined: it is not known. */
  at(key: string, text: string): T | undefined;
}

/** Stores up to `limit` values, but none for a file that was changed just before it was read. */
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
