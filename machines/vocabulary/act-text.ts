/** What a person did, by the signal that was sent for it: the texts for the lists of a day's work. */
import type { SentByPeople } from './signal.ts';

const texts = {
  plan_start: 'started planning',
  planner_finished: 'reported the planning as finished',
  planner_draft_finished: 'reported a draft as finished',
  choose: 'chose a draft',
  implement_start: 'started implementing',
  implement_finished: 'reported the work as finished',
  implement_task_finished: 'reported a task as finished',
  elaborator_finished: 'reported the tasks as worked out',
  review_approved: 'approved the review',
  review_changes_requested: 'asked for changes',
  verify_approved: 'approved the verification',
  verify_failed: 'refused the verification',
  needs_decision: 'asked for a decision',
  implement_wave: 'started a wave',
  retry_wave: 'retried a wave',
  advance_wave: 'went on without what failed',
  start_over: 'started over',
  reimplement: 'had it implemented anew',
  request_review: 'asked for a review',
  cancel: 'cancelled',
  reopen: 'reopened',
  mark_done: 'marked as done',
  merge: 'merged',
  land: 'put in line to land',
  create_pr: 'asked for a pull request',
  pause: 'paused',
  resume: 'resumed',
  resolve: 'let go on',
  answer: 'answered',
  raise_budget: 'raised the budget',
  set_status: 'set the status',
  plan_updated: 'replaced the document',
  agent_kill: 'ended an agent',
  agent_restart: 'restarted an agent',
  agent_pause: 'paused an agent',
  agent_resume: 'resumed an agent',
  agent_send: 'wrote to an agent',
  agent_type: 'typed to an agent',
  agent_allow: 'allowed what an agent asked for',
  agent_deny: 'forbade what an agent asked for',
  repo_paused: 'paused the repo',
  repo_resumed: 'resumed the repo',
  machine_started: 'started',
} satisfies Record<SentByPeople | 'machine_started', string>;

/** Also for a signal of a user-defined machine, which has no text but its name. */
export function actText(type: string): string {
  return Object.hasOwn(texts, type) ? texts[type as keyof typeof texts] : type.replaceAll('_', ' ');
}
