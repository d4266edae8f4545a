/** The interface to a forge, the same for GitHub, Gitea, Forgejo and GitLab. */
import type { MergeMethod } from '../../../machines/vocabulary/plan-pull.ts';
import type { OutboundAnswer, OutboundRequest } from '../../base/platform/outbound.ts';
import type { ForgeKind } from './kinds/kinds.ts';

/** A forge in a person's list. */
export interface Server {
  readonly name: string;
  /** Its web address: `https://codeberg.org`, without a slash at its end. */
  readonly url: string;
  readonly kind: ForgeKind;
  /** Whether it may have a private address. */
  readonly allowPrivate: boolean;
}

/** A repository on a forge: `owner` has slashes if the forge has nested groups. */
export interface ForgeRepo {
  readonly owner: string;
  readonly name: string;
}

export interface Issue {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly author: string;
  readonly state: 'open' | 'closed';
  readonly url: string;
  /** The newest comments, the oldest first; 100 at most. */
  readonly comments: readonly Comment[];
  /** Why some comments are missing; null: all that fit are there. */
  readonly commentsTrouble: string | null;
}

export interface Comment {
  readonly author: string;
  readonly body: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface PullRequest {
  readonly number: number;
  readonly url: string;
  readonly state: 'open' | 'merged' | 'closed';
  /** Its source branch, and that branch's commit on the forge. */
  readonly head: string;
  readonly headCommit: string;
  readonly base: string;
  readonly mergeCommit: string | null;
  /** The requested reviewers who have not answered yet: their earlier verdicts no longer count. */
  readonly awaited: readonly string[];
  /** Whether the forge merges it automatically when its conditions are met; null: this forge does not report it. */
  readonly isAutoMerged: boolean | null;
  /** To check whether it has changed; null: this forge has no etag. */
  readonly etag: string | null;
}

/** The pull request whose texts are read, and the state by which they count. */
export type ReviewedRequest = Pick<PullRequest, 'number' | 'headCommit' | 'awaited'>;

/** A text that a person wrote on a pull request. */
export interface Feedback {
  /** The same at every reading. */
  readonly id: string;
  /**
   * `changes`: a review that requests changes, or `/stator fix` with a task. `comment`: another review, or a comment on the code. Both only from people with
   * write access. `remark`: anything else, also withdrawn texts: it is shown, and starts no agent.
   */
  readonly kind: 'changes' | 'comment' | 'remark';
  /** Whether the newest verdict of a person with write access requests changes, even about an earlier commit. */
  readonly isRejection: boolean;
  readonly author: string;
  readonly text: string;
  readonly path: string | null;
  readonly line: number | null;
  readonly url: string;
}

export interface Check {
  readonly name: string;
  /** `inconclusive`: it was cancelled, or is outdated. `needs-person`: it continues when a person allows that on the forge. `missing`: required, and not begun. */
  readonly state: 'pending' | 'passed' | 'failed' | 'inconclusive' | 'needs-person' | 'missing';
  /** Its own summary, as one text. */
  readonly detail: string;
  /** The details from its own text or its log; empty: none. */
  readonly log: string;
  readonly url: string | null;
}

export interface NewPullRequest {
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
}

/**
 * The obstacles to a merge. `waits`: a condition is not met yet. `blocked`: a person must act first; `detail` states how. `behind`: the branch lacks what came to
 * its target, or conflicts with that.
 */
export type MergeObstacle =
  | { readonly kind: 'none' }
  | { readonly kind: 'waits' | 'blocked' | 'behind'; readonly detail: string };

/** A request to be merged at exactly that commit; refused if it has another head. */
export interface WantedMerge {
  readonly number: number;
  readonly head: string;
  readonly base: string;
  /** null: the forge's default. */
  readonly method: MergeMethod | null;
}

/**
 * One repository of a forge. Every call throws `forge_unreachable` if no answer came, `forge_denied` if the token is not enough, `not_found`, `forge_limited`
 * (a `ForgeLimit`) if the forge wants us to wait, `forge_refused` with the forge's own message, and `address_refused`.
 */
export interface Forge {
  readonly server: Server;
  readonly repo: ForgeRepo;
  /** The login of the token's user. */
  login(): Promise<string>;
  issue(number: number): Promise<Issue>;
  /** Returns the address of the comment. */
  comment(number: number, text: string): Promise<string>;
  /** The newest open request from this repository's branch `head`; otherwise one that was merged at `commit`. */
  findPullRequest(head: string, commit?: string): Promise<PullRequest | null>;
  createPullRequest(wanted: NewPullRequest): Promise<PullRequest>;
  /** Makes an open request one for another branch. */
  retarget(number: number, base: string): Promise<void>;
  /** Replaces its text by what `edit` makes of it; the same text changes nothing. */
  editBody(number: number, edit: (body: string) => string): Promise<void>;
  /** `unchanged`: nothing has changed since that etag. */
  pullRequest(number: number, etag?: string | null): Promise<PullRequest | 'unchanged'>;
  /** The ids of its commits, 200 at most; empty if the forge does not list them. */
  commits(number: number): Promise<readonly string[]>;
  /** All texts of people on it, by kind; the newest 300. */
  feedback(of: ReviewedRequest): Promise<readonly Feedback[]>;
  /** The checks of a commit for `base`: the required ones if the forge names them, otherwise all. Only the newest run of each check. 1,000 at most (Gitea: 500); if there are more, one is `missing`. */
  checks(commit: string, base: string): Promise<readonly Check[]>;
  /** The obstacles, according to the forge's rules for the target branch and this token's rights. `checks` returns its checks. */
  mergeObstacle(of: Pick<PullRequest, 'number' | 'base'>): Promise<MergeObstacle>;
  /** Returns the merge's commit, if the forge names it. */
  merge(wanted: WantedMerge): Promise<string | null>;
  /**
   * Lets the forge merge it as soon as its checks have passed, or at once if they have. false: the forge cannot do that here, because the feature is off, or
   * because the branch requires no check, or because no check runs now.
   */
  mergeWhenGreen(wanted: WantedMerge): Promise<boolean>;
  /** Cancels `mergeWhenGreen`. May be called without an earlier request. */
  cancelMerge(number: number): Promise<void>;
}

export interface ForgeParts {
  readonly server: Server;
  readonly repo: ForgeRepo;
  /** null: requests have no authorization. */
  readonly token: string | null;
  readonly signal?: AbortSignal | undefined;
  /** The function that sends a request; default: `requestOutbound`. */
  readonly send?: ((request: OutboundRequest) => Promise<OutboundAnswer>) | undefined;
}
