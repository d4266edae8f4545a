/** Whose turn it is: why a plan needs a person, and in which group of the fleet it stands. */
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import type { InstanceEntry } from '../runtime/api/contract/runs.ts';

export const groups = ['asks', 'works', 'waits', 'ready', 'done', 'cancelled'] as const;
export type Group = (typeof groups)[number];

export interface Need {
  readonly why: string;
  readonly since: string;
}

/** Why a plan needs a person; null: it does not. `agents` are its own. */
export function needOf(plan: PlanEntry, agents: readonly InstanceEntry[]): Need | null {
  if (plan.blocked !== null) return { why: shortTitles(plan.blocked.reason, plan.plan), since: plan.blocked.at };
  if (plan.phase === 'wave_waiting')
    return { why: plan.waiting_for?.detail ?? 'its wave is over, and not all of it is done', since: plan.updated_at };
  const [asked] = agents
    .flatMap(({ title, permissions }) => permissions.map((each) => ({ title, ...each })))
    .sort((a, b) => a.asked_at.localeCompare(b.asked_at));
  if (asked === undefined) return null;
  const title = shortTitle(asked.title, plan.plan);
  return { why: `${title} asks whether it may use ${asked.tool}: ${asked.detail}`, since: asked.asked_at };
}

export function groupOf(plan: PlanEntry, agents: readonly InstanceEntry[]): Group {
  if (needOf(plan, agents) !== null) return 'asks';
  if (plan.status === 'ready' || plan.status === 'done' || plan.status === 'cancelled') return plan.status;
  return plan.waiting_for === null || agents.some(({ state }) => state === 'running') ? 'works' : 'waits';
}

/** `w1-t2` of `login-w1-t2`: the plan's name stands beside it. */
export function shortTitle(title: string, plan: string): string {
  return title.startsWith(`${plan}-`) ? title.slice(plan.length + 1) : title;
}

/** Likewise in a sentence of the engine's, where words are set apart by blanks and commas. */
export function shortTitles(text: string, plan: string): string {
  return text
    .split(/(?<=[\s,(])/)
    .map((word) => shortTitle(word, plan))
    .join('');
}

export function planAddress({ project, plan }: { readonly project: string; readonly plan: string }): string {
  return `#/plan/${encodeURIComponent(project)}/${encodeURIComponent(plan)}`;
}
