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
  /** The pull requests of its parts, in the order in which they are merged, and which parts these are; `number` and `url` are those of the first that is open. Absent: the plan has one. */
  stack?: readonly StackLayer[];
  stackMode?: RequestMode;
}

/** Which parts of a plan have a pull request of their own, each based on the one below: none, so that the plan has one; its waves; or its tasks. */
export const stackModes = ['none', 'wave', 'task'] as const;
export type StackMode = (typeof stackModes)[number];
/** `member`: one for each member of the plan's repo that the plan changes, at the forge of that member, for the member's own branch. */
export const requestModes = [...stackModes, 'member'] as const;
export type RequestMode = (typeof requestModes)[number];

/** One of several pull requests of a plan, as the forge last reported it. */
export interface StackLayer {
  /** `w1`, or `w1-t2` where each task has one; of a member, its folder. */
  readonly name: string;
  readonly title: string;
  readonly branch: string;
  readonly number: number;
  readonly url: string;
  readonly state: 'open' | 'merged' | 'closed';
  /** The commit that it shows. */
  readonly head: string;
  /** The branch that it is for, or went into. */
  readonly base: string;
  /** The registered repo at whose forge it is; absent: the plan's own. */
  readonly project?: string | undefined;
  /** What people pushed to it and the plan's branch does not have yet, the oldest first. Absent: nothing. */
  readonly pushed?: PersonsPush[] | undefined;
}

/** A push of other people to the branch of a part, or several pushes between two requests to the forge. */
export interface PersonsPush {
  /** The branch's commit before and after it. */
  readonly from: string;
  readonly to: string;
  /** Commits that came with another part, which was merged into this one. */
  readonly without?: string[] | undefined;
}

/** The most that is remembered for each part; the last ones become one. */
export const maxPushes = 50;

/** How a plan's branch took people's pushes: the plan counts as approved with them, or is to be judged again. */
export const takenAs = ['approved', 'to_judge'] as const;
export type TakenAs = (typeof takenAs)[number];

/** A wave or a task that is done; one that changed nothing is no part. */
export interface StackPart {
  readonly name: string;
  readonly title: string;
  readonly branch: string;
  /** The commits at which its work ended. */
  readonly commits: readonly string[];
}

/** A stack that the forge must get: its done parts, and the requests that the plan already knows there. */
export interface AskedStack {
  readonly mode: RequestMode;
  readonly parts: readonly StackPart[];
  /** How many parts there are to be. */
  readonly planned: number;
  readonly known: readonly StackLayer[];
  /** The commit of the plan's branch that was pushed last; null: nothing was. */
  readonly from: string | null;
  /** The plan is done: what is on its branch beside the parts belongs to them. */
  readonly isWhole: boolean;
  /** No further part is to come. */
  readonly isLast: boolean;
  /** The name of the part whose reviewers asked for the new commits; null: no reviewer did. */
  readonly fixes: string | null;
  /** A person asked: what was closed gets a new request. */
  readonly byHand: boolean;
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
  /** How many parts of a stack were requested last, and with which head if the plan was done. */
  asked?: { parts: number; head: string | null; byHand: boolean };
  /** The part of a stack whose reviewers requested changes last. */
  fixes?: string;
}

export const noPull: PlanPull = { work: null, request: null, refused: null, seen: [], remarks: [] };
