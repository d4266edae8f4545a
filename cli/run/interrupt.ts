/** Ctrl-C while a plan runs: the first time something is to be finished, the second time we leave at once. */

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the signals back to whoever comes next. */
  release(): void;
}

const words = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function listenForInterrupt(): Interrupt {
  const abort = new AbortController();
  const heard = () => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  };
  for (const word of words) {
    process.removeAllListeners(word); // the one of `main`, which leaves at the first
    process.on(word, heard);
  }
  return {
    signal: abort.signal,
    release() {
      for (const word of words) process.removeListener(word, heard);
    },
  };
}
