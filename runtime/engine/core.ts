/** Puts the parts of an engine together, in one place: an engine that only reads, one for one verb and a daemon differ only in which parts exist. */
import { type CoreOptions, openParts, type Parts } from './composition.ts';
import type { Workers } from './workers.ts';

export interface Core extends Parts {
  /** null: the home has another owner. */
  readonly workers: Workers | null;
}

/** Opens the store and puts the parts together; nothing runs yet. Throws the errors of the store and the configuration. */
export async function createCore(options: CoreOptions): Promise<Core> {
  const { owner, mode } = options;
  let workers: Workers | null = null;
  const parts = await openParts(options, () => workers);
  // Loading the code for effects takes longer than answering a question.
  try {
    if (owner !== undefined) workers = (await import('./workers.ts')).createWorkers(parts, { mode });
    return { ...parts, workers };
  } catch (thrown) {
    parts.close();
    throw thrown;
  }
}
