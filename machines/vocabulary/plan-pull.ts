/** A plan's pull request on its forge: its data, and why there is none. */

export interface PullRequest {
  number: number;
  url: string;
  /** The name of the server that it is on. */
  server: string;
  /** The commit of the plan's branch that was pushed for it last. */
  head: string;
  /** The plan's `pass` that it shows: after the plan was started over it belongs to earlier work. */
  pass: number;
  /** Rounds of work that its reviewers and checks have asked for, over its whole life. */
  cycles: number;
  /** The checks that failed when failed checks were last reported: by name, a digest of the output. A check without output is not listed. */
  failing: Record<string, string>;
}

/** Who merges a pull request: a person, or stator and the forge as soon as it is approved and its checks have passed. */
export const pullMergeModes = ['manual', 'when-green'] as const;
export type PullMergeMode = (typeof pullMergeModes)[number];

/** How a forge puts a request's commits on the branch. */
export const mergeMethods = ['merge', 'squash', 'rebase'] as const;
export type MergeMethod = (typeof mergeMethods)[number];

/**
 * `asked`: the effect is under way. `scheduled`: the forge merges it when its own conditions are met. `watched`: the forge is asked again as soon as it is approved and
 * green. `refused`: it was not taken, with the reason.
 */
export const forgeMergeStates = ['asked', 'scheduled', 'watched', 'refused'] as const;

export interface ForgeMerge {
  state: (typeof forgeMergeStates)[number];
  detail: string;
}

/** The note beside a request about its merge without a person. */
export function forgeMergeText({ state, detail }: ForgeMerge): string {
  switch (state) {
    case 'asked':
      return 'its forge is being asked to merge it';
    case 'scheduled':
      return 'the forge merges it when it is approved and green';
    case 'watched':
      return 'stator merges it when it is approved and green, while an engine runs';
    case 'refused':
      return `not merged: ${detail}`;
    default:
      return state satisfies never;
  }
}

/** A remark on the pull request that starts no work. */
export interface Remark {
  id: string;
  author: string;
  text: string;
  url: string;
}

/** What a plan remembers of its pull request. The progress is a state of its chart. */
export interface PlanPull {
  /** The name of the effect that is under way: it is made, pushed to, or its forge is asked to merge it. */
  work: string | null;
  /** The one that is open, or that was merged or closed last. */
  request: PullRequest | null;
  /** Why it was not made, not pushed to or not merged, until it is. */
  refused: { at: number; detail: string } | null;
  /** Comments, reviews and failed checks that the plan has received, by the ids of the forge; the last 1,000. */
  seen: string[];
  /** The newest remarks, the oldest of them first; 20 at most. */
  remarks: Remark[];
}

export const noPull: PlanPull = { work: null, request: null, refused: null, seen: [], remarks: [] };
