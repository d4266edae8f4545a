/** What people are told, by kind: five for an agent on its way through the queue, one for what machines of one's own tell, the others where a person is needed. */
export const notificationTypes = [
  'task_queued',
  'task_dequeued',
  'task_started',
  'task_completed',
  'task_error',
  'work_set_aside',
  'plan_blocked',
  'wave_waiting',
  'agent_asks',
  'budget_near',
  'pr_remarked',
  'hook_off',
  'forge_down',
  'account_limited',
  'machine_notice',
] as const;
export type NotificationType = (typeof notificationTypes)[number];
