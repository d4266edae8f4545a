/** Waiting for the verdict of a signal. */
import type { Store } from '../store/port.ts';

export interface Verdicts {
  /** Resolves when the signal has its verdict, or is held, or `waitMs` have passed. Throws as the store does. */
  wait(id: number, waitMs: number): Promise<void>;
  /** Reads the awaited signals: another host may have handled it. Never throws. */
  look(): Promise<void>;
  /** Announces that these signals have their verdicts. */
  announce(ids: readonly number[]): void;
}

export function createVerdicts(store: Pick<Store, 'signal'>): Verdicts {
  const waiters = new Map<number, Set<() => void>>();

  function waitFor(id: number, waitMs: number): { told: Promise<void>; leave(): void } {
    const those = waiters.get(id) ?? new Set();
    waiters.set(id, those);
    let leave = () => {};
    const told = new Promise<void>((resolve) => {
      const timer = setTimeout(wake, waitMs);
      function wake(): void {
        clearTimeout(timer);
        those.delete(wake);
        if (those.size === 0 && waiters.get(id) === those) waiters.delete(id);
        resolve();
      }
      those.add(wake);
      leave = wake;
    });
    return { told, leave };
  }

  function announce(ids: readonly number[]): void {
    if (waiters.size === 0) return;
    for (const id of ids) for (const wake of [...(waiters.get(id) ?? [])]) wake();
  }

  return {
    async wait(id, waitMs) {
      if (waitMs <= 0) return;
      // Before the row is read, so that no verdict between the two is missed.
      const { told, leave } = waitFor(id, waitMs);
      try {
        const row = await store.signal(id);
        if (row?.status === 'pending') await told;
      } finally {
        leave();
      }
    },
    async look() {
      for (const id of [...waiters.keys()]) {
        // If the store does not answer, the verdict is reported when it does.
        const row = await store.signal(id).catch(() => null);
        if (row !== null && row.status !== 'pending') announce([id]);
      }
    },
    announce,
  };
}
