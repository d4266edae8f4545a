/** Writes that are tried again while another program has locked the store, or it is full: what must be written is tried until it is taken. */
import type { Log } from '../../base/platform/log.ts';
import { StoreTrouble } from '../store/port.ts';

/** A store that is locked or full is asked again after this. */
const storeRetryMs = 250;

export interface StoreRetry {
  /** Tells of trouble with the store once, not at every try; anything else is an error with what was being done. */
  note(what: string, thrown: unknown): void;
  /** Resets the state after the store has answered. */
  forget(): void;
  /**
   * A write that what has happened in the world depends on: tried again while the store does not take it, until `abort`. Answers what it answered; null:
   * it was not taken before `abort`. Throws what is no trouble of the store.
   */
  untilTaken<T>(write: () => Promise<T>): Promise<T | null>;
  /** Ends early on `abort`, and when `wake` comes meanwhile. */
  pause(ms: number, wake?: AbortSignal): Promise<void>;
}

export function createStoreRetry({ log, abort }: { log: Log; abort: AbortSignal }): StoreRetry {
  let told: string | null = null;

  function note(what: string, thrown: unknown): void {
    const trouble = thrown instanceof StoreTrouble ? thrown : null;
    if (trouble === null) log.error(what, thrown);
    else if (trouble.message !== told) log.warn(`${trouble.message}; ${trouble.hint}`);
    told = trouble?.message ?? null;
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
      told = null;
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
