/** All tables over one connection: each table's statements are in the file that owns it. */

import { createTimelineTable } from '../timeline.ts';
import { createAccountTable } from './accounts.ts';
import { createChartTable } from './charts.ts';
import { createChatTable } from './chats.ts';
import type { Connection } from './connection.ts';
import { createEffectTable } from './effects.ts';
import { createForgeTable } from './forges.ts';
import { createHookTable } from './hooks.ts';
import { createIntakeTable } from './intake.ts';
import { createIssueTable } from './issues.ts';
import { createJournalTable } from './journal.ts';
import { createLaunchTable } from './launches.ts';
import { createMachinePauseTable } from './machine-pauses.ts';
import { createNoteTable } from './notes.ts';
import { createNotificationTable } from './notifications.ts';
import { createPlanTable } from './plans.ts';
import { createQueueTable } from './queue.ts';
import { createRepoTable } from './repos.ts';
import { createRequestTable } from './requests.ts';
import { createRunTable } from './runs.ts';
import { createSignalTable } from './signals.ts';
import { createTreeTable } from './trees.ts';

export type StoreTables = ReturnType<typeof createTables>;

export function createTables(db: Connection) {
  const tables = {
    repos: createRepoTable(db),
    trees: createTreeTable(db),
    signals: createSignalTable(db),
    journal: createJournalTable(db),
    effects: createEffectTable(db),
    hooks: createHookTable(db),
    accounts: createAccountTable(db),
    forges: createForgeTable(db),
    plans: createPlanTable(db),
    launches: createLaunchTable(db),
    timeline: createTimelineTable(db),
    runs: createRunTable(db),
    issues: createIssueTable(db),
    notifications: createNotificationTable(db),
    queue: createQueueTable(db),
    requests: createRequestTable(db),
    charts: createChartTable(db),
    machinePauses: createMachinePauseTable(db),
    intake: createIntakeTable(db),
    notes: createNoteTable(db),
    chats: createChatTable(db),
  };
  return {
    ...tables,
    expiry: {
      trees: tables.trees.expiry,
      signals: tables.signals.expiry,
      effects: tables.effects.expiry,
      journal: tables.journal.expiry,
      launches: tables.launches.expiry,
      runs: tables.runs.expiry,
      plans: tables.plans.expiry,
      notifications: tables.notifications.expiry,
      messages: tables.issues.expiry,
    },
  };
}
