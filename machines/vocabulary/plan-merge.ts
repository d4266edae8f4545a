/** A done plan on its way into the branch that people work on: its progress, and why it may be refused. */

/**
 * Why a merge is refused; nothing was changed. `overlap`: the checkout of the target branch has uncommitted changes in the files; `busy`: a merge or
 * rebase runs there; `conflict`: with the target branch; `no_branch`: there is no target branch; `no_work`: the plan has no branch; `moved`: its branch
 * is at another commit than the approved one; `after`: the target branch does not contain a plan that this one depends on; `lost_work`: work that was done is not on the plan's branch; `check`: the check of `[landing]` failed on the merge; `pull`: its pull request is not the one that was approved, or its forge does not merge it; `forge_waits`: the forge waits for a check or an approval; `git`: git failed.
 */
export const mergeObstacles = [
  'overlap',
  'busy',
  'conflict',
  'no_branch',
  'no_work',
  'moved',
  'after',
  'lost_work',
  'check',
  'pull',
  'forge_waits',
  'git',
] as const;
export type MergeObstacle = (typeof mergeObstacles)[number];

/** The commit at which a plan's work was last approved, and who approved it. */
export interface Approval {
  readonly sha: string;
  readonly by: 'reviewer' | 'verifier';
}

/** Merged at `at`: `head` on the branch `into` holds it, `tip` was the plan's own head. */
export interface Merged {
  at: number;
  head: string;
  into: string;
  tip: string;
  /** What a person should know of it. */
  note?: string;
}

export interface MergeRefused {
  at: number;
  why: MergeObstacle;
  into: string | null;
  files: string[];
  /** The event and the next step, for people. */
  detail: string;
}

/** What a plan remembers of its merge. The progress is a state of its chart. */
export interface PlanMerge {
  /** The name of the effect that is under way. */
  work: string | null;
  /** The branch that a person named; null: the one that the plan was begun from. */
  into: string | null;
  /** The forge lands it, by its pull request; absent: no. */
  byForge?: boolean;
  /** A person wants the plan that it is based on merged along with it; absent: no. */
  withAfter?: boolean;
  /** The plan's commit with which its line last handed it to a fixer; absent: it did not, or a person retried since. */
  fixedFrom?: string;
  /** The last merge that still counts. */
  merged: Merged | null;
  /** Why the last attempt changed nothing. */
  refused: MergeRefused | null;
}

export const noMerge: PlanMerge = { work: null, into: null, merged: null, refused: null };
