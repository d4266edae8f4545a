/** Facts whose reader may stop at any time, also while it waits for the next one. */

/**
 * The values of `read`, until it ends, the program leaves the loop or `signal` aborts. An async generator alone would hold `return()` back until its next value
 * has come.
 */
export function leavable<T>(
  signal: AbortSignal | undefined,
  read: (left: AbortSignal) => AsyncGenerator<T, void>,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const abort = new AbortController();
      const values = read(signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]));
      return {
        next: () => values.next(),
        return() {
          abort.abort();
          return values.return();
        },
      };
    },
  };
}
