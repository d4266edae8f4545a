/** The readings of a store over its tables: the same for every database. */
import type { Store } from '../port.ts';
import type { Answer } from './connection.ts';
import type { StoreTables } from './tables.ts';

type Readings = Omit<
  Store,
  'hosts' | 'file' | 'commit' | 'size' | 'giveBack' | 'rebuild' | 'watch' | 'loss' | 'trouble' | 'close'
>;

/** `ask` carries out one reading, and waits where the database does not answer now. `elsewhere`: the projects of other hosts. */
export function createReadings(
  tables: StoreTables,
  ask: <T>(read: () => Answer<T>) => Promise<T>,
  elsewhere: () => Answer<readonly string[]> = () => [],
): Readings {
  const {
    signals,
    trees,
    journal,
    effects,
    hooks,
    accounts,
    forges,
    plans,
    runs,
    launches,
    timeline,
    issues,
    notifications,
    queue,
    repos,
    requests,
  } = tables;
  return {
    claim: (now, { limit, project }) =>
      ask(() => (project === undefined ? signals.claim(now, limit, elsewhere) : signals.claimOf(project, now, limit))),
    signal: (id) => ask(() => signals.read(id)),
    request: (key) => ask(() => requests.read(key)),
    lastSignal: () => ask(() => signals.last()),
    unreadableSignals: () => ask(() => signals.unreadable()),
    signals: (filter) => ask(() => signals.list(filter)),
    nextSignalIn: (now) => ask(() => signals.nextDueIn(now)),
    setAside: (tree, from) => ask(() => signals.allSetAside(tree, from)),
    births: (project) => ask(() => signals.births(project)),
    tree: (address) => ask(() => trees.read(address)),
    treesOf: (machine, page) => ask(() => trees.ofMachine(machine, page)),
    treeStates: (machine) => ask(() => trees.states(machine)),
    treeStanding: (address) => ask(() => trees.standing(address)),
    effect: (key) => ask(() => effects.read(key)),
    effects: (query) => ask(() => effects.by(query)),
    startable: (query) => ask(() => effects.startable(query, elsewhere)),
    effectCounts: (lane, status, host) => ask(() => effects.counts(lane, status, host)),
    slotWaiters: ({ isNamed }) => ask(() => effects.slotWaiters(isNamed)),
    queuedLanes: () => ask(() => effects.queuedLanes()),
    nextEffectAt: (afterMs) => ask(() => effects.nextAt(afterMs)),
    hooks: (project) => ask(() => hooks.list(project)),
    hookCounts: (project) => ask(() => hooks.counts(project)),
    forges: () => ask(() => forges.list()),
    accountLimits: () => ask(() => accounts.list()),
    plan: (project, plan) => ask(() => plans.read(project, plan)),
    plans: (project) => ask(() => plans.list(project)),
    planText: (project, plan) => ask(() => plans.text(project, plan)),
    nextGeneration: (project, plan) => ask(() => plans.nextGeneration(project, plan)),
    planTraces: ({ after, limit }) => ask(() => plans.traces(after, limit)),
    planCounts: () => ask(() => plans.counts()),
    run: (key) => ask(() => runs.read(key)),
    runs: (query) => ask(() => runs.by(query)),
    countRuns: (of, before) => ask(() => runs.count(of, before)),
    usage: (of, sinceMs) => ask(() => runs.usage(of, sinceMs)),
    usageOfPlans: (project) => ask(() => runs.usageOfPlans(project)),
    spent: (of, sinceMs) => ask(() => runs.spent(of, sinceMs)),
    conversationTokens: (of) => ask(() => runs.conversationTokens(of)),
    launch: (key) => ask(() => launches.read(key)),
    checksOf: (run) => ask(() => launches.checksOf(run)),
    launchesOf: (folders) => ask(() => launches.ofFolders(folders)),
    journal: ({ after, ...which }) => ask(() => journal.since(after, which)),
    lastLine: () => ask(() => journal.lastLine()),
    firstLine: (tree) => ask(() => journal.firstLine(tree)),
    lastRefused: (tree) => ask(() => journal.lastRefused(tree)),
    fed: (tree) => ask(() => journal.fed(tree)),
    unexplained: () => ask(() => journal.unexplained()),
    treesExpiring: (beforeMs) => ask(() => journal.losing(beforeMs)),
    expiring: ({ kind, ...query }) => ask(() => tables.expiry[kind].find(query)),
    queue: () => ask(() => queue.read()),
    queueItems: ({ ended }) => ask(() => queue.items(ended)),
    issues: () => ask(() => issues.list()),
    issueMessages: (of) => ask(() => issues.messages(of)),
    notifications: (query) => ask(() => notifications.list(query)),
    repos: () => ask(() => repos.list()),
    removedRepos: () => ask(() => repos.removed()),
    timeline: () => ask(() => timeline.read()),
  };
}
