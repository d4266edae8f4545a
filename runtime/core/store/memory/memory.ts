/** What lies in memory where nothing lies on a disk: the rows of every kind, and who watches them. */
import type { TimelineRow } from '../rows.ts';
import { createAccounts } from './accounts.ts';
import { createEffects } from './effects.ts';
import { createForges } from './forges.ts';
import { createHooks } from './hooks.ts';
import { createIssues } from './issues.ts';
import { createJournal } from './journal.ts';
import { createNotifications } from './notifications.ts';
import { createPlans } from './plans.ts';
import { createQueue } from './queue.ts';
import { createRuns } from './runs.ts';
import { createSignals, type ForeignSignal } from './signals.ts';
import { createTable, type Undo } from './table.ts';
import { createTrees } from './trees.ts';

export type Memory = ReturnType<typeof createMemory>;

/** To be had by several stores at once, each as if it were of a program of its own. */
export function createMemory() {
  const undo: Undo = [];
  const plans = createPlans(undo);
  const trees = createTrees(undo);
  const signals = createSignals(undo, { isThere: plans.isThere, keepsJournal: trees.keepsJournal });
  const queue = createQueue(undo);
  const watchers = createWatchers();
  const effects = createEffects(undo, {
    letsBegin: (agent) => queue.letsBegin(agent) && plans.takesRuns(agent),
    isUnderWay: plans.isUnderWay,
  });
  const runs = createRuns(undo, { deletedAt: plans.deletedAt, createdAt: plans.createdAt, effect: effects.read });
  const journal = createJournal(undo, trees.keepsJournal);
  const issues = createIssues(undo);
  const notifications = createNotifications(undo);

  return {
    undo,
    watchers,
    plans,
    signals,
    queue,
    effects,
    hooks: createHooks(undo),
    accounts: createAccounts(undo),
    forges: createForges(undo),
    trees,
    journal,
    runs,
    issues,
    notifications,
    launches: { name: runs.nameLaunch, note: runs.noteLaunch, remove: runs.removeLaunch },
    repos: { insert: plans.insertRepo, remove: plans.removeRepo },
    timeline: createTimeline(undo),
    expiry: {
      trees: trees.expiry,
      signals: signals.expiry,
      effects: effects.expiry,
      journal: journal.expiry,
      launches: runs.launchExpiry,
      runs: runs.expiry,
      plans: plans.expiry,
      notifications: notifications.expiry,
      messages: issues.expiry,
    },
    /** A row of another program, which no commit of ours wrote; its id. */
    insertForeign(signal: ForeignSignal): number {
      const id = signals.insertForeign(signal);
      undo.length = 0;
      watchers.tellOthers(null);
      return id;
    },
  };
}

function createTimeline(undo: Undo) {
  const rows = createTable<1, TimelineRow>(undo);
  return {
    read: (): TimelineRow | null => rows.get(1) ?? null,
    write: ({ boot, steady_ms, wall_ms, at_ms }: TimelineRow): void => rows.set(1, { boot, steady_ms, wall_ms, at_ms }),
  };
}

/** A store is told of what others have changed, as soon as who changed it has gone on. */
function createWatchers() {
  const calls = new Set<{ readonly owner: object; readonly onChange: () => void }>();
  return {
    watch(owner: object, onChange: () => void): () => void {
      const call = { owner, onChange };
      calls.add(call);
      return () => void calls.delete(call);
    },
    leave(owner: object): void {
      for (const call of calls) if (call.owner === owner) calls.delete(call);
    },
    tellOthers(writer: object | null): void {
      for (const call of calls)
        if (call.owner !== writer)
          queueMicrotask(() => {
            if (calls.has(call)) call.onChange();
          });
    },
  };
}
