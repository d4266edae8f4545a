/** Many small pieces of work with the disk, a few at a time. */

/** Files that one folder has in the hands of the disk at once: more would only fill the queue that all of the process shares. */
const widest = 16;

/** Does all of them, at most 16 at once, in their order. What one throws is thrown when those that run have ended; no further one begins then. */
export async function abreast<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  let next = 0;
  let failure: { thrown: unknown } | null = null;
  const walk = async () => {
    while (next < items.length && failure === null) {
      const item = items[next] as Item; // below the length
      next += 1;
      try {
        await work(item);
      } catch (thrown) {
        failure ??= { thrown };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(widest, items.length) }, walk));
  if (failure !== null) throw (failure as { thrown: unknown }).thrown; // the compiler does not see that `walk` sets it
}
