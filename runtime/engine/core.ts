/**
 * An engine's parts, put together in one place: what only reads, what owns a home for one verb and what stays differ in which of them there are, and in
 * nothing else.
 */
import { type CoreOptions, openParts, type Parts } from './composition.ts';
import type { Workers } from './workers.ts';

export interface Core extends Parts {
  /** null: the home is somebody else's. */
  readonly workers: Workers | null;
}

/** Opens the store and puts the parts together; nothing runs yet. Throws what the store and the configuration throw. */
export async function createCore(options: CoreOptions): Promise<Core> {
  const { owner, mode } = options;
  let workers: Workers | null = null;
  const parts = await openParts(options, () => workers);
  // What carries out effects takes longer to load than a question to answer.
  try {
    if (owner !== undefined) workers = (await import('./workers.ts')).createWorkers(parts, { mode });
    return { ...parts, workers };
  } catch (thrown) {
    parts.close();
    throw thrown;
  }
}
