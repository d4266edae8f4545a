/** The store of a home, in one file of SQLite: each reading one call, each commit one transaction. */
import { storeFile } from '../../../base/config/home.ts';
import { type Faults, noFaults } from '../../../base/platform/faults.ts';
import { untilBeat } from '../../../base/platform/poll-loop.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import { applyChange, type Numbers } from '../changes.ts';
import type { Change, Commit, Store } from '../port.ts';
import { type Database, openDatabase, type StoreOptions, storeError } from './db.ts';
import { migrations } from './schema.ts';
import { createSpace } from './space.ts';
import { createTables } from './tables.ts';
import { createTransactions } from './transactions.ts';

interface OpenOptions extends Omit<StoreOptions, 'migrations'> {
  /** Called on every commit; for tests. */
  readonly faults?: Faults;
}

/** Other programs' changes are looked for this often. */
const watchMs = 1_000;

/**
 * What is only known of processes, and who has taken what. No process survives a power failure, and what was taken is then taken anew: a commit of these
 * alone is not waited for, and reaches the disk with the next one.
 */
const ofProcesses: ReadonlySet<Change['do']> = new Set([
  'effect.take',
  'slots.require',
  'launch.name',
  'launch.note',
  'run.add-token',
  'run.note',
]);

/** Rolls a transaction back that has met a condition which does not hold. */
class Lost extends Error {
  readonly change: Change;

  constructor(change: Change) {
    super(change.do);
    this.change = change;
  }
}

