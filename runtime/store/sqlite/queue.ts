/** How the queue for slots stands as a whole: one row, so that a pause outlives the engine that was told of it. */
import type { QueueRow } from '../rows.ts';
import type { Database } from './db.ts';

export function createQueueStore(db: Database) {
  const read = db.prepare<[], QueueRow>('SELECT paused_at AS pausedAt, cleared_at AS clearedAt FROM queue');
  const pause = db.prepare('UPDATE queue SET paused_at = ? WHERE paused_at IS NULL');
  const resume = db.prepare('UPDATE queue SET paused_at = NULL WHERE paused_at IS NOT NULL');
  const clear = db.prepare('UPDATE queue SET cleared_at = max(cleared_at, ?)');

  function row(): QueueRow {
    const found = read.get();
    if (found === undefined) throw new Error('the queue has no row');
    return found;
  }

  return {
    read: row,
    /** Whether no agent is to be started. */
    isPaused: (): boolean => row().pausedAt !== null,
    /** false: it was so already. */
    pause: (at: number): boolean => pause.run(at).changes === 1,
    resume: (): boolean => resume.run().changes === 1,
    clear: (at: number): void => void clear.run(at),
  };
}
