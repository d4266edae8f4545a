/** Shared by tests of gc: time that passes, and the number of deleted rows. */
import type { CleaningItem } from '../../runtime/api/client/client.ts';

export const days = 86_400_000;

/** A clock that can be set forward. */
export function laterClock() {
  let moreMs = 0;
  return {
    nowMs: () => Date.now() + moreMs,
    pass: (ms: number) => {
      moreMs += ms;
    },
  };
}

/** The number of rows by kind. */
export function rowsOf(items: readonly CleaningItem[]): Record<string, number> {
  return Object.fromEntries(items.flatMap(({ kind, name, count }) => (kind === 'rows' ? [[name, count]] : [])));
}
