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

/** What a person can set a plan to, whatever its lifecycle says; `planned` is `ready` with a document of waves. */
export const forceTargets = [...planStatuses, 'planned'] as const;

/** The status that the tags of a plan's state name; null: no tag does. */
export function statusIn(tags: Iterable<string>): PlanStatus | null {
  for (const tag of tags) if (tag.startsWith('status:')) return tag.slice('status:'.length) as PlanStatus; // no other tag begins so: see public-state.ts
  return null;
}

/** Its document is not one of waves yet, and nothing has begun. */
export function isDraft({ status, phase }: { readonly status: string | null; readonly phase: string | null }): boolean {
  return status === 'ready' && phase === null;
}

/** It has ended: none of its agents works any more, and it can be merged, reopened or deleted. */
export function isOver(status: string | null): status is 'done' | 'cancelled' {
  return status === 'done' || status === 'cancelled';
}

/** It was started and has not ended. */
export function isUnderWay(status: PlanStatus): boolean {
  return status !== 'ready' && !isOver(status);
}
