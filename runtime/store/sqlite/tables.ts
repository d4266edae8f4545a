/** All tables over one connection: each table's statements stand in the file that owns it. */
import type { Database } from './db.ts';
import { createEffectStore } from './effects.ts';
import { createJournalStore } from './journal.ts';
import { createLaunchStore } from './launches.ts';
import { createPlanStore } from './plans.ts';
import { createQueueStore } from './queue.ts';
import { createRepoStore } from './repos.ts';
import { createRunStore } from './runs.ts';
import { createSignalStore } from './signals.ts';
import { createTimelineStore } from './timeline.ts';
import { createTreeStore } from './trees.ts';

export type Tables = ReturnType<typeof createTables>;

export function createTables(db: Database) {
  return {
    repos: createRepoStore(db),
    trees: createTreeStore(db),
    signals: createSignalStore(db),
    journal: createJournalStore(db),
    effects: createEffectStore(db),
    plans: createPlanStore(db),
    launches: createLaunchStore(db),
    timeline: createTimelineStore(db),
    runs: createRunStore(db),
    queue: createQueueStore(db),
  };
}
