/** In which group of the fleet a plan is, and why it needs a person: as its entry says it. */
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

/** How a plan is drawn; one that waits, as not at work. */
export function shapeOf(plan: PlanEntry): string {
  const group = groupOf(plan);
  if (group === 'asks') return 'asks';
  if (plan.paused) return 'paused';
  return group === 'waits' ? 'queued' : plan.status;
}

/** `w1-t2` of `login-w1-t2`: the plan's name is beside it. */
export function shortTitle(title: string, plan: string): string {
  return title.startsWith(`${plan}-`) ? title.slice(plan.length + 1) : title;
}

/** A command in a sentence, to where its clause ends. */
const command = /(\bstator [a-z][^;,)\n]*)/;

/** Likewise in a sentence of the engine's, where words are set apart by blanks and commas. A command is pasted elsewhere, and stays as it is. */
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
