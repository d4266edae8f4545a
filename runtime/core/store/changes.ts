/** The changes of a commit, each carried out on its rows: the same for every kind of store that keeps its rows table by table. */
import { shareOf, usesOf } from '../../../machines/vocabulary/budget.ts';
import { placeOf, planTree } from '../../../machines/vocabulary/ids.ts';
import type { Change, ChangeOf } from './port.ts';
import { type Answer, all, answered } from './tables/connection.ts';
import type { StoreTables } from './tables/tables.ts';

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
export function applyChange(tables: StoreTables, change: Change, numbers: Numbers): Answer<boolean> {
  const apply = appliers[change.do] as Apply<Change['do']>; // the table has each change's own
  return apply(tables, change, numbers);
}

type Apply<Name extends Change['do']> = (
  tables: StoreTables,
  change: ChangeOf<Name>,
  numbers: Numbers,
) => Answer<boolean>;

const appliers: { readonly [Name in Change['do']]: Apply<Name> } = {
  'signal.insert': (tables, change, numbers) => numbered(numbers.signals, tables.signals.insert(change)),
  'signal.enter': (tables, change) => tables.signals.enter(change.row),
  'signal.finish': (tables, change) => tables.signals.finish(change),
  'signal.hold': (tables, change) => tables.signals.hold(change),
  'signal.release': (tables, change) => done(tables.signals.release(change.tree)),
  'signal.release-machine': (tables, change) => done(tables.signals.releaseMachine(change.machine)),
  'signal.count-attempt': (tables, change) => done(tables.signals.countAttempt(change.id)),
  'signal.count-suspected': (tables, change) => done(tables.signals.countSuspected(change.id)),
  'signal.set-aside': (tables, change) => tables.signals.setAside(change),
  'signal.renumber': (tables, change) => tables.signals.renumber(change),
  'signal.revive': (tables, change) => tables.signals.revive(change.id),
  'signal.void-tree': (tables, change) => done(tables.signals.voidTree(change.tree, change.at)),
  'tree.write': (tables, change) => tables.trees.write(change),
  'tree.require': (tables, change) => tables.trees.require(change),
  'tree.remove': (tables, change) =>
    answered(tables.trees.remove(change), (isRemoved) => {
      if (!isRemoved) return false;
      const { address, at } = change;
      return done(all<unknown>([tables.effects.endTree(address, at), tables.runs.endTree(address, at)]));
    }),
  'journal.append': (tables, change, numbers) =>
    numbered(numbers.lines, tables.journal.append(change.line, change.input)),
  'effect.insert': (tables, change) => done(tables.effects.insert(change)),
  'effect.prioritize': (tables, change) => done(tables.effects.prioritize(change)),
  'effect.take': (tables, change) => tables.effects.take(change),
  'slots.require': (tables, change) => {
    const { all, projects, host } = change;
    return answered(tables.effects.counts(change.lane, 'running', host), (counts) => {
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      const isWithin = ([project, limit]: [string, number]) => (counts.get(project) ?? 0) <= limit;
      return (all === null || total <= all) && Object.entries(projects).every(isWithin);
    });
  },
  'budget.require': (tables, change) => {
    const { key, plan, day, dayStartMs } = change;
    return answered(tables.runs.spent(key, dayStartMs), (spent) => {
      const uses = [...usesOf('plan', plan, { spent: spent.plan }), ...usesOf('day', day, { spent: spent.day })];
      return uses.every((use) => shareOf(use) < 1);
    });
  },
  'account.require': (tables, change) =>
    answered(tables.accounts.isLimited(change.account, change.at), (isLimited) => !isLimited),
  'account.limit': (tables, change) =>
    answered(tables.accounts.limit(change), (isNews) =>
      isNews ? done(tables.notifications.insert(change.notice)) : true,
    ),
  'account.note': (tables, change) => done(tables.accounts.note(change)),
  'account.free': (tables, change) => done(tables.accounts.free(change)),
  'effect.adopt': (tables, change) => done(tables.effects.adopt(change.owner)),
  'effect.count-suspected': (tables, change) => done(tables.effects.countSuspected(change)),
  'effect.clear-suspected': (tables, change) => done(tables.effects.clearSuspected(change)),
  'effect.settle': (tables, change) => tables.effects.settle(change),
  'effect.try-again': (tables, change) => tables.effects.tryAgain(change),
  'effect.put-back': (tables, change) => tables.effects.putBack(change),
  'effect.note-wait': (tables, change) => done(tables.effects.noteWait(change)),
  'effect.stop': (tables, change, numbers) =>
    answered(tables.effects.stop(change), (isWithdrawn) =>
      isWithdrawn ? numbered(numbers.signals, tables.signals.insert(change.withdrawn)) : true,
    ),
  'hook.enqueue': (tables, change) => {
    const { tree, delivery } = change;
    const { plan, project } = placeOf(tree);
    return answered(tables.hooks.next(project, delivery.subject ?? plan, delivery.hook), (sequence) =>
      done(tables.effects.insert({ tree, effect: { ...delivery, sequence }, priority: 0, at: delivery.at })),
    );
  },
  'hook.redeliver': (tables, change) => tables.effects.redeliver(change.key),
  'hook.note-result': (tables, change) => done(tables.hooks.noteResult(change)),
  'hook.switch': (tables, change) => done(tables.hooks.switch(change)),
  'forge.note': (tables, change) => done(tables.forges.note(change)),
  'forge.forget': (tables, change) => done(tables.forges.forget(change.project)),
  'plan.insert': (tables, change) => done(tables.plans.insert(change)),
  'plan.show': (tables, change) => done(tables.plans.show(change)),
  'plan.set-text': (tables, change) => done(tables.plans.setText(change.key, change.text)),
  'plan.set-file': (tables, change) => tables.plans.rebind(change),
  'plan.set-fault': (tables, change) => done(tables.plans.setFault(change)),
  'plan.move-fault': (tables, change) => {
    const { key, from, at } = change;
    return answered(tables.signals.allSetAside(planTree(key.project, key.plan), from), ([to = null]) =>
      done(tables.plans.moveFault({ key, from, to, at })),
    );
  },
  'plan.set-base': (tables, change) => done(tables.plans.setBase(change.key, change.base)),
  'plan.remove': (tables, change) =>
    answered(tables.effects.hasOpenRuns(change.key), (isBusy) => {
      if (isBusy) return false;
      return answered(tables.plans.remove(change.key, change.at), (isRemoved) =>
        // A later plan of the same name is a different plan.
        isRemoved ? done(tables.queue.resumePlan(change.key)) : false,
      );
    }),
  'run.show': (tables, change) => done(tables.runs.show(change)),
  'run.note': (tables, change) => done(tables.runs.note(change)),
  'run.add-token': (tables, change) => done(tables.runs.addToken(change)),
  'launch.name': (tables, change) => done(tables.launches.name(change)),
  'launch.note': (tables, change) => done(tables.launches.note(change)),
  'rows.expire': (tables, change) => done(tables.expiry[change.kind].expire(change)),
  'launch.remove': (tables, change) => done(tables.launches.remove(change.key)),
  'timeline.write': (tables, change) => done(tables.timeline.write(change)),
  'issue.insert': (tables, change) => done(tables.issues.insert(change)),
  'issue.set-pull-request': (tables, change) => tables.issues.setPullRequest(change.key, change.url),
  'issue.remove': (tables, change) => done(tables.issues.remove(change.key)),
  'issue.say': (tables, change) => done(tables.issues.addMessage(change.key, change)),
  'notification.insert': (tables, change) => done(tables.notifications.insert(change)),
  'notification.read': (tables, change) => done(tables.notifications.read(change.upTo)),
  'queue.pause': (tables, change) => done(tables.queue.pause(change.at, change.what)),
  'queue.resume': (tables, change) => done(tables.queue.resume(change.what)),
  'queue.clear': (tables, change) => done(tables.queue.clear(change.at)),
  'machine.pause': (tables, change) => done(tables.machinePauses.pause(change)),
  'machine.resume': (tables, change) => done(tables.machinePauses.resume(change)),
  'request.begin': (tables, change) => tables.requests.begin(change),
  'chart.note': (tables, change) => done(tables.charts.note(change)),
  'request.end': (tables, change) => done(tables.requests.end(change)),
  'request.forget': (tables, change) => done(tables.requests.forget(change.beforeMs)),
  'chat.sent': (tables, change) => done(tables.chats.sent(change)),
  'chat.reach': (tables, change) => done(tables.chats.reach(change)),
  'intake.take': (tables, change) => tables.intake.take(change),
  'intake.note-start': (tables, change) => done(tables.intake.noteStart(change)),
  'intake.follow': (tables, change) => tables.intake.follow(change),
  'intake.turn': (tables, change) => tables.intake.turn(change),
  'intake.reported': (tables, change) => done(tables.intake.reported(change)),
  'intake.passed-on': (tables, change) => done(tables.intake.passedOn(change)),
  'intake.allow': (tables, change) => done(tables.intake.allow(change)),
  'intake.deliver': (tables, change) => tables.intake.deliver(change),
  'intake.delivered': (tables, change) => tables.intake.delivered(change),
  'intake.mark': (tables, change) => tables.intake.mark(change),
  'intake.unmark': (tables, change) => done(tables.intake.unmark(change.intake)),
  'note.add': (tables, change) => tables.notes.add(change),
  'note.decide': (tables, change) => tables.notes.decide(change),
  'repo.insert': (tables, change) => tables.repos.insert(change),
  'repo.remove': (tables, change) => done(tables.repos.remove(change.project, change.at)),
};

function done(answer: Answer<unknown>): Answer<true> {
  return answered(answer, () => true as const);
}

function numbered<T>(list: T[], answer: Answer<T>): Answer<true> {
  return answered(answer, (number) => {
    list.push(number);
    return true as const;
  });
}
