/**
 * Long work of short system calls, in time slices between which the event loop goes on. A call in a thread of its own costs ten times what most of them
 * take; the slow ones (a disk that is cold, a large file that goes) end the slice that they are in.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

const sliceMs = 2;

export interface TimeSlice {
  /** Whether it has lasted for 2 ms. */
  isOver(): boolean;
  /** Lets the event loop go on, and begins the next one. */
  yield(): Promise<void>;
}

export function createTimeSlice(): TimeSlice {
  let begunMs = performance.now();
  return {
    isOver: () => performance.now() - begunMs >= sliceMs,
    async yield() {
      await nextTurn();
      begunMs = performance.now();
    },
  };
}
