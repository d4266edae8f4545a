/** Runs many small disk operations, a few at a time. */
import pMap from 'p-map';

/** The most files of one folder at the same time: more would only fill the process's shared queue. */
const concurrency = 16;

/** Works on all files in order. An error is thrown when the running operations have ended, and no further one begins. */
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
  // p-map itself would not wait for the running ones.
  await pMap(items, workUnlessFailed, { concurrency });
  if (failures.length > 0) throw failures[0];
}
