/**
 * Reads data again when it may have changed: never twice at once, and the longer a reading takes, the rarer it becomes, so that a thousand plans cost
 * no more than ten.
 */

export interface Refresher {
  /** Something may have changed: reads again soon. */
  poke(): void;
  /** Something has changed, and a person waits to see it: reads at once. */
  hurry(): void;
  stop(): void;
}

interface RefreshOptions {
  /** May return for how many milliseconds another reading would bring nothing new. */
  readonly work: () => Promise<number> | Promise<void>;
  /** The shortest time between two reads. */
  readonly leastMs: number;
  /** The longest time between two reads. */
  readonly mostMs: number;
}

/** Reading takes at most this part of the time. */
const share = 10;

export function createRefresher({ work, leastMs, mostMs }: RefreshOptions): Refresher {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isWorking = false;
  let isPoked = false;
  let isHurried = false;
  let isStopped = false;
  let readyAtMs = 0;

  function plan(atMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void go(), Math.max(0, atMs - performance.now()));
  }

  async function go(): Promise<void> {
    if (isStopped || isWorking) return;
    isWorking = true;
    isPoked = false;
    const begun = performance.now();
    let freshInMs = 0;
    try {
      const result = await work();
      freshInMs = typeof result === 'number' ? result : 0;
    } catch {
      // The reader has reported the error; the next reading is the next try.
    }
    isWorking = false;
    if (isStopped) return;
    const now = performance.now();
    readyAtMs = isHurried ? now : now + Math.max(leastMs, (now - begun) * share, Math.min(freshInMs, mostMs));
    isHurried = false;
    plan(isPoked ? readyAtMs : Math.max(readyAtMs, now + mostMs));
  }

  return {
    poke() {
      if (isPoked || isStopped) return;
      isPoked = true;
      if (!isWorking) plan(readyAtMs);
    },
    hurry() {
      if (isStopped) return;
      isPoked = true;
      if (isWorking) isHurried = true;
      else plan(0);
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
