/** The changes of tasks in earlier waves, for a run's prompt. */

import type { PlanDocument } from '../../../machines/document/plan-document.ts';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { instanceTitle, planTree, runName } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../../core/store/port.ts';
import type { EarlierTask } from '../agents/prompts/earlier-waves.ts';
import { type Change, filesOfChanges } from '../git/diff.ts';
import { isAncestor } from '../git/objects.ts';
import { attemptRef, branchRef, readRefs } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { baseOf, type LaunchParts } from './workplace.ts';

/** In a longer plan only the last tasks are listed: an agent builds on them, and each needs a git call. */
const shownTasks = 30;

export interface EarlierWorkParts extends LaunchParts {
  readonly store: Pick<Store, 'launch' | 'runs'>;
}

interface TaskEnd {
  readonly base: string | null;
  readonly ref: string;
}

/** In the document's order. Empty for a run that belongs to no wave. `files` is null if the task has no work on the plan's branch. */
export async function earlierWork(
  parts: EarlierWorkParts,
  repository: Repository,
  brief: {
    readonly project: string;
    readonly plan: string;
    readonly document: PlanDocument;
    readonly run: Pick<AgentRun, 'wave' | 'place'>;
  },
): Promise<EarlierTask[]> {
  const { project, plan, document, run } = brief;
  const before = document.waves.filter(({ number }) => run.wave !== null && number < run.wave);
  const tasks = before.flatMap((wave) => wave.tasks.map((task) => ({ wave: wave.number, task: task.number })));
  const shown = tasks.slice(-shownTasks);
  const ends: (TaskEnd | null)[] = [];
  for (const at of shown) ends.push(await lastEnd(parts, { project, plan, ...at }));
  const [head = null, ...commits] = await readRefs(repository, [
    branchRef(run.place.from),
    ...ends.map((end) => end?.ref ?? 'refs/stator/none'),
  ]);
  const changes: (Change | null)[] = [];
  for (const at of shown.keys()) {
    const [from = null, to = null] = [ends[at]?.base, commits[at]];
    const isMerged = from !== null && to !== null && head !== null && (await isAncestor(repository, to, head));
    changes.push(isMerged ? { from, to } : null);
  }
  const files = await filesOfChanges(
    repository,
    changes.filter((change) => change !== null),
  );
  const rest = files.values();
  return shown.map((task, at) => ({ ...task, files: changes[at] === null ? null : (rest.next().value ?? []) }));
}

/** The last successful run of a task: its start commit, and the ref of its end; null: there is none. */
async function lastEnd(
  parts: EarlierWorkParts,
  { project, plan, wave, task }: { project: string; plan: string; wave: number; task: number },
): Promise<TaskEnd | null> {
  const title = instanceTitle({ plan, role: 'coder', wave, task, round: 1 });
  const runs = await parts.store.runs({ by: 'title', project, title });
  const row = runs.find((run) => run.plan === plan && run.state === 'succeeded');
  if (row === undefined) return null;
  const base = await baseOf(parts, { tree: planTree(project, plan) }, row.run);
  return { base, ref: attemptRef(runName(project, plan, row.run)) };
}
