/** A git that is at work for an effect ends with it, however deep below it stands: nobody is left who would wait for its answer. */
import { AsyncLocalStorage } from 'node:async_hooks';

const endings = new AsyncLocalStorage<AbortSignal>();

/** Runs `work`; each git that it has started by then, and each that it starts afterwards, is ended soon after `ending` has come. */
export function withEnding<T>(ending: AbortSignal, work: () => T): T {
  return endings.run(ending, work);
}

/** What ends the git that is started here; null: only its own time limit. */
export function endingHere(): AbortSignal | null {
  return endings.getStore() ?? null;
}
