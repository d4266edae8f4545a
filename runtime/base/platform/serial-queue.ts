/** Work that is done one after the other, in the order in which it was requested. One that fails does not stop the next. */

export type SerialQueue = <T>(work: () => Promise<T>) => Promise<T>;

export function createSerialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => {}); // its own caller gets the error
    return turn;
  };
}
