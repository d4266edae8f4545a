/** All tables over one connection: each table's statements stand in the file that owns it. */
import type { Database } from './db.ts';
import { createEffectTable } from './effects.ts';
import { createHookTable } from './hooks.ts';
import { createIssueTable } from './issues.ts';
import { createJournalTable } from './journal.ts';
import { createLaunchTable } from './launches.ts';
import { createNotificationTable } from './notifications.ts';
import { createPlanTable } from './plans.ts';
import { createQueueTable } from './queue.ts';
import { createRepoTable } from './repos.ts';
import { createRunTable } from './runs.ts';
import { createSignalTable } from './signals.ts';
import { createTimelineTable } from './timeline.ts';
import { createTreeTable } from './trees.ts';

export function createTables(db: Database) {
  return {
    repos: createRepoTable(db),
    trees: createTreeTable(db),
    signals: createSignalTable(db),
    journal: createJournalTable(db),
    effects: createEffectTable(db),
    hooks: createHookTable(db),
    plans: createPlanTable(db),
    launches: createLaunchTable(db),
    timeline: createTimelineTable(db),
    runs: createRunTable(db),
    issues: createIssueTable(db),
    notifications: createNotificationTable(db),
    queue: createQueueTable(db),
  };
}
