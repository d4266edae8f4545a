/**
 * Long work of short system calls, in turns with the rest of the engine. A call in a thread of its own costs ten times what most of them take; the slow
 * ones (a disk that is cold, a large file that goes) end the turn that they are in.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

const turnMs = 2;

export interface Turns {
  /** Whether this turn has lasted for 2 ms. */
  isOver(): boolean;
  /** Lets others go first. */
  next(): Promise<void>;
}

export function createTurns(): Turns {
  let begunMs = performance.now();
  return {
    isOver: () => performance.now() - begunMs >= turnMs,
    async next() {
      await nextTurn();
      begunMs = performance.now();
    },
  };
}
