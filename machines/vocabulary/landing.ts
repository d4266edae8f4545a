/** Where the work of a done plan is: on its branch alone, in the line of its target branch, in a pull request, or in the branch that people work on. */
import { counted } from './numbers.ts';
import type { PlanMerge } from './plan-merge.ts';
import type { PlanPull } from './plan-pull.ts';

export const landings = ['not_merged', 'in_line', 'pull_request_open', 'merged'] as const;
export type Landing = (typeof landings)[number];

/** The signals by which a person lands the work of a done plan. */
export const landingSignals = ['merge', 'land', 'create_pr'] as const;
export type LandingSignal = (typeof landingSignals)[number];

/** Who moves the branch: stator with git, or the forge, which merges the plan's pull request. */
export const landers = ['git', 'forge'] as const;
export type Lander = (typeof landers)[number];

/** The pull request that lands, and the commit that it is to show. */
export interface LandingPull {
  readonly number: number;
  readonly head: string;
  /** The requests of the members that the plan changes, each by its folder, in the order in which they are merged. `head` is the plan's own commit then. */
  readonly members?: readonly { readonly name: string; readonly number: number; readonly head: string }[] | undefined;
}

interface DonePlan {
  readonly merge?: PlanMerge | null;
  readonly pull?: PlanPull | null;
  readonly head: string | null;
  /** The number of times it was started over: a pull request from before does not show its work. */
  readonly pass: number;
  /** A merge that ended while the plan worked on does not contain all of its work. */
  readonly timestamps: { readonly done_at?: number };
}

/** As far as stator knows it: a merge that a person makes with git is not seen. `tags`: the plan's public states. */
export function landingOf({ merge, pull, head, pass, timestamps }: DonePlan, tags: ReadonlySet<string>): Landing {
  const merged = merge?.merged ?? null;
  if (merged !== null && (merged.tip === head || merged.at >= (timestamps.done_at ?? 0))) return 'merged';
  if (tags.has('pull:merged') && pull?.request?.pass === pass) return 'merged';
  if (tags.has('merge:in_line')) return 'in_line';
  return tags.has('pull:open') ? 'pull_request_open' : 'not_merged';
}

/** Written after `done`, or after the number of such plans: `done, not merged`; `3 with an open pull request`. */
export function landingText(landing: Landing, plans = 0): string {
  if (plans > 1 && landing === 'pull_request_open') return 'with an open pull request';
  return landing.replaceAll('_', ' ');
}

/** What happened again and again to the plans at the head of a line: people commit faster than its check runs. */
export function restartsText(restarts: number): string {
  return `begun anew ${counted(restarts, 'time')}, because the branch had moved`;
}
