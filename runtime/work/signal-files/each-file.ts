/** Many small pieces of work with the disk, a few at a time. */
import pMap from 'p-map';

/** Files of one folder that are worked on at once: more would only fill the queue that all of the process shares. */
const concurrency = 16;

/** Works on all of them, in their order. What one throws is thrown when those that run have ended; no further one begins then. */
export async function forEachFile<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  const workUnlessFailed = async (item: Item) => {
    if (failures.length > 0) return;
    try {
      await work(item);
    } catch (thrown) {
      failures.push(thrown);
    }
  };
  // p-map itself would not wait for those that run.
  await pMap(items, workUnlessFailed, { concurrency });
  if (failures.length > 0) throw failures[0];
}
