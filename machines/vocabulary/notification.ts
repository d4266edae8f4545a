/** The types of notifications: five follow an agent through the queue, one is for machines of your own, the others say that a person is needed. */
export const notificationTypes = [
  'task_queued',
  'task_dequeued',
  'task_started',
  'task_completed',
  'task_error',
  'work_set_aside',
  'nested_kept',
  'refs_moved',
  'plan_blocked',
  'wave_waiting',
  'agent_asks',
  'budget_near',
  'word_refused',
  'pr_remarked',
  'hook_off',
  'forge_down',
  'account_limited',
  'note_proposed',
  'machine_notice',
] as const;
export type NotificationType = (typeof notificationTypes)[number];
