/** Ctrl-C while a plan runs: the first time the work is finished, the second time the process leaves at once. */
import { setImmediate as immediate } from 'node:timers/promises';

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Returns the signals to the next listener. */
  release(): void;
}

const words = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Takes the signals over from `main`, which leaves at the first. */
export async function listenForInterrupt(): Promise<Interrupt> {
  // One that came while something ran synchronously (git) is still on its way to the old listener, and would be lost with it. The event
  // loop has looked for signals by the second of these; the first may belong to the round that is under way.
  await immediate();
  await immediate();
  const abort = new AbortController();
  const heard = () => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  };
  for (const word of words) {
    process.removeAllListeners(word);
    process.on(word, heard);
  }
  return {
    signal: abort.signal,
    release() {
      for (const word of words) process.removeListener(word, heard);
    },
  };
}
