/**
 * A store in memory: for the simulation, and for tests that are about something else. It keeps every promise of the port but one: it is gone with its
 * process. All of it is read row by row, so it is slow where there is much of it.
 */

import { applyChange, type Numbers } from '../changes.ts';
import type { Change, Commit, Store } from '../port.ts';
import { createMemory, type Memory } from './memory.ts';

/** One store on a memory; on one of its own where none is given. */
export function createMemoryStore(memory: Memory = createMemory()): Store {
  const {
    undo,
    watchers,
    plans,
    signals,
    trees,
    journal,
    effects,
    hooks,
    accounts,
    forges,
    runs,
    issues,
    notifications,
    queue,
    timeline,
  } = memory;
  const own = {};
  let isOpen = true;

  function takeBack(): void {
    for (const step of undo.splice(0).reverse()) step();
  }

  function carryOut(changes: readonly Change[]): Commit {
    undo.length = 0;
    const numbers: Numbers = { signals: [], lines: [] };
    try {
      const failed = changes.find((change) => !applyChange(memory, change, numbers));
      if (failed !== undefined) {
        takeBack();
        return { status: 'lost', change: failed };
      }
    } catch (thrown) {
      takeBack();
      throw thrown;
    }
    undo.length = 0;
    watchers.tellOthers(own);
    return { status: 'committed', ...numbers };
  }

  function mustBeOpen(): void {
    if (!isOpen) throw new Error('the store is closed');
  }

  /** Handed out as a copy: nobody changes a row by what was read of it. */
  async function answer<T>(read: () => T): Promise<T> {
    mustBeOpen();
    return structuredClone(read());
  }

  return {
    file: ':memory:',
    async commit(changes) {
      mustBeOpen();
      return carryOut(changes);
    },
    claim: (now, { limit, project }) =>
      answer(() => (project === undefined ? signals.claim(now, limit) : signals.claimOf(project, now, limit))),
    signal: (id) => answer(() => signals.read(id)),
    signals: (filter) => answer(() => signals.list(filter)),
    nextSignalIn: (now) => answer(() => signals.nextDueIn(now)),
    setAside: (tree, from) => answer(() => signals.allSetAside(tree, from)),
    births: (project) => answer(() => signals.births(project)),
    tree: (address) => answer(() => trees.read(address)),
    treesOf: (machine, page) => answer(() => trees.ofMachine(machine, page)),
    treeStates: (machine) => answer(() => trees.states(machine)),
    treeStanding: (address) => answer(() => trees.standing(address)),
    effect: (key) => answer(() => effects.read(key)),
    effects: (query) => answer(() => effects.by(query)),
    startable: (query) => answer(() => effects.startable(query)),
    effectCounts: (lane, status) => answer(() => effects.counts(lane, status)),
    nextEffectAt: (afterMs) => answer(() => effects.nextAt(afterMs)),
    hooks: (project) => answer(() => hooks.list(project)),
    hookCounts: (project) => answer(() => effects.hookCounts(project)),
    forges: () => answer(() => forges.list()),
    accountLimits: () => answer(() => accounts.list()),
    plan: (project, plan) => answer(() => plans.read(project, plan)),
    plans: (project) => answer(() => plans.list(project)),
    planText: (project, plan) => answer(() => plans.text(project, plan)),
    nextGeneration: (project, plan) => answer(() => plans.nextGeneration(project, plan)),
    planTraces: ({ after, limit }) => answer(() => plans.traces(after, limit)),
    planCounts: () => answer(() => plans.counts()),
    run: (key) => answer(() => runs.read(key)),
    runs: (query) => answer(() => runs.by(query)),
    countRuns: (of, before) => answer(() => runs.count(of, before)),
    usage: (of, sinceMs) => answer(() => runs.usage(of, sinceMs)),
    usageOfPlans: (project) => answer(() => runs.usageOfPlans(plans.registered(project))),
    spent: (of, sinceMs) => answer(() => runs.spent(of, sinceMs)),
    conversationTokens: (of) => answer(() => runs.conversationTokens(of)),
    launch: (key) => answer(() => runs.launch(key)),
    checksOf: (run) => answer(() => runs.checksOf(run)),
    launchesOf: (folders) => answer(() => runs.launchesOf(folders)),
    journal: ({ after, ...which }) => answer(() => journal.since(after, which)),
    lastLine: () => answer(() => journal.lastLine()),
    firstLine: (tree) => answer(() => journal.firstLine(tree)),
    lastRefused: (tree) => answer(() => journal.lastRefused(tree)),
    inputs: (tree) => answer(() => journal.inputs(tree)),
    expiring: ({ kind, ...query }) => answer(() => memory.expiry[kind].find(query)),
    size: () => answer(() => ({ bytes: 0, freeBytes: 0, givesBack: true })),
    giveBack: () => answer(() => 0),
    rebuild: () => answer(() => undefined),
    queue: () => answer(() => queue.read()),
    queueItems: ({ ended }) => answer(() => queue.items({ runs, effects }, ended)),
    issues: () => answer(() => issues.list()),
    issueMessages: (of) => answer(() => issues.messages(of)),
    notifications: (query) => answer(() => notifications.list(query)),
    repos: () => answer(() => plans.repos()),
    removedRepos: () => answer(() => plans.removedRepos()),
    timeline: () => answer(() => timeline.read()),
    watch: (onChange) => watchers.watch(own, onChange),
    loss: () => null,
    close() {
      isOpen = false;
      watchers.leave(own);
    },
  };
}
