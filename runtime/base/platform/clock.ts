/** The sources of time. Tests bring their own; machines and actors have none. */
export interface Clock {
  /** The wall clock, which may be set or jump: for people, and for what happens at a time of day. */
  nowMs(): number;
  /**
   * Milliseconds of a clock that neither jumps nor counts sleep, the same in every process until the machine starts again. Default: a wall clock that is
   * assumed never to jump.
   */
  steadyMs?(): number;
  /** The start of the machine from which `steadyMs` counts. Default: this one. */
  boot?(): string;
  /**
   * Calls `act` again and again, about every `everyMs`, while this process may run; the returned function ends it. Default: a stop of this process is not
   * noticed.
   */
  beat?(everyMs: number, act: () => void): () => void;
  /** Calls `act` once when `ms` have passed; the returned function cancels it. Default: a timer of Node. */
  after?(ms: number, act: () => void): () => void;
}

/** CLOCK_MONOTONIC on Linux, mach_absolute_time on macOS. */
export const systemClock = {
  nowMs: () => Date.now(),
  steadyMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  beat(everyMs, act) {
    const timer = setInterval(act, everyMs);
    timer.unref();
    return () => clearInterval(timer);
  },
} satisfies Clock;

/** A timer of that clock; the returned function cancels it. */
export function callAfter(clock: Clock, ms: number, act: () => void): () => void {
  if (clock.after !== undefined) return clock.after(ms, act);
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
}
