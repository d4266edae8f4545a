/** The group of a plan in the fleet, and why the plan needs a person, as its entry says. */
import { isOver } from '../machines/vocabulary/plan-status.ts';
import type { PlanEntry } from '../runtime/api/contract/plans.ts';

export const groups = ['asks', 'works', 'waits', 'ready', 'done', 'cancelled'] as const;
export type Group = (typeof groups)[number];

/** Why a plan needs a person; null: it does not. */
export function needOf({ plan, need }: PlanEntry): PlanEntry['need'] {
  return need === null ? null : { ...need, why: shortTitles(need.why, plan) };
}

export function groupOf({ turn, status }: PlanEntry): Group {
  switch (turn) {
    case 'person':
      return 'asks';
    case 'agents':
      return 'works';
    case 'waiting':
      return 'waits';
    case 'nobody':
      return isOver(status) ? status : 'ready';
    default:
      return turn satisfies never;
  }
}

/** The shape of a plan's state. A plan that waits is drawn as idle. */
export function shapeOf(plan: PlanEntry): string {
  const group = groupOf(plan);
  if (group === 'asks') return 'asks';
  if (plan.paused) return 'paused';
  return group === 'waits' ? 'queued' : plan.status;
}

/** `w1-t2` for `login-w1-t2`: the plan's name is shown beside it. */
export function shortTitle(title: string, plan: string): string {
  return title.startsWith(`${plan}-`) ? title.slice(plan.length + 1) : title;
}

/** A command in a sentence, up to the end of its clause. */
const command = /(\bstator [a-z][^;,)\n]*)/;

/** Shortens the titles in a sentence of the engine. Commands stay as they are, since a person copies them. */
export function shortTitles(text: string, plan: string): string {
  const short = (words: string) =>
    words
      .split(/(?<=[\s,(])/)
      .map((word) => shortTitle(word, plan))
      .join('');
  return text
    .split(command)
    .map((part, index) => (index % 2 === 1 ? part : short(part)))
    .join('');
}

export function planAddress({ project, plan }: { readonly project: string; readonly plan: string }): string {
  return `#/plan/${encodeURIComponent(project)}/${encodeURIComponent(plan)}`;
}

export function repoAddress(project: string): string {
  return `#/repo/${encodeURIComponent(project)}`;
}
