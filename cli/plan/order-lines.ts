/** The order in which a document's tasks run, as people say it. */

import type { PlanDocument, PlanWave } from '../../machines/document/shape.ts';
import { createClaims } from '../../machines/vocabulary/file-claims.ts';

/** How many groups a line names. */
const shownSteps = 12;

/** One line for each wave; waves of one task add nothing to the list of sections. */
export function orderLines({ waves }: Pick<PlanDocument, 'waves'>): string[] {
  return waves.flatMap((wave) => (wave.tasks.length < 2 ? [] : [`  wave ${wave.number}: ${orderText(stepsOf(wave))}`]));
}

/** Numbers of tasks that may run at the same time, in the order of their starts, if all take equally long. */
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
    if (free.length === 0) return steps; // a circle, which is a problem of its own
    for (const number of free) left.delete(number);
    steps.push(free);
  }
  return steps;
}

function orderText(steps: readonly number[][]): string {
  const [first = []] = steps;
  if (steps.length === 1) return `${first.length} tasks at the same time`;
  const isSequence = steps.every((step) => step.length === 1);
  if (isSequence) return `${steps.length} tasks, one after another: ${listed(steps.map(String))}`;
  return listed(steps.map((step) => step.join(' + ')));
}

function listed(steps: readonly string[]): string {
  const more = steps.length - shownSteps;
  const shown = steps.slice(0, shownSteps).join(' → ');
  return more > 0 ? `${shown} → … ${more} more` : shown;
}
