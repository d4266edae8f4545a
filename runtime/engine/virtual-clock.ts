/** A clock that advances only on request, with timers of its own: hours pass at once, and each time in the same way. */
import type { Clock } from '../base/platform/clock.ts';

export interface VirtualClock extends Required<Omit<Clock, 'beat'>> {
  /** When its next timer is due; null: none is set. */
  nextAt(): number | null;
  /** Advances to that time, and then calls the due timers, in the order of their times. A timer that is set meanwhile waits for the next call. */
  advanceTo(ms: number): void;
  /** Resolves when that much time has passed, or as soon as `wake` comes: then `false`. */
  pause(ms: number, wake: AbortSignal): Promise<boolean>;
}

interface Timer {
  readonly atMs: number;
  readonly act: () => void;
  isCancelled: boolean;
}

export function createVirtualClock(beginMs: number): VirtualClock {
  let nowMs = beginMs;
  /** In the order of their times; timers of one time in the order in which they were set. */
  const timers: Timer[] = [];

  function after(ms: number, act: () => void): () => void {
    const timer: Timer = { atMs: nowMs + Math.max(0, ms), act, isCancelled: false };
    timers.splice(placeFor(timer.atMs), 0, timer);
    return () => {
      timer.isCancelled = true;
    };
  }

  function placeFor(atMs: number): number {
    let low = 0;
    let high = timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((timers[middle]?.atMs ?? 0) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    nowMs: () => nowMs,
    steadyMs: () => nowMs,
    boot: () => 'virtual',
    after,
    nextAt() {
      while (timers[0]?.isCancelled === true) timers.shift();
      return timers[0]?.atMs ?? null;
    },
    advanceTo(ms) {
      nowMs = Math.max(nowMs, ms);
      const later = timers.findIndex(({ atMs }) => atMs > nowMs);
      const due = timers.splice(0, later < 0 ? timers.length : later);
      for (const { act, isCancelled } of due) if (!isCancelled) act();
    },
    pause(ms, wake) {
      return new Promise((resolve) => {
        const woken = () => {
          cancel();
          resolve(false);
        };
        const cancel = after(ms, () => {
          wake.removeEventListener('abort', woken);
          resolve(true);
        });
        wake.addEventListener('abort', woken, { once: true });
        if (wake.aborted) woken();
      });
    },
  };
}
