/** Prints each warning of the engine once while a run watches. */
import type { Client } from '../../runtime/api/client/client.ts';
import { plain } from '../text.ts';

export interface Warnings {
  /** Prints new warnings. `isLast`: at once, because no other look follows. */
  look(isLast?: boolean): Promise<void>;
}

/** A failure that is retried counts as a warning only after some tries. */
const everyMs = 5_000;

export function createWarnings(client: Client, say: (text: string) => void): Warnings {
  let printed: readonly string[] = [];
  let dueMs = 0;
  return {
    async look(isLast = false) {
      if (!isLast && performance.now() < dueMs) return;
      dueMs = performance.now() + everyMs;
      const now = await client.warnings();
      for (const warning of now) if (!printed.includes(warning)) say(`warning: ${plain(warning)}`);
      printed = now;
    },
  };
}
