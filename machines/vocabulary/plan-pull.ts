/** A plan's pull request on its forge: what is asked for, what there is, and why there is none. */

export interface PullRequest {
  number: number;
  url: string;
  /** The name of the server that it is on. */
  server: string;
  /** The commit of the plan's branch that was pushed for it last. */
  head: string;
  /** It was merged or closed there. */
  isOver: boolean;
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
  /** Comments, reviews and failed checks that the plan was told of, by the ids of the forge; the last 500. */
  seen: string[];
}

export const noPull: PlanPullState = {
  work: null,
  isAuto: false,
  isWanted: false,
  request: null,
  refused: null,
  seen: [],
};
