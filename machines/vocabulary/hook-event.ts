import type { BudgetUse } from './budget.ts';
import { isMachineName } from './ids.ts';
import type { NotificationType } from './notification.ts';

/** Notifications about a plan. There are many of them, and most repeat what another event says, so only a hook that names one receives it. */
export const noticeEvents = [
  'agent_asks',
  'plan_blocked',
  'wave_waiting',
  'budget_near',
  'word_refused',
  'pr_remarked',
  'task_queued',
  'task_dequeued',
  'task_started',
  'task_completed',
  'task_error',
  'work_set_aside',
  'nested_kept',
  'refs_moved',
] as const satisfies readonly NotificationType[];
export type NoticeEvent = (typeof noticeEvents)[number];

/** The events with which a plan or an agent waits for a person, or soon will. */
export const needEvents = [
  'agent_asks',
  'plan_blocked',
  'wave_waiting',
  'budget_near',
] as const satisfies readonly NoticeEvent[];

/** The lifecycle events of a plan. */
export const lifecycleEvents = [
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
] as const;

/** What hooks may receive: the lifecycle events, those about waves, tasks, runs and the pull request, those about the forge of the repo and the network of a run, then the notifications. */
export const hookEvents = [
  ...lifecycleEvents,
  'blocked',
  'resolved',
  'wave_started',
  'wave_finished',
  'wave_failed',
  'task_failed',
  'run_failed',
  'pr_created',
  'forge_down',
  'forge_up',
  'network_refused',
  ...noticeEvents,
] as const;
export type HookEvent = (typeof hookEvents)[number];

/** A public state that a tree of a user-defined machine entered: `<machine>.<tag>`. */
export type MachineEvent = `${string}.${string}`;
export type NotifiedEvent = HookEvent | MachineEvent;

/** The tree and state of such an event; null: the event is of another form. */
export function machineEventOf(event: string): { readonly machine: string; readonly tag: string } | null {
  const dot = event.indexOf('.');
  const [machine, tag] = [event.slice(0, Math.max(0, dot)), event.slice(dot + 1)];
  return isMachineName(machine) && tag.trim() !== '' && tag.length <= 100 ? { machine, tag } : null;
}

export function isNotifiedEvent(event: unknown): event is NotifiedEvent {
  return (
    typeof event === 'string' && ((hookEvents as readonly string[]).includes(event) || machineEventOf(event) !== null)
  );
}

/** More about one event, such as the reason of a block: names of the body, in snake case. */
export type HookDetails = Readonly<Record<string, string | number | null>>;

/** A limit and how much of it is used, as hooks receive it. */
export function budgetDetails({ scope, measure, limit, spent }: BudgetUse): HookDetails {
  return { budget_scope: scope, budget_measure: measure, budget_limit: limit, budget_spent: spent };
}

/** Whether a hook without a list of events receives it. */
export function isUsualEvent(event: NotifiedEvent): boolean {
  return !(noticeEvents as readonly string[]).includes(event) && machineEventOf(event) === null;
}
