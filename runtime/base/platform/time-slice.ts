/**
 * Long work of short system calls, in time slices between which the event loop runs. A call in a thread costs ten times as much as most of these calls; a slow
 * one (a cold disk, a large file that is deleted) ends its slice.
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
