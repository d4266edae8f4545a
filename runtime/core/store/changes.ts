/** The changes of a commit, each carried out on the rows that it is of: the same for every kind of store that keeps its rows table by table. */
import { shareOf, usesOf } from '../../../machines/vocabulary/budget.ts';
import type { Lane } from '../../../machines/vocabulary/effect.ts';
import { placeOf, planTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { Change, ChangeOf, PlanKey } from './port.ts';
import type {
  EffectOwner,
  ExpiringKind,
  IssueMessage,
  NewSignal,
  PauseScope,
  SignalRow,
  Span,
  SpentOf,
} from './rows.ts';

type Of<Name extends Change['do']> = Omit<ChangeOf<Name>, 'do'>;

/** What is done to the rows of each table. false: the condition of the change does not hold. */
export interface Tables {
  readonly signals: {
    insert(signal: NewSignal): { id: number; isNew: boolean };
    enter(row: SignalRow): boolean;
    finish(change: Of<'signal.finish'>): boolean;
    hold(change: Of<'signal.hold'>): boolean;
    release(tree: TreeAddress): void;
    countAttempt(id: number): void;
    setAside(change: Of<'signal.set-aside'>): boolean;
    revive(id: number): boolean;
    voidTree(tree: TreeAddress, at: number): void;
    allSetAside(tree: TreeAddress, from: number): readonly number[];
  };
  readonly trees: {
    write(change: Of<'tree.write'>): boolean;
    require(change: Of<'tree.require'>): boolean;
    remove(change: Of<'tree.remove'>): boolean;
  };
  readonly journal: { append(line: Of<'journal.append'>['line'], input: string | null): number };
  readonly effects: {
    insert(change: Of<'effect.insert'>): void;
    take(change: Of<'effect.take'>): boolean;
    counts(lane: Lane, status: 'running'): ReadonlyMap<string, number>;
    adopt(owner: EffectOwner): void;
    settle(change: Of<'effect.settle'>): boolean;
    tryAgain(change: Of<'effect.try-again'>): boolean;
    putBack(change: Of<'effect.put-back'>): boolean;
    noteWait(change: Of<'effect.note-wait'>): void;
    /** true: it had not begun, and is withdrawn. */
    stop(change: Of<'effect.stop'>): boolean;
    hasOpenRuns(key: PlanKey): boolean;
    redeliver(key: string): boolean;
  };
  readonly hooks: {
    /** The next number of that hook for that plan. */
    next(project: string, plan: string, hook: string): number;
    noteResult(change: Of<'hook.note-result'>): void;
    switch(change: Of<'hook.switch'>): void;
  };
  readonly accounts: {
    isLimited(account: string, at: number): boolean;
    /** Returns whether the limit is new. */
    limit(change: Omit<Of<'account.limit'>, 'notice'>): boolean;
    free(change: Of<'account.free'>): void;
  };
  readonly forges: { note(row: Of<'forge.note'>): void };
  readonly plans: {
    insert(change: Of<'plan.insert'>): void;
    show(change: Of<'plan.show'>): void;
    setText(key: PlanKey, text: Of<'plan.set-text'>['text']): void;
    rebind(change: Of<'plan.set-file'>): boolean;
    setFault(change: Of<'plan.set-fault'>): void;
    moveFault(change: Of<'plan.move-fault'> & { readonly to: number | null }): void;
    setBase(key: PlanKey, base: Of<'plan.set-base'>['base']): void;
    remove(key: PlanKey, at: number): boolean;
  };
  readonly runs: {
    show(change: Of<'run.show'>): void;
    note(change: Of<'run.note'>): void;
    addToken(change: Of<'run.add-token'>): void;
    spent(key: PlanKey, sinceMs: number): SpentOf;
  };
  readonly launches: {
    name(change: Of<'launch.name'>): void;
    note(change: Of<'launch.note'>): void;
    remove(key: string): void;
  };
  readonly expiry: { readonly [Kind in ExpiringKind]: { expire(span: Span): void } };
  readonly timeline: { write(row: Of<'timeline.write'>): void };
  readonly issues: {
    insert(row: Of<'issue.insert'>): void;
    setPullRequest(key: PlanKey, url: string): boolean;
    remove(key: PlanKey): void;
    addMessage(key: PlanKey, message: IssueMessage): void;
  };
  readonly notifications: { insert(row: Of<'notification.insert'>): void; read(upTo: number): void };
  readonly queue: {
    /** Without `what`: the whole queue. */
    pause(at: number, what?: PauseScope): void;
    resume(what?: PauseScope): void;
    /** Ends the pauses of a plan and of its agents. */
    resumePlan(key: PlanKey): void;
    clear(at: number): void;
  };
  readonly repos: { insert(row: Of<'repo.insert'>): void; remove(project: string, at: number): void };
}

/** The numbers that a commit returns, collected while it runs. */
export interface Numbers {
  readonly signals: { id: number; isNew: boolean }[];
  readonly lines: number[];
}

/** In the transaction of its commit; false: its condition does not hold, and the commit is lost. */
export function applyChange(tables: Tables, change: Change, numbers: Numbers): boolean {
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
  switch (change.do) {
    case 'signal.insert':
      numbers.signals.push(signals.insert(change));
      return true;
    case 'signal.enter':
      return signals.enter(change.row);
    case 'signal.finish':
      return signals.finish(change);
    case 'signal.hold':
      return signals.hold(change);
    case 'signal.release':
      signals.release(change.tree);
      return true;
    case 'signal.count-attempt':
      signals.countAttempt(change.id);
      return true;
    case 'signal.set-aside':
      return signals.setAside(change);
    case 'signal.revive':
      return signals.revive(change.id);
    case 'signal.void-tree':
      signals.voidTree(change.tree, change.at);
      return true;
    case 'tree.write':
      return trees.write(change);
    case 'tree.require':
      return trees.require(change);
    case 'tree.remove':
      return trees.remove(change);
    case 'journal.append':
      numbers.lines.push(journal.append(change.line, change.input));
      return true;
    case 'effect.insert':
      effects.insert(change);
      return true;
    case 'effect.take':
      return effects.take(change);
    case 'slots.require': {
      const { all, projects } = change;
      const counts = effects.counts(change.lane, 'running');
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      const isWithin = ([project, limit]: [string, number]) => (counts.get(project) ?? 0) <= limit;
      return (all === null || total <= all) && Object.entries(projects).every(isWithin);
    }
    case 'budget.require': {
      const { key, plan, day, dayStartMs } = change;
      const spent = runs.spent(key, dayStartMs);
      const uses = [...usesOf('plan', plan, { spent: spent.plan }), ...usesOf('day', day, { spent: spent.day })];
      return uses.every((use) => shareOf(use) < 1);
    }
    case 'account.require':
      return !accounts.isLimited(change.account, change.at);
    case 'account.limit':
      if (accounts.limit(change)) notifications.insert(change.notice);
      return true;
    case 'account.free':
      accounts.free(change);
      return true;
    case 'effect.adopt':
      effects.adopt(change.owner);
      return true;
    case 'effect.settle':
      return effects.settle(change);
    case 'effect.try-again':
      return effects.tryAgain(change);
    case 'effect.put-back':
      return effects.putBack(change);
    case 'effect.note-wait':
      effects.noteWait(change);
      return true;
    case 'effect.stop':
      if (effects.stop(change)) numbers.signals.push(signals.insert(change.withdrawn));
      return true;
    case 'hook.enqueue': {
      const { tree, delivery } = change;
      const { plan, project } = placeOf(tree);
      const sequence = hooks.next(project, delivery.subject ?? plan, delivery.hook);
      effects.insert({ tree, effect: { ...delivery, sequence }, priority: 0, at: delivery.at });
      return true;
    }
    case 'hook.redeliver':
      return effects.redeliver(change.key);
    case 'hook.note-result':
      hooks.noteResult(change);
      return true;
    case 'hook.switch':
      hooks.switch(change);
      return true;
    case 'forge.note':
      forges.note(change);
      return true;
    case 'plan.insert':
      plans.insert(change);
      return true;
    case 'plan.show':
      plans.show(change);
      return true;
    case 'plan.set-text':
      plans.setText(change.key, change.text);
      return true;
    case 'plan.set-file':
      return plans.rebind(change);
    case 'plan.set-fault':
      plans.setFault(change);
      return true;
    case 'plan.move-fault': {
      const { key, from, at } = change;
      const [to = null] = signals.allSetAside(planTree(key.project, key.plan), from);
      plans.moveFault({ key, from, to, at });
      return true;
    }
    case 'plan.set-base':
      plans.setBase(change.key, change.base);
      return true;
    case 'plan.remove':
      if (effects.hasOpenRuns(change.key) || !plans.remove(change.key, change.at)) return false;
      // A plan that comes later under its name is another one.
      queue.resumePlan(change.key);
      return true;
    case 'run.show':
      runs.show(change);
      return true;
    case 'run.note':
      runs.note(change);
      return true;
    case 'run.add-token':
      runs.addToken(change);
      return true;
    case 'launch.name':
      launches.name(change);
      return true;
    case 'launch.note':
      launches.note(change);
      return true;
    case 'rows.expire':
      tables.expiry[change.kind].expire(change);
      return true;
    case 'launch.remove':
      launches.remove(change.key);
      return true;
    case 'timeline.write':
      timeline.write(change);
      return true;
    case 'issue.insert':
      issues.insert(change);
      return true;
    case 'issue.set-pull-request':
      return issues.setPullRequest(change.key, change.url);
    case 'issue.remove':
      issues.remove(change.key);
      return true;
    case 'issue.say':
      issues.addMessage(change.key, change);
      return true;
    case 'notification.insert':
      notifications.insert(change);
      return true;
    case 'notification.read':
      notifications.read(change.upTo);
      return true;
    case 'queue.pause':
      queue.pause(change.at, change.what);
      return true;
    case 'queue.resume':
      queue.resume(change.what);
      return true;
    case 'queue.clear':
      queue.clear(change.at);
      return true;
    case 'repo.insert':
      repos.insert(change);
      return true;
    case 'repo.remove':
      repos.remove(change.project, change.at);
      return true;
  }
}