/** Opens the store of a home. Throws the codes of `openDatabase`. */
export function openStore(home: string, { faults = noFaults, ...options }: OpenOptions = {}): Store {
  const file = storeFile(home);
  const db = openDatabase(file, { migrations, ...options });
  if (options.readonly !== true && options.isShared !== true) noteWriter(db, file);
  const space = createSpace(db);
  const { transaction, whenFree, inOrder, loss } = createTransactions({ db, file });
  const tables = createTables(db);
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
  } = tables;

  function carryOut(changes: readonly Change[]): Commit {
    const numbers: Numbers = { signals: [], lines: [] };
    try {
      transaction(
        () => {
          faults('store.after-begin');
          for (const [index, change] of changes.entries()) {
            if (index === 1) faults('store.between');
            if (!applyChange(tables, change, numbers)) throw new Lost(change);
          }
          faults('store.before-commit');
        },
        { isSynced: changes.some((change) => !ofProcesses.has(change.do)) },
      );
      faults('store.after-commit');
      return { status: 'committed', ...numbers };
    } catch (thrown) {
      if (thrown instanceof Lost) return { status: 'lost', change: thrown.change };
      throw thrown;
    }
  }

  return {
    file,
    commit: (changes) => inOrder(() => carryOut(changes)),
    claim: (now, { limit, project }) =>
      whenFree(() => (project === undefined ? signals.claim(now, limit) : signals.claimOf(project, now, limit))),
    signal: (id) => whenFree(() => signals.read(id)),
    lastSignal: () => whenFree(() => signals.last()),
    signals: (filter) => whenFree(() => signals.list(filter)),
    nextSignalIn: (now) => whenFree(() => signals.nextDueIn(now)),
    setAside: (tree, from) => whenFree(() => signals.allSetAside(tree, from)),
    births: (project) => whenFree(() => signals.births(project)),
    tree: (address) => whenFree(() => trees.read(address)),
    treesOf: (machine, page) => whenFree(() => trees.ofMachine(machine, page)),
    treeStates: (machine) => whenFree(() => trees.states(machine)),
    treeStanding: (address) => whenFree(() => trees.standing(address)),
    effect: (key) => whenFree(() => effects.read(key)),
    effects: (query) => whenFree(() => effects.by(query)),
    startable: (query) => whenFree(() => effects.startable(query)),
    effectCounts: (lane, status) => whenFree(() => effects.counts(lane, status)),
    queuedLanes: () => whenFree(() => effects.queuedLanes()),
    nextEffectAt: (afterMs) => whenFree(() => effects.nextAt(afterMs)),
    hooks: (project) => whenFree(() => hooks.list(project)),
    hookCounts: (project) => whenFree(() => hooks.counts(project)),
    forges: () => whenFree(() => forges.list()),
    accountLimits: () => whenFree(() => accounts.list()),
    plan: (project, plan) => whenFree(() => plans.read(project, plan)),
    plans: (project) => whenFree(() => plans.list(project)),
    planText: (project, plan) => whenFree(() => plans.text(project, plan)),
    nextGeneration: (project, plan) => whenFree(() => plans.nextGeneration(project, plan)),
    planTraces: ({ after, limit }) => whenFree(() => plans.traces(after, limit)),
    planCounts: () => whenFree(() => plans.counts()),
    run: (key) => whenFree(() => runs.read(key)),
    runs: (query) => whenFree(() => runs.by(query)),
    countRuns: (of, before) => whenFree(() => runs.count(of, before)),
    usage: (of, sinceMs) => whenFree(() => runs.usage(of, sinceMs)),
    usageOfPlans: (project) => whenFree(() => runs.usageOfPlans(project)),
    spent: (of, sinceMs) => whenFree(() => runs.spent(of, sinceMs)),
    conversationTokens: (of) => whenFree(() => runs.conversationTokens(of)),
    launch: (key) => whenFree(() => launches.read(key)),
    checksOf: (run) => whenFree(() => launches.checksOf(run)),
    launchesOf: (folders) => whenFree(() => launches.ofFolders(folders)),
    journal: ({ after, ...which }) => whenFree(() => journal.since(after, which)),
    lastLine: () => whenFree(() => journal.lastLine()),
    firstLine: (tree) => whenFree(() => journal.firstLine(tree)),
    lastRefused: (tree) => whenFree(() => journal.lastRefused(tree)),
    fed: (tree, upTo = Number.MAX_SAFE_INTEGER) => whenFree(() => journal.fed(tree, upTo)),
    lastLineBy: (tree, atMs) => whenFree(() => journal.lastBy(tree, atMs)),
    unexplained: () => whenFree(() => journal.unexplained()),
    expiring: ({ kind, ...query }) => whenFree(() => tables.expiry[kind].find(query)),
    size: () => whenFree(space.size),
    giveBack: (limitBytes) => inOrder(() => space.giveBack(limitBytes)),
    rebuild: () => inOrder(space.rebuild),
    queue: () => whenFree(() => queue.read()),
    queueItems: ({ ended }) => whenFree(() => queue.items(ended)),
    issues: () => whenFree(() => issues.list()),
    issueMessages: (of) => whenFree(() => issues.messages(of)),
    notifications: (query) => whenFree(() => notifications.list(query)),
    repos: () => whenFree(() => repos.list()),
    removedRepos: () => whenFree(() => repos.removed()),
    timeline: () => whenFree(() => timeline.read()),
    watch: (onChange) => watchDatabase(db, onChange),
    loss,
    close: () => void db.close(),
  };
}

/** Calls when another connection has changed it; ends with the returned function, or when it is closed. */
function watchDatabase(db: Database, onChange: () => void): () => void {
  const version = db.prepare('PRAGMA data_version').pluck();
  let seen = readVersion();
  let timer = setTimeout(look, untilBeat(watchMs));

  function look(): void {
    if (!db.open) return;
    timer = setTimeout(look, untilBeat(watchMs));
    const now = readVersion();
    if (now === seen) return;
    seen = now;
    onChange();
  }

  /** null: it cannot be read now, and whoever is told finds out why. */
  function readVersion(): unknown {
    try {
      return version.get();
    } catch {
      return null;
    }
  }

  return () => clearTimeout(timer);
}

/** For the one who finds a store that is too new for it. */
function noteWriter(db: Database, file: string): void {
  const version = statorVersion();
  try {
    if (db.prepare('SELECT stator FROM written_by').pluck().get() === version) return;
    db.prepare(
      'INSERT INTO written_by (id, stator) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET stator = excluded.stator',
    ).run(version);
  } catch (thrown) {
    db.close();
    throw storeError(thrown, file) ?? thrown;
  }
}
