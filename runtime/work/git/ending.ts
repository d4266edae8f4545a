/** Ends the git processes of an effect when the effect ends, however deep in its calls they were started: their answers are not needed any more. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';

const endings = new AsyncLocalStorage<AbortSignal>();

/** Runs `work`. Soon after `ending` aborts, every git that it has started, or starts later, is ended. */
export function withEnding<T>(ending: AbortSignal, work: () => T): T {
  // Each git adds a listener, and Node would print a warning above ten listeners.
  setMaxListeners(0, ending);
  return endings.run(ending, work);
}

/** The signal that ends a git that is started here; null: only its own time limit does. */
export function endingHere(): AbortSignal | null {
  return endings.getStore() ?? null;
}
