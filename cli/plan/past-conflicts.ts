/** Warns about waves whose tasks may conflict, because tasks of earlier plans of the repo did. Pure. */

import type { PlanDocument, PlanTask } from '../../machines/document/plan-document.ts';
import { overlapOf } from '../../machines/vocabulary/file-claims.ts';
import { shortList } from '../../machines/vocabulary/numbers.ts';
import { localDay } from '../../machines/vocabulary/time-text.ts';
import type { RepoPast } from '../../runtime/api/client/client.ts';
import { stepsOf } from './order-lines.ts';

type Conflict = RepoPast['conflicts'][number];

export interface PastConflict {
  readonly wave: number;
  readonly task: number;
  readonly message: string;
}

/** The most files in a message, and the most messages for a wave. */
const shownFiles = 3;
const shownOfWave = 5;

/** The open tasks of each wave that may run at the same time. Empty: no conflict is possible. */
export function openGroups({ waves }: Pick<PlanDocument, 'waves'>): { wave: number; tasks: readonly PlanTask[] }[] {
  return waves.flatMap((wave) => {
    const open = wave.tasks.filter(({ isDone }) => !isDone);
    return stepsOf({ tasks: open })
      .map((step) => open.filter(({ number }) => step.includes(number)))
      .filter((tasks) => tasks.length > 1)
      .map((tasks) => ({ wave: wave.number, tasks }));
  });
}

/**
 * An earlier conflict counts for the same task of a plan of that name, and for a task that declares one of its files beside a task that declares
 * none. Each file is named once in a wave, with its newest conflict.
 */
export function pastConflicts(
  plan: string,
  { document, conflicts }: { readonly document: Pick<PlanDocument, 'waves'>; readonly conflicts: readonly Conflict[] },
): PastConflict[] {
  return openGroups(document).flatMap((group) => {
    const named = new Set<string>();
    const found = conflicts.flatMap((conflict) => {
      const files = conflict.files.filter((file) => !named.has(file));
      const warning = files.length === 0 ? null : warningOf({ ...conflict, files }, { plan, ...group });
      if (warning === null) return [];
      for (const file of warning.files) named.add(file);
      return [{ wave: group.wave, task: warning.task, message: warning.message }];
    });
    return found.slice(0, shownOfWave);
  });
}

/** null: the conflict is about other tasks. */
function warningOf(
  { files, ...conflict }: Conflict,
  { plan, wave, tasks }: { readonly plan: string; readonly wave: number; readonly tasks: readonly PlanTask[] },
): { readonly task: number; readonly files: readonly string[]; readonly message: string } | null {
  const when = `when plan ${conflict.plan} ran on ${localDay(new Date(conflict.at))}`;
  const same = conflict.plan === plan && conflict.wave === wave && tasks.find(({ number }) => number === conflict.task);
  if (same) {
    const message = `wave ${wave}: the work of its task ${same.number} conflicted in ${shortList(files, shownFiles)} with that of another task ${when}; put the two in two waves, or declare their files`;
    return { task: same.number, files, message };
  }
  const undeclared = tasks.filter((task) => task.files.length === 0);
  if (undeclared.length === 0) return null;
  const [others, them] =
    undeclared.length === 1 ? [`task ${undeclared[0]?.number}`, 'it'] : ['the tasks beside it', 'them'];
  for (const task of tasks) {
    const own = files.filter((file) => overlapOf([file], task.files) !== null);
    if (own.length === 0) continue;
    const message = `wave ${wave}: its task ${task.number} declares ${shortList(own, shownFiles)}, where tasks conflicted ${when}; declare the files of ${others} as well, or put ${them} in another wave`;
    return { task: task.number, files: own, message };
  }
  return null;
}
