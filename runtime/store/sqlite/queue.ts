/** How the queue for slots stands as a whole: one row, so that a pause outlives the engine that was told of it. */
import type { QueueRow } from '../rows.ts';
import type { Database } from './db.ts';

export function createQueueTable(db: Database) {
  const read = db.prepare<[], QueueRow>('SELECT paused_at AS pausedAt, cleared_at AS clearedAt FROM queue');
  const pause = db.prepare('UPDATE queue SET paused_at = ? WHERE paused_at IS NULL');
  const resume = db.prepare('UPDATE queue SET paused_at = NULL');
  const clear = db.prepare('UPDATE queue SET cleared_at = max(cleared_at, ?)');

  return {
    read(): QueueRow {
      const row = read.get();
      if (row === undefined) throw new Error('the queue has no row');
      return row;
    },
    /** One that is paused stays so since it was. */
    pause: (at: number): void => void pause.run(at),
    resume: (): void => void resume.run(),
    clear: (at: number): void => void clear.run(at),
  };
}
