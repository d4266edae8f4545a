/** The delay of this process's event loop, measured only while it is requested. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** A pause of a tenth of a second is seen, and 50 wake-ups a second are no load. */
const resolutionMs = 20;
/** Longer than the usual intervals of requests, 15 s to 1 min. */
const idleMs = 5 * 60_000;

/** In milliseconds, without the timer's own interval. */
export interface LoopDelay {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** Answers the delays since the last call; null: nothing was measured since then. Measuring begins with a call, and ends after five minutes without one. */
export function createLoopDelay(): () => LoopDelay | null {
  let histogram: IntervalHistogram | null = null;
  let idle: NodeJS.Timeout | undefined;
  const end = () => {
    histogram?.disable();
    histogram = null;
  };
  return () => {
    clearTimeout(idle);
    idle = setTimeout(end, idleMs).unref();
    if (histogram === null) {
      histogram = monitorEventLoopDelay({ resolution: resolutionMs });
      histogram.enable();
      return null;
    }
    if (histogram.count === 0) return null;
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs);
    const delay = {
      median: late(histogram.percentile(50)),
      p99: late(histogram.percentile(99)),
      max: late(histogram.max),
    };
    histogram.reset();
    return delay;
  };
}
