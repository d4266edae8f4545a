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
  const repos = createRepoTable(db);
  const trees = createTreeTable(db);
  const signals = createSignalTable(db);
  const journal = createJournalTable(db);
  const effects = createEffectTable(db);
  const hooks = createHookTable(db);
  const accounts = createAccountTable(db);
  const forges = createForgeTable(db);
  const plans = createPlanTable(db);
  const launches = createLaunchTable(db);
  const timeline = createTimelineTable(db);
  const runs = createRunTable(db);
  const issues = createIssueTable(db);
  const notifications = createNotificationTable(db);
  const queue = createQueueTable(db);
  const requests = createRequestTable(db);
  const charts = createChartTable(db);
  const machinePauses = createMachinePauseTable(db);
  const intake = createIntakeTable(db);
  const notes = createNoteTable(db);
  const chats = createChatTable(db);
  return {
    ...{
      repos,
      trees,
      signals,
      journal,
      effects,
      hooks,
      accounts,
      forges,
      plans,
      launches,
      timeline,
      runs,
      issues,
      notifications,
      queue,
      requests,
      charts,
      machinePauses,
      intake,
      notes,
      chats,
    },
    expiry: {
      trees: trees.expiry,
      signals: signals.expiry,
      effects: effects.expiry,
      journal: journal.expiry,
      launches: launches.expiry,
      runs: runs.expiry,
      plans: plans.expiry,
      notifications: notifications.expiry,
      messages: issues.expiry,
    },
  };
}
