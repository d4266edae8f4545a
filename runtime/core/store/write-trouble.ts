/** Whether the store takes what is written: what its last writes met, for whoever is asked why nothing goes on. */
import { StoreTrouble } from './port.ts';

/** What is waited for is written again within seconds; what was met longer ago says nothing of now. */
const toldMs = 30_000;

export function createWriteTrouble() {
  let met: { readonly trouble: StoreTrouble; readonly atMs: number } | null = null;
  return {
    /** Answers and throws what the write does. */
    async watched<T>(write: () => Promise<T>): Promise<T> {
      try {
        const answer = await write();
        met = null;
        return answer;
      } catch (thrown) {
        if (thrown instanceof StoreTrouble) met = { trouble: thrown, atMs: performance.now() };
        throw thrown;
      }
    },
    trouble: (): StoreTrouble | null => (met !== null && performance.now() - met.atMs < toldMs ? met.trouble : null),
  };
}
