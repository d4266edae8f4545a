/** Which commits a reading of a plan's changes compares. */

import { planContext } from '../../../actors/plan-view.ts';
import { EngineError, planNotFound } from '../../../machines/vocabulary/errors.ts';
import { planTree, type TaskPlace, taskBranch, taskName, taskNamed } from '../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { didYouMean } from '../../base/config/nearest.ts';
import type { PlanRow } from '../../core/store/rows.ts';
import { changeMarked } from '../../work/git/diff.ts';
import { askOwnGit } from '../../work/git/git.ts';
import { findCommit } from '../../work/git/objects.ts';
import { branchRef, readRefs } from '../../work/git/refs.ts';
import { baseBranch, type Repository } from '../../work/git/repository.ts';
import { type PointInTime, replayTo } from './replay.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export interface RangeQuestion {
  readonly project: string;
  readonly plan: string;
  /** `w1-t2`: only the merged changes of that task, or those on its branch so far. */
  readonly task?: string | undefined;
  /** A line of the plan's journal: only what has changed after it. */
  readonly since?: number | undefined;
  /** The moment whose state of the branch is shown; null: now. */
  readonly moment?: PointInTime | null;
}

export interface RangeParts extends Pick<ViewDependencies, 'store' | 'projects' | 'kinds'> {
  /** The plan's tasks, each as `w1-t2`. */
  tasksOf(project: string, plan: string): Promise<readonly string[]>;
}

interface Range {
  readonly from: string;
  readonly to: string;
}

export interface PlanRange extends Range {
  readonly repository: Repository;
  /** `w1-t2`, as it is written everywhere else; null: the whole plan. */
  readonly task: string | null;
}

/**
 * The commits on the plan's branch since its base, or since a line of its journal; or those of one task. A merge into the person's branch does not affect the
 * result. Throws `plan_not_found`, `bad_request` for a text that names no task and for a task with `since`, `not_found` for a task that the plan lacks, and
 * `conflict` if there is no commit yet, or if the commit of that moment or line is gone; for a moment or line also the errors of `replayTo`. `tasksOf` returns
 * the plan's present tasks.
 */
export async function planRange(
  { store, projects, kinds, tasksOf }: RangeParts,
  { project, plan, task, since, moment = null }: RangeQuestion,
): Promise<PlanRange> {
  const row = await store.plan(project, plan);
  if (row === null) throw planNotFound(project, plan);
  const asked = task === undefined ? null : taskOf(task);
  if (asked !== null && since !== undefined)
    throw new EngineError('bad_request', 'the changes of a task have no since', 'give task or since, not both');
  const repository = await projects.repository(project);
  const parts = { store, kinds, repository };
  const [now] = await readRefs(repository, [branchRef(row.branch)]);
  // Where the branch is gone, after the merge for example, its last commit is in the journal.
  const head = (moment === null ? now : null) ?? (await headThen(parts, row, moment ?? { seq: null, atMs: null }));
  const before = since === undefined ? null : await headThen(parts, row, { seq: since, atMs: null });
  const configured = projects.get(project).config.baseBranch;
  const whole =
    head === null ? null : { from: before ?? (await beginOf(repository, row, { head, configured })), to: head };
  const range =
    asked === null ? whole : await rangeOfTask(repository, row, { ...asked, whole, isNow: moment === null });
  if (range === null) {
    if (asked !== null) checkTask(taskName(asked.wave, asked.task), { plan, tasks: await tasksOf(project, plan) });
    const what = asked === null ? `plan ${plan}` : `task ${taskName(asked.wave, asked.task)} of ${plan}`;
    const yet = moment === null ? 'has no commit yet' : 'had no commit yet';
    throw new EngineError('conflict', `${what} ${yet}`, `see how far it is: stator plan show ${plan}`);
  }
  return { repository, task: asked === null ? null : taskName(asked.wave, asked.task), ...range };
}

