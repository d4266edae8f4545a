/** What must hold between the waves and tasks of a plan: their numbers, and which comes after which. */
import { type PlanTask, type PlanWave, planNumberLimit, type ReportProblem } from './shape.ts';
import type { TaskLink } from './task-fields.ts';

/** The most tasks that a message names; the others are counted. */
const namedLimit = 10;

/** Reports waves and task numbers that occur twice, waves that are out of order or have no task, and links that are impossible. */
export function checkOrder(waves: PlanWave[], links: TaskLink[], report: ReportProblem): void {
  checkWaveNumbers(waves, report);
  const linksOf = groupedByTask(links);
  for (const wave of waves) {
    if (wave.tasks.length === 0) {
      report(wave.line, `wave ${wave.number} has no task; add ### Task 1: title below it, or remove the wave`);
    }
    const tasks = checkTaskNumbers(wave, report);
    checkUnknown(wave, tasks, linksOf, report);
    checkCycles(tasks, linksOf, report);
  }
}

function checkWaveNumbers(waves: PlanWave[], report: ReportProblem): void {
  const lines = new Map<number, number>();
  let previous = 0;
  for (const { number, line } of waves) {
    if (number > planNumberLimit) continue; // reported where it was read
    const first = lines.get(number);
    if (first !== undefined) {
      report(line, `wave ${number} occurs twice, first in line ${first}; give each wave a number of its own`);
      continue;
    }
    lines.set(number, line);
    if (number !== previous + 1) {
      const found = previous === 0 ? `the first wave is wave ${number}` : `wave ${number} follows wave ${previous}`;
      report(line, `${found}, where wave ${previous + 1} is expected; number the waves 1, 2, 3, … in order`);
    }
    previous = number;
  }
}

function checkTaskNumbers(wave: PlanWave, report: ReportProblem): Map<number, PlanTask> {
  const tasks = new Map<number, PlanTask>();
  for (const task of wave.tasks) {
    const first = tasks.get(task.number);
    if (first === undefined) tasks.set(task.number, task);
    else if (task.title !== '' && task.number <= planNumberLimit) {
      const found = `task ${task.number} occurs twice in wave ${wave.number}, first in line ${first.line}`;
      report(task.line, `${found}; give each task of a wave a number of its own`);
    }
  }
  return tasks;
}

type LinksOf = Map<PlanTask, TaskLink[]>;

function groupedByTask(links: TaskLink[]): LinksOf {
  const linksOf: LinksOf = new Map();
  for (const link of links) {
    const own = linksOf.get(link.task);
    if (own === undefined) linksOf.set(link.task, [link]);
    else own.push(link);
  }
  return linksOf;
}

function checkUnknown(wave: PlanWave, tasks: Map<number, PlanTask>, linksOf: LinksOf, report: ReportProblem): void {
  const names = named([...tasks.keys()].map(String), ', ');
  for (const task of wave.tasks) {
    for (const link of linksOf.get(task) ?? []) {
      if (tasks.has(link.after)) continue;
      const found = `task ${task.number} comes after task ${link.after}, which wave ${wave.number} does not have`;
      report(link.line, `${found}; name tasks of the same wave: ${names}`);
    }
  }
}

/** Depth first with a stack of its own, since a chain may be as long as the document. Every link is followed once. */
function checkCycles(tasks: Map<number, PlanTask>, linksOf: LinksOf, report: ReportProblem): void {
  const done = new Set<PlanTask>();
  for (const root of tasks.values()) {
    if (done.has(root)) continue;
    const path = [{ task: root, next: 0 }];
    const depths = new Map([[root, 0]]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const link = linksOf.get(top.task)?.[top.next];
      top.next += 1;
      const target = link === undefined ? undefined : tasks.get(link.after);
      if (link === undefined) {
        path.pop();
        depths.delete(top.task);
        done.add(top.task);
      } else if (target !== undefined && !done.has(target)) {
        const depth = depths.get(target);
        if (depth === undefined) {
          depths.set(target, path.length);
          path.push({ task: target, next: 0 });
        } else reportCycle(link, path, depth, report);
      }
    }
  }
}

function reportCycle(link: TaskLink, path: { task: PlanTask }[], depth: number, report: ReportProblem): void {
  const length = path.length - depth;
  const shown = path.slice(depth, depth + namedLimit).map(({ task }) => String(task.number));
  const middle = length > namedLimit ? ` → … ${length - namedLimit} more` : '';
  const circle = `tasks wait for each other in a circle: ${shown.join(' → ')}${middle} → ${link.after}`;
  const itself = `task ${link.after} comes after itself; remove ${link.after} from its **After:**`;
  report(link.line, length === 1 ? itself : `${circle}; remove one of them from an **After:**`);
}

function named(names: string[], separator: string): string {
  const shown = names.slice(0, namedLimit).join(separator);
  return names.length > namedLimit ? `${shown} and ${names.length - namedLimit} more` : shown;
}
