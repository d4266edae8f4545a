/** The changes of a commit, each carried out on the table that it is of. */
import { planTree } from '../../../machines/vocabulary/ids.ts';
import type { Change } from '../port.ts';
import type { Tables } from './tables.ts';

/** What a commit answers with, as it grows. */
export interface Numbers {
  readonly signals: { id: number; isNew: boolean }[];
  readonly lines: number[];
}

/** In the transaction of its commit; false: its condition does not hold, and the commit is lost. */
export function applyChange(tables: Tables, change: Change, numbers: Numbers): boolean {
  const { signals, trees, journal, effects, plans, runs, launches, timeline, queue, repos } = tables;
  switch (change.do) {
    case 'signal.insert':
      numbers.signals.push(signals.insert(change));
      return true;
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
    case 'tree.remove':
      trees.remove(change.address);
      return true;
    case 'journal.append':
      numbers.lines.push(journal.append(change.line, change.input));
      return true;
    case 'effect.insert':
      effects.insert(change);
      return true;
    case 'effect.take':
      return effects.take(change);
    case 'effect.adopt':
      effects.adopt(change.epoch);
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
      return !effects.hasOpenRuns(change.key) && plans.remove(change.key, change.at);
    case 'run.show':
      runs.show(change);
      return true;
    case 'run.note':
      runs.note(change);
      return true;
    case 'launch.name':
      launches.name(change);
      return true;
    case 'launch.note':
      launches.note(change);
      return true;
    case 'timeline.write':
      timeline.write(change);
      return true;
    case 'queue.pause':
      queue.pause(change.at);
      return true;
    case 'queue.resume':
      queue.resume();
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
