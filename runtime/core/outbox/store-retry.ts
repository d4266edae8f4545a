/** Writes that are tried again while another program has locked the store, or it is full: a necessary write is tried until it succeeds. */
import type { Log } from '../../base/platform/log.ts';
import { StoreTrouble } from '../store/port.ts';

/** The pause before the next try with a store that is locked or full. */
const storeRetryMs = 250;

export interface StoreRetry {
  /** Reports trouble with the store once, not at every try; any other failure is an error that names the work. */
  note(what: string, thrown: unknown): void;
  /** Resets the state after the store has answered. */
  forget(): void;
  /**
   * A write about an event that has already happened outside: it is repeated while the store does not accept it, until `abort`. Returns its result; null: it
   * was not accepted before `abort`. Throws errors that are no trouble of the store.
   */
  untilTaken<T>(write: () => Promise<T>): Promise<T | null>;
  /** Ends early on `abort`, and when `wake` comes meanwhile. */
  pause(ms: number, wake?: AbortSignal): Promise<void>;
}

export function createStoreRetry({ log, abort }: { log: Log; abort: AbortSignal }): StoreRetry {
  let reported: string | null = null;

  function note(what: string, thrown: unknown): void {
    const trouble = thrown instanceof StoreTrouble ? thrown : null;
    if (trouble === null) log.error(what, thrown);
    else if (trouble.message !== reported) log.warn(`${trouble.message}; ${trouble.hint}`);
    reported = trouble?.message ?? null;
  }

  function pause(ms: number, wake?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timeout);
        abort.removeEventListener('abort', end);
        wake?.removeEventListener('abort', end);
        resolve();
      };
      const timeout = setTimeout(end, ms);
      abort.addEventListener('abort', end, { once: true });
      wake?.addEventListener('abort', end, { once: true });
      if (abort.aborted) end();
    });
  }

  return {
    note,
    forget: () => {
      reported = null;
    },
    async untilTaken(write) {
      do {
        try {
          return await write();
        } catch (thrown) {
          if (!(thrown instanceof StoreTrouble)) throw thrown;
          note('', thrown);
          await pause(storeRetryMs);
        }
      } while (!abort.aborted);
      return null;
    },
    pause,
  };
}
