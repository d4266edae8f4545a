/** What a plan, or one task of it, has changed: read from git alone. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { taskBranch } from '../../machines/vocabulary/ids.ts';
import type { PlanDiff } from '../contract/plans.ts';
import { changeMarked, diffStat, diffText, fileChanges } from '../git/diff.ts';
import { askOwnGit } from '../git/git.ts';
import { branchRef, readRefs } from '../git/refs.ts';
import { baseBranch, type Repository } from '../git/repository.ts';
import type { PlanRow } from '../store/rows.ts';
import type { ViewParts } from './parts.ts';

export interface DiffQuestion {
  readonly project: string;
  readonly plan: string;
  /** `w1-t2`: what that task brought, or has on its branch so far. */
  readonly task?: string | undefined;
}

interface Range {
  readonly from: string;
  readonly to: string;
}

/**
 * What is committed on the plan's branch since it was begun, or what one task brought. A merge into the person's branch changes nothing of it.
 * Throws `plan_not_found`, `bad_request` for a task that is none, and `conflict` where there is no commit yet.
 */
export async function planDiff(
  { store, projects }: Pick<ViewParts, 'store' | 'projects'>,
  { project, plan, task }: DiffQuestion,
): Promise<PlanDiff> {
  const row = await store.plan(project, plan);
  if (row === null) {
    throw new EngineError(
      'plan_not_found',
      `plan not found: ${project}/${plan}`,
      'see the plans with: stator plan list',
    );
  }
  const asked = task === undefined ? null : taskOf(task);
  const repository = await projects.repository(project);
  const [head] = await readRefs(repository, [branchRef(row.branch)]);
  const whole =
    head == null ? null : { from: await beginOf(repository, row, projects.get(project).config.baseBranch), to: head };
  const range = asked === null ? whole : await rangeOfTask(repository, row, { ...asked, whole });
  if (range === null) {
    const what = asked === null ? `plan ${plan}` : `task w${asked.wave}-t${asked.task} of ${plan}`;
    throw new EngineError('conflict', `${what} has no commit yet`, `see how far it is: stator plan show ${plan}`);
  }
  const files = await fileChanges(repository, range.from, range.to);
  const { text, leftOut } = await diffText(repository, range.from, range.to, files);
  return {
    project,
    plan,
    task: asked === null ? null : `w${asked.wave}-t${asked.task}`,
    ...range,
    files,
    stat: await diffStat(repository, range.from, range.to),
    diff: text,
    files_left_out: leftOut,
  };
}

function taskOf(word: string): { wave: number; task: number } {
  const found = /^w([0-9]{1,4})-t([0-9]{1,4})$/i.exec(word.trim());
  if (found !== null) return { wave: Number(found[1]), task: Number(found[2]) };
  throw new EngineError('bad_request', `task: "${word.slice(0, 60)}" is no task`, 'say wave and task such as w1-t2');
}

/** Where the plan was begun; of one that an earlier version made, where it parted from the base branch. */
async function beginOf(repository: Repository, row: PlanRow, configured: string): Promise<string> {
  const start = row.base?.commit ?? (await baseBranch(repository, configured));
  return (await askOwnGit(repository.path, ['merge-base', start, branchRef(row.branch)])) ?? start;
}

/** What the task brought into the plan's branch, else what its own branch has that the plan's has not. */
async function rangeOfTask(
  repository: Repository,
  { plan, branch }: PlanRow,
  { wave, task, whole }: { wave: number; task: number; whole: Range | null },
): Promise<Range | null> {
  if (whole === null) return null;
  const own = branchRef(taskBranch(branch, wave, task));
  const [head] = await readRefs(repository, [own]);
  const fork = head == null ? null : await askOwnGit(repository.path, ['merge-base', whole.to, own]);
  if (head != null && fork !== null && fork !== head) return { from: fork, to: head };
  return changeMarked(repository, whole, `(${plan} w${wave} t${task})`);
}
