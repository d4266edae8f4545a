/** The plan documents that a repo already contains, of whatever program. */

import { dirname, join } from 'node:path';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { type PlanInFolder, plansIn } from '../plan-file.ts';
import { planPlaces } from '../plan-places.ts';

/** Files in the root folder of the repo. */
const files = ['PLAN.md', 'IMPLEMENTATION_PLAN.md', 'PRD.md', 'plan.md', 'tasks.md', 'tasks.json', 'prd.json'] as const;

export interface FoundPlan {
  /** The path from the root of the repo. */
  readonly file: string;
  readonly family: string;
  readonly tasks: number;
  readonly tasks_done: number;
}

/** The plans that can be read completely, those with open work first. */
export async function foundPlans(repo: string): Promise<FoundPlan[]> {
  const found: FoundPlan[] = [];
  // These folders are searched to a depth of four.
  for (const place of planPlaces) found.push(...(await plansIn(join(repo, place))).map((plan) => planAt(place, plan)));
  found.push(...(await plansIn(repo, { only: files })).map((plan) => planAt('', plan)));
  return found.sort((a, b) => Number(isOver(a)) - Number(isOver(b)));
}

function planAt(place: string, { path, reading: { family, counts } }: PlanInFolder): FoundPlan {
  return { file: join(place, path), family, tasks: counts.tasks, tasks_done: counts.done };
}

function isOver({ tasks, tasks_done: done }: FoundPlan): boolean {
  return tasks === done;
}

const shownPlans = 5;

/** One line for each, with the command that runs it. */
export function planLines(found: readonly FoundPlan[]): string[] {
  const open = found.filter((plan) => !isOver(plan));
  if (open.length === 0) return [];
  const lines = open.slice(0, shownPlans).map(({ file, family, tasks, tasks_done: done }) => {
    const progress = done === 0 ? counted(tasks, 'task') : `${counted(tasks, 'task')}, ${done} done`;
    return `  stator run ${shellWord(file)}  # ${family}: ${progress}`;
  });
  const more = open.slice(shownPlans);
  const folders = [...new Set(more.map(({ file }) => dirname(dirname(file))))];
  return [
    'plans that are here:',
    ...lines,
    ...(more.length === 0
      ? []
      : [`  and ${more.length} more: stator plan import ${folders.slice(0, 3).map(shellWord).join(' ')}`]),
  ];
}
