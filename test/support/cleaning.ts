/** What tests of clearing away share: time that passes, and how many rows went. */
import type { CleaningItem } from '../../runtime/api/client/client.ts';

export const days = 86_400_000;

/** A clock that is set forward. */
export function laterClock() {
  let moreMs = 0;
  return {
    nowMs: () => Date.now() + moreMs,
    pass: (ms: number) => {
      moreMs += ms;
    },
  };
}

/** By their kinds. */
export function rowsOf(items: readonly CleaningItem[]): Record<string, number> {
  return Object.fromEntries(items.flatMap(({ kind, name, count }) => (kind === 'rows' ? [[name, count]] : [])));
}
