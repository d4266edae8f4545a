/** The port over the tables of SQLite: each reading one call, each commit one transaction. */
import type { Faults } from '../../platform/faults.ts';
import type { Change, Commit, EffectQuery, RunQuery, Store } from '../port.ts';
import type { EffectRow, RunRow } from '../rows.ts';
import { applyChange, type Numbers } from './changes.ts';
import type { Database } from './db.ts';
import type { OpenFiles } from './lost-file.ts';
import type { Tables } from './tables.ts';

interface PortParts {
  readonly file: string;
  readonly db: Database;
  readonly tables: Tables;
  readonly files: OpenFiles;
  readonly faults: Faults;
  transaction<T>(work: () => T): T;
  whenFree<T>(attempt: () => T): Promise<T>;
}

/** Other programs' changes are looked for this often. */
const watchMs = 1_000;

/** Rolls a transaction back that has met a condition which does not hold. */
class Lost extends Error {
  readonly change: Change;

  constructor(change: Change) {
    super(change.do);
    this.change = change;
  }
}

export function createPort({ file, db, tables, files, faults, transaction, whenFree }: PortParts): Store {
  const { signals, trees, journal, effects, plans, runs, launches, timeline, queue, repos } = tables;
  /** Commits that wait for another program's lock go in the order in which they were asked for. */
  let line: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  function inOrder<T>(attempt: () => T): Promise<T> {
    const turn = waiting === 0 ? whenFree(attempt) : line.then(() => whenFree(attempt));
    waiting += 1;
    const leave = () => {
      waiting -= 1;
    };
    line = turn.then(leave, leave);
    return turn;
  }

  function carryOut(changes: readonly Change[]): Commit {
    const numbers: Numbers = { signals: [], lines: [] };
    try {
      transaction(() => {
        faults('store.after-begin');
        for (const [index, change] of changes.entries()) {
          if (index === 1) faults('store.between');
          if (!applyChange(tables, change, numbers)) throw new Lost(change);
        }
        faults('store.before-commit');
      });
      faults('store.after-commit');
      return { status: 'committed', ...numbers };
    } catch (thrown) {
      if (thrown instanceof Lost) return { status: 'lost', change: thrown.change };
      throw thrown;
    }
  }

  function effectsBy(query: EffectQuery): EffectRow[] {
    switch (query.by) {
      case 'running':
        return effects.running();
      case 'open':
        return effects.open();
      case 'tree':
        return effects.openOf(query.tree);
      case 'waiting':
        return effects.waitingOf(query.tree);
      case 'undone':
        return effects.undoneOf(query.tree, query.sinceMs);
      case 'runs':
        return effects.runs(query);
    }
  }

  function runsBy(query: RunQuery): RunRow[] {
    switch (query.by) {
      case 'token':
        return asList(runs.byToken(query.token));
      case 'title':
        return runs.ofTitle(query.project, query.title);
      case 'agent':
        return asList(runs.ofAgent(query.tree, query.path, query.atMs));
      case 'plan':
        return runs.ofPlan(query.project, query.plan, query);
      case 'latest':
        return runs.latest(query);
    }
  }

  return {
    file,
    commit: (changes) => inOrder(() => carryOut(changes)),
    claim: (now, { limit, project }) =>
      whenFree(() => (project === undefined ? signals.claim(now, limit) : signals.claimOf(project, now, limit))),
    signal: (id) => whenFree(() => signals.read(id)),
    signals: (filter) => whenFree(() => signals.list(filter)),
    nextSignalIn: (now) => whenFree(() => signals.nextDueIn(now)),
    setAside: (tree, from) => whenFree(() => signals.allSetAside(tree, from)),
    births: (project) => whenFree(() => signals.pendingBirths(project)),
    tree: (address) => whenFree(() => trees.read(address)),
    repoStates: () => whenFree(() => trees.repoStates()),
    effect: (key) => whenFree(() => effects.read(key)),
    effects: (query) => whenFree(() => effectsBy(query)),
    startable: (query) => whenFree(() => effects.startable(query)),
    effectCounts: (lane, status) => whenFree(() => effects.countByProject(lane, status)),
    nextEffectAt: (afterMs) => whenFree(() => effects.nextAt(afterMs)),
    plan: (project, plan) => whenFree(() => plans.read(project, plan)),
    plans: (project) => whenFree(() => plans.list(project)),
    planText: (project, plan) => whenFree(() => plans.content(project, plan)),
    nextGeneration: (project, plan) => whenFree(() => plans.nextGeneration(project, plan)),
    planCounts: () => whenFree(() => plans.counts()),
    run: (key) => whenFree(() => runs.read(key)),
    runs: (query) => whenFree(() => runsBy(query)),
    countRuns: (of, before) => whenFree(() => runs.count(of, before)),
    usage: ({ project, plan }, sinceMs) => whenFree(() => runs.usageOf(project, plan, sinceMs)),
    conversationTokens: ({ project, conversation, exceptKey }) =>
      whenFree(() => runs.tokensOf(project, conversation, exceptKey)),
    launch: (key) => whenFree(() => launches.read(key)),
    journal: ({ after, tree, limit }) =>
      whenFree(() => (tree === undefined ? journal.since(after, limit) : journal.ofTree(tree, after, limit))),
    lastLine: () => whenFree(() => journal.lastSeq()),
    firstLine: (tree) => whenFree(() => journal.firstSeq(tree)),
    lastRefused: (tree) => whenFree(() => journal.lastRefused(tree)),
    inputs: (tree) => whenFree(() => journal.inputsOf(tree)),
    queue: () => whenFree(() => queue.read()),
    repos: () => whenFree(() => repos.list()),
    removedRepos: () => whenFree(() => repos.removed()),
    timeline: () => whenFree(() => timeline.read()),
    watch(onChange) {
      const version = () => (db.open ? Number(db.pragma('data_version', { simple: true })) : 0);
      let seen = version();
      const timer = setInterval(() => {
        const now = version();
        if (now === seen) return;
        seen = now;
        onChange();
      }, watchMs);
      return () => clearInterval(timer);
    },
    loss: files.loss,
    close: () => void db.close(),
  };
}

function asList<T>(row: T | null): T[] {
  return row === null ? [] : [row];
}
