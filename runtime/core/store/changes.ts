/** The changes of a commit, each carried out on its rows: the same for every kind of store that keeps its rows table by table. */
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
import { type Answer, all, answered } from './tables/connection.ts';

type Of<Name extends Change['do']> = Omit<ChangeOf<Name>, 'do'>;

/** The operations on the rows of each table. false: the condition of the change does not apply. */
export interface Tables {
  readonly signals: {
    insert(signal: NewSignal): Answer<{ id: number; isNew: boolean }>;
    enter(row: SignalRow): Answer<boolean>;
    finish(change: Of<'signal.finish'>): Answer<boolean>;
    hold(change: Of<'signal.hold'>): Answer<boolean>;
    release(tree: TreeAddress): Answer<unknown>;
    countAttempt(id: number): Answer<unknown>;
    countSuspected(id: number): Answer<unknown>;
    setAside(change: Of<'signal.set-aside'>): Answer<boolean>;
    renumber(change: Of<'signal.renumber'>): Answer<boolean>;
    revive(id: number): Answer<boolean>;
    voidTree(tree: TreeAddress, at: number): Answer<unknown>;
    allSetAside(tree: TreeAddress, from: number): Answer<readonly number[]>;
  };
  readonly trees: {
    write(change: Of<'tree.write'>): Answer<boolean>;
    require(change: Of<'tree.require'>): Answer<boolean>;
    remove(change: Of<'tree.remove'>): Answer<boolean>;
  };
  readonly journal: { append(line: Of<'journal.append'>['line'], input: string | null): Answer<number> };
  readonly effects: {
    insert(change: Of<'effect.insert'>): Answer<unknown>;
    take(change: Of<'effect.take'>): Answer<boolean>;
    counts(lane: Lane, status: 'running', host?: string): Answer<ReadonlyMap<string, number>>;
    adopt(owner: EffectOwner): Answer<unknown>;
    countSuspected(change: Of<'effect.count-suspected'>): Answer<unknown>;
    clearSuspected(change: Of<'effect.clear-suspected'>): Answer<unknown>;
    settle(change: Of<'effect.settle'>): Answer<boolean>;
    tryAgain(change: Of<'effect.try-again'>): Answer<boolean>;
    putBack(change: Of<'effect.put-back'>): Answer<boolean>;
    noteWait(change: Of<'effect.note-wait'>): Answer<unknown>;
    /** true: it had not begun, and is withdrawn. */
    stop(change: Of<'effect.stop'>): Answer<boolean>;
    hasOpenRuns(key: PlanKey): Answer<boolean>;
    /** The effects of a tree that is deleted. */
    endTree(tree: TreeAddress, at: number): Answer<unknown>;
    redeliver(key: string): Answer<boolean>;
  };
  readonly hooks: {
    /** The next number of that hook for that plan. */
    next(project: string, plan: string, hook: string): Answer<number>;
    noteResult(change: Of<'hook.note-result'>): Answer<unknown>;
    switch(change: Of<'hook.switch'>): Answer<unknown>;
  };
  readonly accounts: {
    isLimited(account: string, at: number): Answer<boolean>;
    /** Returns whether the limit is new. */
    limit(change: Omit<Of<'account.limit'>, 'notice'>): Answer<boolean>;
    note(change: Of<'account.note'>): Answer<unknown>;
    free(change: Of<'account.free'>): Answer<unknown>;
  };
  readonly forges: { note(row: Of<'forge.note'>): Answer<unknown> };
  readonly plans: {
    insert(change: Of<'plan.insert'>): Answer<unknown>;
    show(change: Of<'plan.show'>): Answer<unknown>;
    setText(key: PlanKey, text: Of<'plan.set-text'>['text']): Answer<unknown>;
    rebind(change: Of<'plan.set-file'>): Answer<boolean>;
    setFault(change: Of<'plan.set-fault'>): Answer<unknown>;
    moveFault(change: Of<'plan.move-fault'> & { readonly to: number | null }): Answer<unknown>;
    setBase(key: PlanKey, base: Of<'plan.set-base'>['base']): Answer<unknown>;
    remove(key: PlanKey, at: number): Answer<boolean>;
  };
  readonly runs: {
    show(change: Of<'run.show'>): Answer<unknown>;
    note(change: Of<'run.note'>): Answer<unknown>;
    /** The runs of a tree that is deleted. */
    endTree(tree: TreeAddress, at: number): Answer<unknown>;
    addToken(change: Of<'run.add-token'>): Answer<unknown>;
    spent(key: PlanKey, sinceMs: number): Answer<SpentOf>;
  };
  readonly launches: {
    name(change: Of<'launch.name'>): Answer<unknown>;
    note(change: Of<'launch.note'>): Answer<unknown>;
    remove(key: string): Answer<unknown>;
  };
  readonly expiry: { readonly [Kind in ExpiringKind]: { expire(span: Span): Answer<unknown> } };
  readonly timeline: { write(row: Of<'timeline.write'>): Answer<unknown> };
  readonly issues: {
    insert(row: Of<'issue.insert'>): Answer<unknown>;
    setPullRequest(key: PlanKey, url: string): Answer<boolean>;
    remove(key: PlanKey): Answer<unknown>;
    addMessage(key: PlanKey, message: IssueMessage): Answer<unknown>;
  };
  readonly notifications: {
    insert(row: Of<'notification.insert'>): Answer<unknown>;
    read(upTo: number): Answer<unknown>;
  };
  readonly queue: {
    /** Without `what`: the whole queue. */
    pause(at: number, what?: PauseScope): Answer<unknown>;
    resume(what?: PauseScope): Answer<unknown>;
    /** Ends the pauses of a plan and of its agents. */
    resumePlan(key: PlanKey): Answer<unknown>;
    clear(at: number): Answer<unknown>;
  };
  readonly machinePauses: {
    pause(change: Of<'machine.pause'>): Answer<unknown>;
    resume(change: Of<'machine.resume'>): Answer<unknown>;
  };
  readonly charts: { note(change: Of<'chart.note'>): Answer<unknown> };
  readonly requests: {
    begin(change: Of<'request.begin'>): Answer<boolean>;
    end(change: Of<'request.end'>): Answer<unknown>;
    forget(beforeMs: number): Answer<unknown>;
  };
  readonly intake: {
    take(change: Of<'intake.take'>): Answer<boolean>;
    noteStart(change: Of<'intake.note-start'>): Answer<unknown>;
    follow(change: Of<'intake.follow'>): Answer<boolean>;
    turn(change: Of<'intake.turn'>): Answer<boolean>;
    told(change: Of<'intake.told'>): Answer<unknown>;
    passedOn(change: Of<'intake.passed-on'>): Answer<unknown>;
    allow(change: Of<'intake.allow'>): Answer<unknown>;
    deliver(change: Of<'intake.deliver'>): Answer<boolean>;
    delivered(change: Of<'intake.delivered'>): Answer<boolean>;
    mark(change: Of<'intake.mark'>): Answer<boolean>;
    unmark(intake: string): Answer<unknown>;
  };
  readonly notes: {
    add(change: Of<'note.add'>): Answer<boolean>;
    decide(change: Of<'note.decide'>): Answer<boolean>;
  };
  readonly chats: {
    sent(change: Of<'chat.sent'>): Answer<unknown>;
    reach(change: Of<'chat.reach'>): Answer<unknown>;
  };
  readonly repos: {
    insert(row: Of<'repo.insert'>): Answer<boolean>;
    remove(project: string, at: number): Answer<unknown>;
  };
}

