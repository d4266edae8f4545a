/** Which plan a branch of ours belongs to. */
import type { PlanTrace } from '../store/rows.ts';
import type { Round } from './round.ts';

/** What a task's branch adds to its plan's. */
const taskSuffix = /-w\d+-t\d+$/;

/** Of two plans with one branch the one that is there counts, else the one that was deleted last. */
export function planOfBranch({ plans }: Pick<Round, 'plans'>, project: string, branch: string): PlanTrace | undefined {
  const stem = branch.replace(taskSuffix, '');
  let found: PlanTrace | undefined;
  for (const plan of plans.values()) {
    if (plan.project !== project || (plan.branch !== branch && plan.branch !== stem)) continue;
    if (found === undefined || endOf(plan) > endOf(found)) found = plan;
  }
  return found;
}

function endOf({ deletedAt }: PlanTrace): number {
  return deletedAt ?? Number.POSITIVE_INFINITY;
}
