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
