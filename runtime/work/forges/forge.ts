/** What stator asks of a forge, the same for GitHub, Gitea, Forgejo and GitLab. */
import type { MergeMethod } from '../../../machines/vocabulary/plan-pull.ts';
import type { OutboundAnswer, OutboundRequest } from '../../base/platform/outbound.ts';

export const forgeKinds = ['github', 'gitea', 'forgejo', 'gitlab'] as const;
export type ForgeKind = (typeof forgeKinds)[number];

/** A forge as a person named it. */
export interface Server {
  readonly name: string;
  /** Where people look at it: `https://codeberg.org`, without a slash at its end. */
  readonly url: string;
  readonly kind: ForgeKind;
  /** It may be at a private address. */
  readonly allowPrivate: boolean;
}

/** A repository on a forge: `owner` has slashes where a forge has groups in groups. */
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
  /** The newest, oldest of them first; 100 at most. */
  readonly comments: readonly Comment[];
  /** Why fewer of them are there than there might be; null: all that fit are. */
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
  /** The branch that it brings, and that branch's commit as the forge knows it. */
  readonly head: string;
  readonly headCommit: string;
  readonly base: string;
  readonly mergeCommit: string | null;
  /** Who is asked for a review and has not given it yet: what they said before that is no verdict any more. */
  readonly awaited: readonly string[];
  /** Whether the forge merges it by itself when its conditions are met; null: this forge does not say. */
  readonly isAutoMerged: boolean | null;
  /** To ask whether anything of it changed; null: this forge does not say. */
  readonly etag: string | null;
}

/** What somebody wrote on a pull request. */
export interface Feedback {
  /** Stays the same however often it is read. */
  readonly id: string;
  /**
   * `changes`: a review that asks for changes, or `/stator fix` with what to do; `comment`: another review, or a comment on the code; both of those who may write to
   * the repository. `remark`: anything else, also what was withdrawn: it is shown, and starts no agent.
   */
  readonly kind: 'changes' | 'comment' | 'remark';
  /** The newest verdict of somebody who may write to the repository: changes, also where it is about an earlier commit. */
  readonly isRejection: boolean;
  readonly author: string;
  readonly text: string;
  readonly path: string | null;
  readonly line: number | null;
  readonly url: string;
}

export interface Check {
  readonly name: string;
  /** `inconclusive`: it was cancelled, or is out of date. `needs-person`: it goes on when somebody allows that on the forge. `missing`: required, and not begun. */
  readonly state: 'pending' | 'passed' | 'failed' | 'inconclusive' | 'needs-person' | 'missing';
  /** What it says of itself, in one text. */
  readonly detail: string;
  /** How it came to that, in its own words or those of its log; empty: it says nothing. */
  readonly log: string;
  readonly url: string | null;
}

export interface NewPullRequest {
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
}

/** What keeps a request from being merged. `waits`: what it needs is not there yet. `stands`: somebody has to do something else first, with what in `detail`. */
export type MergeObstacle = { readonly kind: 'none' } | { readonly kind: 'waits' | 'stands'; readonly detail: string };

/** A request that is to be merged as that commit, and refused where it has another one. */
export interface WantedMerge {
  readonly number: number;
  readonly head: string;
  readonly base: string;
  /** null: as the forge has it by default. */
  readonly method: MergeMethod | null;
}

/**
 * One repository of a forge. Every call throws `forge_unreachable` where no answer came, `forge_denied` where the token is not enough, `not_found`, `forge_limited` (a `ForgeLimit`) where the
 * forge wants us to wait, `forge_refused` with the forge's own words, and `address_refused`.
 */
export interface Forge {
  readonly server: Server;
  readonly repo: ForgeRepo;
  /** The login of the token's user. */
  login(): Promise<string>;
  issue(number: number): Promise<Issue>;
  /** Returns the address of the comment. */
  comment(number: number, text: string): Promise<string>;
  /** The open one that brings the branch `head` of this repository, the newest of several; else one that was merged when the branch stood at `commit`. */
  findPullRequest(head: string, commit?: string): Promise<PullRequest | null>;
  createPullRequest(wanted: NewPullRequest): Promise<PullRequest>;
  /** `unchanged`: it is as it was when the forge gave that etag. */
  pullRequest(number: number, etag?: string | null): Promise<PullRequest | 'unchanged'>;
  /** The ids of the commits that it brings, 200 at most; none where the forge does not say. */
  commits(number: number): Promise<readonly string[]>;
  /** All that people wrote on it, by kind; the newest 300. */
  feedback(of: Pick<PullRequest, 'number' | 'headCommit' | 'awaited'>): Promise<readonly Feedback[]>;
  /** Of a commit that is to go into `base`: those that are required there, where the forge says which, else all. Of several runs of one check the newest. 200 at most. */
  checks(commit: string, base: string): Promise<readonly Check[]>;
  /** By what the forge requires of the branch that it goes into, and what this token may. Its checks are asked for with `checks`. */
  mergeObstacle(of: Pick<PullRequest, 'number' | 'base'>): Promise<MergeObstacle>;
  /** Answers the commit that holds it, where the forge says. */
  merge(wanted: WantedMerge): Promise<string | null>;
  /**
   * Has the forge merge it by itself as soon as its checks have passed, or at once where they have. False: it does not do that here, since it is switched off, requires no
   * check of that branch, or runs none now.
   */
  mergeWhenGreen(wanted: WantedMerge): Promise<boolean>;
  /** What `mergeWhenGreen` asked for is not to happen any more. May be called where nothing was asked for. */
  cancelMerge(number: number): Promise<void>;
}

export interface ForgeParts {
  readonly server: Server;
  readonly repo: ForgeRepo;
  /** null: asks without authorization. */
  readonly token: string | null;
  readonly signal?: AbortSignal | undefined;
  /** What carries a request; default: `requestOutbound`. */
  readonly send?: ((request: OutboundRequest) => Promise<OutboundAnswer>) | undefined;
}
