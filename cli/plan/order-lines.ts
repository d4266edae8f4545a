/** The order of a document's tasks, as text. */

import type { PlanDocument, PlanWave } from '../../machines/document/shape.ts';
import { createClaims } from '../../machines/vocabulary/file-claims.ts';

/** The most groups in a line, and the most tasks in a group of it. */
const shownLimit = 12;

/** One line for each wave. Waves of one task are left out, because the list of sections shows them. */
export function orderLines({ waves }: Pick<PlanDocument, 'waves'>): string[] {
  return waves.flatMap((wave) => (wave.tasks.length < 2 ? [] : [`  wave ${wave.number}: ${orderText(stepsOf(wave))}`]));
}

/** The numbers of tasks that may run at the same time, ordered by their starts if all tasks take equally long. */
export function stepsOf({ tasks }: Pick<PlanWave, 'tasks'>): number[][] {
  const left = new Map(tasks.map((task) => [task.number, task.after] as const));
  const filesOf = new Map(tasks.map((task) => [task.number, task.files] as const));
  const steps: number[][] = [];
  while (left.size > 0) {
    const ready = [...left].filter(([, after]) => !after.some((number) => left.has(number))).map(([number]) => number);
    const claims = createClaims();
    const free = ready.filter((number) => {
      const files = filesOf.get(number) ?? [];
      const isFree = claims.takenOf(files) === null;
      if (isFree) claims.add(files);
      return isFree;
    });
    if (free.length === 0) return steps; // a cycle, which is reported as a problem
    for (const number of free) left.delete(number);
    steps.push(free);
  }
  return steps;
}

function orderText(steps: readonly number[][]): string {
  const [first = []] = steps;
  if (steps.length === 1) return `${first.length} tasks at the same time`;
  const isSequence = steps.every((step) => step.length === 1);
  if (isSequence) return `${steps.length} tasks, one after another: ${listed(steps.map(String), ' → ')}`;
  return listed(
    steps.map((step) => listed(step.map(String), ' + ')),
    ' → ',
  );
}

function listed(items: readonly string[], joint: string): string {
  const more = items.length - shownLimit;
  const shown = items.slice(0, shownLimit).join(joint);
  return more > 0 ? `${shown}${joint}… ${more} more` : shown;
}
