/** The relevance of one host's commit for the others, in a short text: a receiving host reads only the rows that concern it. */
import { z } from 'zod';
import { parseTree, placeOf, planTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { Change, Written } from './port.ts';

/** null: it may concern any host. */
export function writtenBy(changes: readonly Change[], lines: readonly number[]): Written | null {
  const trees = new Set<TreeAddress>();
  let freesSlots = false;
  for (const change of changes) {
    const touched = touchedBy(change);
    if (touched === 'anything') return null;
    if (touched === 'a slot') freesSlots = true;
    else if (touched !== null) trees.add(touched);
  }
  return { trees: [...trees], freesSlots, line: lines.at(-1) ?? 0 };
}

/** Whether it may be about a tree that is not elsewhere. */
export function concernsHere(written: Written | null, isElsewhere: (project: string) => boolean): boolean {
  return written === null || written.trees.some((tree) => !isElsewhere(placeOf(tree).project));
}

/** null: no other host is concerned. */
function touchedBy(change: Change): TreeAddress | 'a slot' | 'anything' | null {
  switch (change.do) {
    case 'signal.insert':
    case 'signal.hold':
    case 'signal.release':
    case 'signal.void-tree':
    case 'effect.insert':
    case 'hook.enqueue':
      return change.tree;
    case 'signal.enter':
      return (change.row.tree as TreeAddress | null) ?? 'anything'; // `rowOf` took it from one
    case 'tree.write':
    case 'tree.remove':
      return change.address;
    case 'plan.insert':
    case 'plan.show':
    case 'plan.set-text':
    case 'plan.set-file':
    case 'plan.set-base':
      return planTree(change.key.project, change.key.plan);
    case 'effect.settle':
    case 'effect.try-again':
    case 'effect.put-back':
      return 'a slot';
    // The tree of such a signal is in the same commit, or it stays as it is.
    case 'signal.finish':
    case 'signal.count-attempt':
    case 'signal.count-suspected':
    case 'tree.require':
    case 'journal.append':
    case 'effect.take':
    case 'effect.note-wait':
    case 'effect.count-suspected':
    case 'effect.clear-suspected':
    case 'slots.require':
    case 'budget.require':
    case 'account.require':
    case 'run.show':
    case 'run.note':
    case 'run.add-token':
    case 'launch.name':
    case 'launch.note':
    case 'launch.remove':
    case 'timeline.write':
    case 'notification.insert':
    case 'note.add':
    case 'note.decide':
    case 'forge.note':
    case 'forge.forget':
    case 'hook.note-result':
    case 'request.begin':
    case 'request.end':
    case 'request.forget':
      return null;
    default:
      return 'anything';
  }
}

/** For a notice of PostgreSQL, which is shorter than 8,000 bytes. */
export function noticeOf(writer: string, written: Written | null): string {
  const text = `${writer} ${JSON.stringify(written)}`;
  return Buffer.byteLength(text) < 8_000 ? text : writer;
}

const written: z.ZodType<Written> = z.object({
  trees: z.array(z.custom<TreeAddress>((tree) => isAddress(tree))),
  freesSlots: z.boolean(),
  line: z.number(),
});

function isAddress(tree: unknown): boolean {
  try {
    return typeof tree === 'string' && parseTree(tree) !== null;
  } catch {
    return false;
  }
}

/** null: the text does not say what was written. Any program that reaches the database can send a notice; a false one costs a reading. */
export function readNotice(notice: string): Written | null {
  try {
    return written.parse(JSON.parse(notice.slice(notice.indexOf(' '))));
  } catch {
    return null;
  }
}
