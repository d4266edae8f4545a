/** A plan's pull request on its forge: what is asked for, what there is, and why there is none. */

export interface PullRequest {
  number: number;
  url: string;
  /** The name of the server that it is on. */
  server: string;
  /** The commit of the plan's branch that was pushed for it last. */
  head: string;
  state: 'open' | 'merged' | 'closed';
  /** The plan's `pass` that it shows: after a new beginning it belongs to the work of before. */
  pass: number;
  /** Rounds of work that its reviewers and checks have asked for, over its whole life. */
  cycles: number;
  /** The checks that failed when the plan was last told of any: a digest of what each said, by name. What said nothing is not there. */
  failing: Record<string, string>;
  /** Its merge by the forge; null: not asked for. */
  merge: ForgeMerge | null;
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
  /** The name of the effect that is under way. */
  work: string | null;
  /** The commit that may be merged, and no other. */
  head: string;
  state: (typeof forgeMergeStates)[number];
  detail: string;
}

/** What is said of a merge without a person beside its request. */
export function forgeMergeText({ state, detail }: Pick<ForgeMerge, 'state' | 'detail'>): string {
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

/** What somebody wrote on the pull request that starts no work. */
export interface Remark {
  id: string;
  author: string;
  text: string;
  url: string;
}

export interface PlanPullState {
  /** The name of the effect that is under way. */
  work: string | null;
  /** Asked for by `auto_create_pr`, not by a person who waits for the answer. */
  isAuto: boolean;
  /** The plan came to its end by itself, with `auto_create_pr` on: where a forge is configured one is made. */
  isWanted: boolean;
  request: PullRequest | null;
  refused: { at: number; detail: string } | null;
  /** Comments, reviews and failed checks that the plan was told of, by the ids of the forge; the last 1,000. */
  seen: string[];
  /** The newest remarks, the oldest of them first; 20 at most. */
  remarks: Remark[];
}

export const noPull: PlanPullState = {
  work: null,
  isAuto: false,
  isWanted: false,
  request: null,
  refused: null,
  seen: [],
  remarks: [],
};

/** The request that people may still merge on the forge. */
export function openRequest(pull: PlanPullState | null | undefined): PullRequest | null {
  return pull?.request?.state === 'open' ? pull.request : null;
}
