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
    charts,
    machinePauses,
    intake,
    notes,
    chats,
  } = tables;
  switch (change.do) {
    case 'signal.insert':
      return numbered(numbers.signals, signals.insert(change));
    case 'signal.enter':
      return signals.enter(change.row);
    case 'signal.finish':
      return signals.finish(change);
    case 'signal.hold':
      return signals.hold(change);
    case 'signal.release':
      return done(signals.release(change.tree));
    case 'signal.count-attempt':
      return done(signals.countAttempt(change.id));
    case 'signal.count-suspected':
      return done(signals.countSuspected(change.id));
    case 'signal.set-aside':
      return signals.setAside(change);
    case 'signal.renumber':
      return signals.renumber(change);
    case 'signal.revive':
      return signals.revive(change.id);
    case 'signal.void-tree':
      return done(signals.voidTree(change.tree, change.at));
    case 'tree.write':
      return trees.write(change);
    case 'tree.require':
      return trees.require(change);
    case 'tree.remove':
      return answered(trees.remove(change), (isRemoved) => {
        if (!isRemoved) return false;
        const { address, at } = change;
        return done(all<unknown>([effects.endTree(address, at), runs.endTree(address, at)]));
      });
    case 'journal.append':
      return numbered(numbers.lines, journal.append(change.line, change.input));
    case 'effect.insert':
      return done(effects.insert(change));
    case 'effect.take':
      return effects.take(change);
    case 'slots.require': {
      const { all, projects, host } = change;
      return answered(effects.counts(change.lane, 'running', host), (counts) => {
        const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
        const isWithin = ([project, limit]: [string, number]) => (counts.get(project) ?? 0) <= limit;
        return (all === null || total <= all) && Object.entries(projects).every(isWithin);
      });
    }
    case 'budget.require': {
      const { key, plan, day, dayStartMs } = change;
      return answered(runs.spent(key, dayStartMs), (spent) => {
        const uses = [...usesOf('plan', plan, { spent: spent.plan }), ...usesOf('day', day, { spent: spent.day })];
        return uses.every((use) => shareOf(use) < 1);
      });
    }
    case 'account.require':
      return answered(accounts.isLimited(change.account, change.at), (isLimited) => !isLimited);
    case 'account.limit':
      return answered(accounts.limit(change), (isNews) => (isNews ? done(notifications.insert(change.notice)) : true));
    case 'account.note':
      return done(accounts.note(change));
    case 'account.free':
      return done(accounts.free(change));
    case 'effect.adopt':
      return done(effects.adopt(change.owner));
    case 'effect.count-suspected':
      return done(effects.countSuspected(change));
    case 'effect.clear-suspected':
      return done(effects.clearSuspected(change));
    case 'effect.settle':
      return effects.settle(change);
    case 'effect.try-again':
      return effects.tryAgain(change);
    case 'effect.put-back':
      return effects.putBack(change);
    case 'effect.note-wait':
      return done(effects.noteWait(change));
    case 'effect.stop':
      return answered(effects.stop(change), (isWithdrawn) =>
        isWithdrawn ? numbered(numbers.signals, signals.insert(change.withdrawn)) : true,
      );
    case 'hook.enqueue': {
      const { tree, delivery } = change;
      const { plan, project } = placeOf(tree);
      return answered(hooks.next(project, delivery.subject ?? plan, delivery.hook), (sequence) =>
        done(effects.insert({ tree, effect: { ...delivery, sequence }, priority: 0, at: delivery.at })),
      );
    }
    case 'hook.redeliver':
      return effects.redeliver(change.key);
    case 'hook.note-result':
      return done(hooks.noteResult(change));
    case 'hook.switch':
      return done(hooks.switch(change));
    case 'forge.note':
      return done(forges.note(change));
    case 'plan.insert':
      return done(plans.insert(change));
    case 'plan.show':
      return done(plans.show(change));
    case 'plan.set-text':
      return done(plans.setText(change.key, change.text));
    case 'plan.set-file':
      return plans.rebind(change);
    case 'plan.set-fault':
      return done(plans.setFault(change));
    case 'plan.move-fault': {
      const { key, from, at } = change;
      return answered(signals.allSetAside(planTree(key.project, key.plan), from), ([to = null]) =>
        done(plans.moveFault({ key, from, to, at })),
      );
    }
    case 'plan.set-base':
      return done(plans.setBase(change.key, change.base));
    case 'plan.remove':
      return answered(effects.hasOpenRuns(change.key), (isBusy) => {
        if (isBusy) return false;
        return answered(plans.remove(change.key, change.at), (isRemoved) =>
          // A later plan of its name is another one.
          isRemoved ? done(queue.resumePlan(change.key)) : false,
        );
      });
    case 'run.show':
      return done(runs.show(change));
    case 'run.note':
      return done(runs.note(change));
    case 'run.add-token':
      return done(runs.addToken(change));
    case 'launch.name':
      return done(launches.name(change));
    case 'launch.note':
      return done(launches.note(change));
    case 'rows.expire':
      return done(tables.expiry[change.kind].expire(change));
    case 'launch.remove':
      return done(launches.remove(change.key));
    case 'timeline.write':
      return done(timeline.write(change));
    case 'issue.insert':
      return done(issues.insert(change));
    case 'issue.set-pull-request':
      return issues.setPullRequest(change.key, change.url);
    case 'issue.remove':
      return done(issues.remove(change.key));
    case 'issue.say':
      return done(issues.addMessage(change.key, change));
    case 'notification.insert':
      return done(notifications.insert(change));
    case 'notification.read':
      return done(notifications.read(change.upTo));
    case 'queue.pause':
      return done(queue.pause(change.at, change.what));
    case 'queue.resume':
      return done(queue.resume(change.what));
    case 'queue.clear':
      return done(queue.clear(change.at));
    case 'machine.pause':
      return done(machinePauses.pause(change));
    case 'machine.resume':
      return done(machinePauses.resume(change));
    case 'request.begin':
      return requests.begin(change);
    case 'chart.note':
      return done(charts.note(change));
    case 'request.end':
      return done(requests.end(change));
    case 'request.forget':
      return done(requests.forget(change.beforeMs));
    case 'chat.sent':
      return done(chats.sent(change));
    case 'chat.reach':
      return done(chats.reach(change));
    case 'intake.take':
      return intake.take(change);
    case 'intake.note-start':
      return done(intake.noteStart(change));
    case 'intake.follow':
      return intake.follow(change);
    case 'intake.turn':
      return intake.turn(change);
    case 'intake.told':
      return done(intake.told(change));
    case 'intake.passed-on':
      return done(intake.passedOn(change));
    case 'intake.allow':
      return done(intake.allow(change));
    case 'intake.deliver':
      return intake.deliver(change);
    case 'intake.delivered':
      return intake.delivered(change);
    case 'intake.mark':
      return intake.mark(change);
    case 'intake.unmark':
      return done(intake.unmark(change.intake));
    case 'note.add':
      return notes.add(change);
    case 'note.decide':
      return notes.decide(change);
    case 'repo.insert':
      return repos.insert(change);
    case 'repo.remove':
      return done(repos.remove(change.project, change.at));
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
