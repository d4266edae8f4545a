/** What hooks may be told of: the lifecycle events of a plan, then those about its waves, tasks, runs and pull request. */
export const hookEvents = [
  'plan_start',
  'planner_finished',
  'implement_start',
  'implement_finished',
  'review_approved',
  'review_changes_requested',
  'verify_approved',
  'verify_failed',
  'verification_stale',
  'start_over',
  'reimplement',
  'request_review',
  'mark_done',
  'cancel',
  'reopen',
  'blocked',
  'resolved',
  'wave_started',
  'wave_finished',
  'wave_failed',
  'task_failed',
  'run_failed',
  'pr_created',
] as const;
export type HookEvent = (typeof hookEvents)[number];

/** More about one event, such as the reason of a block: names of the body, in snake case. */
export type HookDetails = Readonly<Record<string, string | number | null>>;
