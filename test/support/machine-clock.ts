/** Time as a test wants it to pass: what takes its time on a busy machine runs into no limit before that. */
import { systemClock } from '../../runtime/base/platform/clock.ts';

/** The clocks of a machine that may be set, sleep, and start anew. */
export function machineClock() {
  let wallMs = 0;
  let steadyMs = 0;
  let boots = 1;
  let beat: (() => void) | null = null;
  return {
    clock: {
      nowMs: () => systemClock.nowMs() + wallMs,
      steadyMs: () => systemClock.steadyMs() + steadyMs,
      boot: () => `boot ${boots}`,
    },
    /** The same clock, of a process whose stops are looked for: it beats only when `runs` is called. */
    get beating() {
      return {
        ...this.clock,
        beat(_everyMs: number, act: () => void) {
          beat = act;
          return () => {
            beat = null;
          };
        },
      };
    },
    /** So much time passes, with a beat for each second. */
    runs(ms: number): void {
      for (let left = ms; left > 0; left -= 1_000) {
        this.pass(Math.min(left, 1_000));
        beat?.();
      }
    },
    /** Somebody sets the clock, or the lid was closed for so long. */
    setWall(ms: number): void {
      wallMs += ms;
    },
    /** So much time passes. */
    pass(ms: number): void {
      wallMs += ms;
      steadyMs += ms;
    },
    /** The steady clock begins again. */
    reboot(): void {
      boots += 1;
      steadyMs = -systemClock.steadyMs();
    },
  };
}