/** The most tasks that a message names. */
const shownTasks = 10;

/** Throws `not_found`. Changes of a task that was removed from the document are still shown, so only a task without changes is checked. */
function checkTask(task: string, { plan, tasks }: { plan: string; tasks: readonly string[] }): void {
  if (tasks.length === 0 || tasks.includes(task)) return;
  const all = tasks.length > shownTasks ? `: stator plan show ${plan}` : '';
  throw new EngineError(
    'not_found',
    `plan ${plan} has no task ${task}`,
    `${didYouMean(task, tasks)}it has: ${shortList(tasks, shownTasks)}${all}`,
  );
}

function taskOf(word: string): TaskPlace {
  const found = taskNamed(word.trim().toLowerCase());
  if (found !== null) return found;
  const [, wave, task] = /^(?:wave)?\D?([0-9]{1,4})\D+([0-9]{1,4})$/i.exec(word.trim()) ?? [];
  const hint =
    wave === undefined || task === undefined ? 'say wave and task such as w1-t2' : `did you mean w${wave}-t${task}?`;
  throw new EngineError('bad_request', `task: "${word.slice(0, 60)}" is no task`, hint);
}

/** The merge base of the head with the commit at which the plan began, or with the base branch if that commit is not stored. */
async function beginOf(
  repository: Repository,
  row: PlanRow,
  { head, configured }: { head: string; configured: string },
): Promise<string> {
  const start = row.base?.commit ?? (await baseBranch(repository, configured));
  return (await askOwnGit(repository.path, ['merge-base', start, head])) ?? start;
}

/** The types of the signals that report the head of the plan's branch, in their field `head`. */
const moves: ReadonlySet<string> = new Set([
  'branch_archived',
  'branch_based',
  'head_moved',
  'work_committed',
  'work_merged',
]);

/**
 * The head of the plan's branch at that moment, according to its journal; null: nothing had begun. Throws `conflict` if the commit is gone, and the errors of
 * `replayTo`.
 */
async function headThen(
  { store, kinds, repository }: Pick<RangeParts, 'store' | 'kinds'> & { readonly repository: Repository },
  { project, plan }: PlanRow,
  moment: PointInTime,
): Promise<string | null> {
  const address = planTree(project, plan);
  const { tree, line, lines } = await replayTo({ store, kinds }, address, moment);
  const { policy } = planContext(tree);
  let head: string | null = null;
  for (const { input, actor } of lines) {
    if (input === null || !moves.has(input.type) || !('payload' in input)) continue;
    // A wave's task has its own branch until it is merged.
    if (input.type === 'work_committed' && actor.includes('/') && policy.isolation === 'task') continue;
    if ('head' in input.payload && typeof input.payload.head === 'string') head = input.payload.head;
  }
  if (head === null || (await findCommit(repository, head)) !== null) return head;
  throw new EngineError(
    'conflict',
    `${plan} was at commit ${head} after line ${line.seq}, and that commit is gone`,
    'git keeps no commit that no branch or ref holds: ask for another moment',
  );
}

/** The commits of the task's branch that the plan's branch lacks, otherwise the task's merged commits. */
async function rangeOfTask(
  repository: Repository,
  { plan, branch }: PlanRow,
  { wave, task, whole, isNow }: { wave: number; task: number; whole: Range | null; isNow: boolean },
): Promise<Range | null> {
  if (whole === null) return null;
  const marked = () => changeMarked(repository, whole, `(${plan} w${wave} t${task})`);
  if (!isNow) return marked();
  // The branch goes away once its work is merged, perhaps between these two looks; its commit does not.
  const [head] = await readRefs(repository, [branchRef(taskBranch(branch, wave, task))]);
  const fork = head == null ? null : await askOwnGit(repository.path, ['merge-base', whole.to, head]);
  if (head != null && fork !== null && fork !== head) return { from: fork, to: head };
  return marked();
}
