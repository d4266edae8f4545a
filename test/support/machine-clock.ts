/** Time that passes as a test wants, so that slow work on a busy machine runs into no time limit. */
import { systemClock } from '../../runtime/base/platform/clock.ts';

/** The clocks of a machine that may be set, suspended and restarted. */
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
    /** The same clock for a process that detects its own stops: it beats only when `runs` is called. */
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
    /** That time passes, with a beat for each second. */
    runs(ms: number): void {
      for (let left = ms; left > 0; left -= 1_000) {
        this.pass(Math.min(left, 1_000));
        beat?.();
      }
    },
    /** A person sets the clock, or the machine was suspended for that long. */
    setWall(ms: number): void {
      wallMs += ms;
    },
    /** That time passes. */
    pass(ms: number): void {
      wallMs += ms;
      steadyMs += ms;
    },
    /** The steady clock restarts at 0. */
    reboot(): void {
      boots += 1;
      steadyMs = -systemClock.steadyMs();
    },
  };
}
