/** The statuses of a plan, as every surface names them. */

export const planStatuses = [
  'ready',
  'planning',
  'implementing',
  'reviewing',
  'verifying',
  'done',
  'cancelled',
] as const;
export type PlanStatus = (typeof planStatuses)[number];

/** It has ended: none of its agents works any more, and it can be merged, reopened or deleted. */
export function isOver(status: PlanStatus | null): status is 'done' | 'cancelled' {
  return status === 'done' || status === 'cancelled';
}

/** It was started and has not ended. */
export function isUnderWay(status: PlanStatus): boolean {
  return status !== 'ready' && !isOver(status);
}