/** The numbers that a commit returns, collected while it runs. */
export interface Numbers {
  readonly signals: { id: number; isNew: boolean }[];
  readonly lines: number[];
}

/** Changes that first read and then write by the result: the following changes wait for their end. An insert does this only if its key is taken. */
export const stepwise: ReadonlySet<Change['do']> = new Set([
  'signal.insert',
  'tree.remove',
  'effect.stop',
  'hook.enqueue',
  'plan.set-text',
  'plan.move-fault',
  'plan.remove',
  'account.limit',
  'issue.say',
  'intake.deliver',
  'rows.expire',
]);

/** In the transaction of its commit; false: its condition does not hold, and the commit is lost. */
export function applyChange(tables: Tables, change: Change, numbers: Numbers): Answer<boolean> {
  switch (change.do) {
    case 'signal.insert':
      return numbered(numbers.signals, tables.signals.insert(change));
    case 'signal.enter':
      return tables.signals.enter(change.row);
    case 'signal.finish':
      return tables.signals.finish(change);
    case 'signal.hold':
      return tables.signals.hold(change);
    case 'signal.release':
      return done(tables.signals.release(change.tree));
    case 'signal.count-attempt':
      return done(tables.signals.countAttempt(change.id));
    case 'signal.count-suspected':
      return done(tables.signals.countSuspected(change.id));
    case 'signal.set-aside':
      return tables.signals.setAside(change);
    case 'signal.renumber':
      return tables.signals.renumber(change);
    case 'signal.revive':
      return tables.signals.revive(change.id);
    case 'signal.void-tree':
      return done(tables.signals.voidTree(change.tree, change.at));
    case 'tree.write':
      return tables.trees.write(change);
    case 'tree.require':
      return tables.trees.require(change);
    case 'tree.remove':
      return answered(tables.trees.remove(change), (isRemoved) => {
        if (!isRemoved) return false;
        const { address, at } = change;
        return done(all<unknown>([tables.effects.endTree(address, at), tables.runs.endTree(address, at)]));
      });
    case 'journal.append':
      return numbered(numbers.lines, tables.journal.append(change.line, change.input));
    case 'effect.insert':
      return done(tables.effects.insert(change));
    case 'effect.take':
      return tables.effects.take(change);
    case 'slots.require': {
      const { all, projects, host } = change;
      return answered(tables.effects.counts(change.lane, 'running', host), (counts) => {
        const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
        const isWithin = ([project, limit]: [string, number]) => (counts.get(project) ?? 0) <= limit;
        return (all === null || total <= all) && Object.entries(projects).every(isWithin);
      });
    }
    case 'budget.require': {
      const { key, plan, day, dayStartMs } = change;
      return answered(tables.runs.spent(key, dayStartMs), (spent) => {
        const uses = [...usesOf('plan', plan, { spent: spent.plan }), ...usesOf('day', day, { spent: spent.day })];
        return uses.every((use) => shareOf(use) < 1);
      });
    }
    case 'account.require':
      return answered(tables.accounts.isLimited(change.account, change.at), (isLimited) => !isLimited);
    case 'account.limit':
      return answered(tables.accounts.limit(change), (isNews) =>
        isNews ? done(tables.notifications.insert(change.notice)) : true,
      );
    case 'account.note':
      return done(tables.accounts.note(change));
    case 'account.free':
      return done(tables.accounts.free(change));
    case 'effect.adopt':
      return done(tables.effects.adopt(change.owner));
    case 'effect.count-suspected':
      return done(tables.effects.countSuspected(change));
    case 'effect.clear-suspected':
      return done(tables.effects.clearSuspected(change));
    case 'effect.settle':
      return tables.effects.settle(change);
    case 'effect.try-again':
      return tables.effects.tryAgain(change);
    case 'effect.put-back':
      return tables.effects.putBack(change);
    case 'effect.note-wait':
      return done(tables.effects.noteWait(change));
    case 'effect.stop':
      return answered(tables.effects.stop(change), (isWithdrawn) =>
        isWithdrawn ? numbered(numbers.signals, tables.signals.insert(change.withdrawn)) : true,
      );
    case 'hook.enqueue': {
      const { tree, delivery } = change;
      const { plan, project } = placeOf(tree);
      return answered(tables.hooks.next(project, delivery.subject ?? plan, delivery.hook), (sequence) =>
        done(tables.effects.insert({ tree, effect: { ...delivery, sequence }, priority: 0, at: delivery.at })),
      );
    }
    case 'hook.redeliver':
      return tables.effects.redeliver(change.key);
    case 'hook.note-result':
      return done(tables.hooks.noteResult(change));
    case 'hook.switch':
      return done(tables.hooks.switch(change));
    case 'forge.note':
      return done(tables.forges.note(change));
    case 'plan.insert':
      return done(tables.plans.insert(change));
    case 'plan.show':
      return done(tables.plans.show(change));
    case 'plan.set-text':
      return done(tables.plans.setText(change.key, change.text));
    case 'plan.set-file':
      return tables.plans.rebind(change);
    case 'plan.set-fault':
      return done(tables.plans.setFault(change));
    case 'plan.move-fault': {
      const { key, from, at } = change;
      return answered(tables.signals.allSetAside(planTree(key.project, key.plan), from), ([to = null]) =>
        done(tables.plans.moveFault({ key, from, to, at })),
      );
    }
    case 'plan.set-base':
      return done(tables.plans.setBase(change.key, change.base));
    case 'plan.remove':
      return answered(tables.effects.hasOpenRuns(change.key), (isBusy) => {
        if (isBusy) return false;
        return answered(tables.plans.remove(change.key, change.at), (isRemoved) =>
          // A later plan of the same name is a different plan.
          isRemoved ? done(tables.queue.resumePlan(change.key)) : false,
        );
      });
    case 'run.show':
      return done(tables.runs.show(change));
    case 'run.note':
      return done(tables.runs.note(change));
    case 'run.add-token':
      return done(tables.runs.addToken(change));
    case 'launch.name':
      return done(tables.launches.name(change));
    case 'launch.note':
      return done(tables.launches.note(change));
    case 'rows.expire':
      return done(tables.expiry[change.kind].expire(change));
    case 'launch.remove':
      return done(tables.launches.remove(change.key));
    case 'timeline.write':
      return done(tables.timeline.write(change));
    case 'issue.insert':
      return done(tables.issues.insert(change));
    case 'issue.set-pull-request':
      return tables.issues.setPullRequest(change.key, change.url);
    case 'issue.remove':
      return done(tables.issues.remove(change.key));
    case 'issue.say':
      return done(tables.issues.addMessage(change.key, change));
    case 'notification.insert':
      return done(tables.notifications.insert(change));
    case 'notification.read':
      return done(tables.notifications.read(change.upTo));
    case 'queue.pause':
      return done(tables.queue.pause(change.at, change.what));
    case 'queue.resume':
      return done(tables.queue.resume(change.what));
    case 'queue.clear':
      return done(tables.queue.clear(change.at));
    case 'machine.pause':
      return done(tables.machinePauses.pause(change));
    case 'machine.resume':
      return done(tables.machinePauses.resume(change));
    case 'request.begin':
      return tables.requests.begin(change);
    case 'chart.note':
      return done(tables.charts.note(change));
    case 'request.end':
      return done(tables.requests.end(change));
    case 'request.forget':
      return done(tables.requests.forget(change.beforeMs));
    case 'chat.sent':
      return done(tables.chats.sent(change));
    case 'chat.reach':
      return done(tables.chats.reach(change));
    case 'intake.take':
      return tables.intake.take(change);
    case 'intake.note-start':
      return done(tables.intake.noteStart(change));
    case 'intake.follow':
      return tables.intake.follow(change);
    case 'intake.turn':
      return tables.intake.turn(change);
    case 'intake.told':
      return done(tables.intake.told(change));
    case 'intake.passed-on':
      return done(tables.intake.passedOn(change));
    case 'intake.allow':
      return done(tables.intake.allow(change));
    case 'intake.deliver':
      return tables.intake.deliver(change);
    case 'intake.delivered':
      return tables.intake.delivered(change);
    case 'intake.mark':
      return tables.intake.mark(change);
    case 'intake.unmark':
      return done(tables.intake.unmark(change.intake));
    case 'note.add':
      return tables.notes.add(change);
    case 'note.decide':
      return tables.notes.decide(change);
    case 'repo.insert':
      return tables.repos.insert(change);
    case 'repo.remove':
      return done(tables.repos.remove(change.project, change.at));
  }
}

function done(answer: Answer<unknown>): Answer<true> {
  return answered(answer, () => true as const);
}

function numbered<T>(list: T[], answer: Answer<T>): Answer<true> {
  return answered(answer, (number) => {
    list.push(number);
    return true as const;
  });
}
