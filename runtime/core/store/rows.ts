/** The rows of a store: the same in every kind of store. Times are milliseconds since the epoch. */

import type { PersistedTree } from '../../../actors/compatibility.ts';
import type { PlanSummary } from '../../../actors/plan-view.ts';
import type { Upgraded } from '../../../actors/tree.ts';
import type { Spent } from '../../../machines/vocabulary/budget.ts';
import type { EffectKind, Lane } from '../../../machines/vocabulary/effect.ts';
import type { ErrorCode } from '../../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type { NoteState } from '../../../machines/vocabulary/note.ts';
import type { AnySignal, Origin } from '../../../machines/vocabulary/signal.ts';
import type { RepoConfigSource } from '../../base/config/config.ts';

export const signalStatuses = ['pending', 'held', 'done', 'failed'] as const;

export type SignalStatus = (typeof signalStatuses)[number];

/** The last time that a date can hold, and so the last one at which a signal is delivered: https://tc39.es/ecma262/#sec-time-values-and-time-range */
export const latestMs = 8_640_000_000_000_000;

/** A row of the table. If another program wrote it, `tree` is null: the signal is for the plan's tree. */
export interface SignalRow {
  readonly id: number;
  readonly project: string;
  readonly plan: string;
  readonly type: string;
  readonly payload: string;
  readonly origin: string;
  readonly status: SignalStatus;
  /** How often it was handled to its end, or threw. */
  readonly attempts: number;
  /** How many engines began it as a signal that may have ended the earlier engine. */
  readonly suspected: number;
  readonly result: string | null;
  readonly dedupe_key: string | null;
  readonly created_at: number;
  readonly deliver_at: number;
  readonly processed_at: number | null;
  readonly tree: string | null;
  readonly run: string | null;
  readonly is_checked: 0 | 1;
}

/** A message in a chat that a person may answer there. */
export interface ChatMessageRow {
  /** The bot or the channel, as its service names it: `telegram:123456`. */
  readonly chat: string;
  /** Its id there. */
  readonly message: string;
  readonly project: string;
  readonly plan: string;
  /** What an answer to it is about, as JSON: written and read by `work/chats/about.ts`. */
  readonly about: string;
  /** The newest answer that was read; empty: none. */
  readonly reached: string;
  readonly at: number;
}

/** An item of an intake, and the plan that it became. */
export interface IntakeItemRow {
  readonly intake: string;
  readonly item: string;
  readonly project: string;
  readonly plan: string;
  readonly title: string;
  /** Why its plan has not started. */
  readonly reason: string | null;
  readonly at: number;
  /** When its plan was started, or was found to be no longer ready; null: neither. */
  readonly startedAt: number | null;
}

/** `taken`: its plan is registered. `waiting`: it needs a person. */
export type IntakeState = 'taken' | 'running' | 'waiting' | 'done' | 'cancelled';

/** The reports to the tracker from which an item came, and the tracker's changes since. */
export interface IntakeThreadRow {
  readonly intake: string;
  readonly item: string;
  readonly project: string;
  readonly plan: string;
  /** The tracker's address of it: the number of an issue, or its id. */
  readonly ref: string;
  /** SHA-256 of its title and text as its agent has them. */
  readonly digest: string;
  /** The newest comment that its agent has, by the tracker's clock, and its id; 0 and an empty text: none. */
  readonly commentsAt: number;
  readonly comment: string;
  /** Counts its transitions from 1 on. */
  readonly number: number;
  readonly state: IntakeState;
  /** Unique to the transition, and part of the comment on the tracker. */
  readonly key: string;
  readonly at: number;
  /** When it reached the tracker; null: not yet. */
  readonly toldAt: number | null;
}

/** A person permitted an item of another person to become a plan, with exactly that text. */
export interface IntakeAllowanceRow {
  readonly intake: string;
  readonly item: string;
  readonly digest: string;
  readonly at: number;
}

/** A delivery of a webhook. */
export interface IntakeDeliveryRow {
  readonly intake: string;
  /** The key of the item that it brings, or of the delivery itself. */
  readonly item: string;
  /** What it brings, as JSON; null: it is a reason to ask the tracker. */
  readonly content: string | null;
  readonly at: number;
}

/** A delivery that waits to become a plan. */
export interface WaitingDelivery {
  readonly id: number;
  readonly item: string;
  readonly content: string;
}

/** How many deliveries of an intake wait to become plans; at least one. */
export interface WaitingCountRow {
  readonly intake: string;
  readonly waiting: number;
}

/** Deliveries of one intake that may wait to become plans. */
export const waitingDeliveryLimit = 1_000;
/** The most deliveries of trackers that are remembered, so that a repeated one is recognised. */
export const knownDeliveryLimit = 10_000;

/** The time up to which the times of a source were checked: no earlier time is checked again. */
export interface IntakeMarkRow {
  readonly intake: string;
  /** The setting that determines its times: if it changes, checking begins anew. */
  readonly pattern: string;
  readonly reachedAt: number;
  /** Why that time gave no item; null: it gave one, or it is the beginning. */
  readonly reason: string | null;
}

/** How many items of an intake became plans. */
export interface IntakeCountRow {
  readonly intake: string;
  readonly taken: number;
  /** How many of these are newer than the requested time. */
  readonly recent: number;
  /** How many of these belong to plans that are not over. */
  readonly open: number;
}

/** Knowledge about a repo. A note that is forgotten has no text. */
export interface NoteRow {
  readonly id: number;
  readonly project: string;
  readonly text: string;
  readonly state: NoteState;
  /** `person`, `person:<name>` or `agent:<title>`. */
  readonly author: string;
  /** The plan, the task (`w1-t2`) and the run of the agent that wrote it; null: a person did, or it was an agent without a task. */
  readonly plan: string | null;
  readonly task: string | null;
  readonly run: string | null;
  readonly at: number;
  /** When it was taken, refused or forgotten, and by whom: a person, or `rule`; null: not yet. */
  readonly decidedAt: number | null;
  readonly decidedBy: string | null;
}

/** A request of a client. `status` and `answer`: null while it is carried out, and where the engine was cut off. */
export interface RequestRow {
  readonly key: string;
  readonly digest: string;
  readonly begun_at: number;
  readonly status: number | null;
  readonly answer: string | null;
}

/** A line of the journal that does not fit the one before it. */
export interface UnchainedLine {
  readonly seq: number;
  /** null: it has no digest, though the line before it has one. */
  readonly stored: string | null;
  readonly expected: string;
}

/** A signal that is not handled any more until a person delivers it again: `error` says why. */
export interface SetAsideSignal extends Pick<SignalRow, 'id' | 'type'> {
  readonly tree: TreeAddress;
  readonly error: string;
}

/** The chart of a user-defined machine as an engine had it last. */
export interface ChartRow {
  readonly machine: string;
  readonly version: string;
  readonly digest: string;
}

/** A row whose number is no safe integer of JavaScript, as text. */
export interface UnreadableSignal extends Pick<SignalRow, 'project' | 'plan' | 'type'> {
  readonly number: string;
}

export interface NewSignal {
  readonly tree: TreeAddress;
  /** For a user-defined machine: one of its own types. */
  readonly type: string;
  readonly payload: unknown;
  readonly origin: Origin;
  readonly run?: string | null;
  readonly dedupeKey?: string | null;
  readonly deliverAt?: number;
  readonly at: number;
}

export interface SignalFilter {
  readonly project?: string;
  readonly plan?: string;
  readonly type?: string;
  readonly tree?: TreeAddress;
  readonly status?: SignalStatus;
  /** true: only what people sent. */
  readonly ofPeople?: boolean;
  readonly limit?: number;
}

/** This moment in the time that the store keeps deadlines in, and by the wall clock. */
export interface Now {
  readonly keptMs: number;
  readonly wallMs: number;
}

export type EffectStatus = 'queued' | 'running' | 'done' | 'failed' | 'withdrawn';

/** The owner of an effect: a host, in its present epoch. A home of its own has one host, `''`; its owners come one after the other. */
export interface EffectOwner {
  readonly host: string;
  readonly epoch: number;
}

export interface EffectRow {
  readonly id: number;
  readonly key: string;
  readonly tree: TreeAddress;
  readonly project: string;
  readonly plan: string;
  /** Its name inside of its tree; for an agent's run it is `run` of the signals about it. */
  readonly name: string;
  readonly kind: EffectKind;
  readonly lane: Lane;
  readonly resource: string;
  readonly priority: number;
  readonly payload: string;
  readonly status: EffectStatus;
  readonly attempts: number;
  /** As of a signal. */
  readonly suspected: number;
  readonly next_at: number;
  readonly stop_at: number | null;
  readonly epoch: number | null;
  /** The host that runs it, or ran it last; `''`: that of a home of its own. */
  readonly host: string;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  readonly error: string | null;
  /** Since when a fault of the environment prevents it, for the reason in `error`; null: none does. */
  readonly waiting_since: number | null;
  /** The result of the last try, as JSON; null: none is stored. */
  readonly result: string | null;
}

/** A hook of a repo, by its name in the configuration. */
export interface HookRow {
  readonly project: string;
  readonly hook: string;
  /** Since when all of its tries have failed; null: its last try succeeded. */
  readonly failing_since: number | null;
  /** Since when it is switched off; null: it is on. */
  readonly off_at: number | null;
  readonly off_reason: string | null;
}

/** The forge of a repo, as it was found at the last request. */
export interface ForgeRow {
  readonly project: string;
  /** Its name in the list of servers. */
  readonly server: string;
  readonly url: string;
  /** Why it cannot be used; null: it answers. */
  readonly code: ErrorCode | null;
  readonly reason: string | null;
  readonly hint: string | null;
  /** When this state began. */
  readonly since: number;
  /** The plans that wait for it, by name; none while it answers. */
  readonly plans: readonly string[];
}

export interface HookCountRow {
  readonly hook: string;
  readonly status: EffectStatus;
  readonly count: number;
}

/** The state of a tree, as its row shows it. */
export interface TreeState {
  /** Its public state; null: none. */
  readonly state: string | null;
  readonly reason: string | null;
}

export interface TreeRow {
  readonly stored: PersistedTree;
  readonly steps: number;
}

export interface JournalLine {
  readonly seq: number;
  readonly at: number;
  readonly tree: TreeAddress;
  readonly signal: number | null;
  readonly type: string;
  readonly origin: string;
  readonly actor: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly effects: string[];
  readonly refused: unknown;
  /** What the actor emitted, as JSON: `event` is its type. Missing: the line is of no such event. */
  readonly emitted?: EmittedEvent;
}

/** An event that a chart emits for listeners. */
export type EmittedEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

export type NewLine = Omit<JournalLine, 'seq'>;

/** A line with the input of its tree; null: it is a further line of the input before it, or a refusal. */
export interface FedLine extends JournalLine {
  readonly input: AnySignal | Upgraded | null;
}

/** The base of a plan's branch. */
export interface PlanBase {
  /** The branch that the plan goes into when it is merged; null: it was begun from a tag or a commit. */
  readonly branch: string | null;
  readonly commit: string;
  /** The plans in it that were not in that branch then, each with the commit at which it was done. */
  readonly on: readonly { readonly plan: string; readonly commit: string }[];
}

/** A plan's file and the text that was last read from it, or written to it. */
export interface TakenFile {
  /** From the repo's root with `/`, absolute where it lies outside. */
  readonly file: string;
  readonly digest: string;
  /** The family of documents that it is read as, because a person chose it; null: none was chosen now. */
  readonly as: string | null;
}

export interface PlanText {
  readonly content: string;
  readonly goal: string | null;
  /** null: the text is not that of the plan's file. */
  readonly taken: TakenFile | null;
}

/** What its tree shows of a plan, and what the store knows beside it. */
export interface PlanRow extends Readonly<PlanSummary> {
  readonly project: string;
  readonly plan: string;
  readonly goal: string | null;
  /** Who registered it: `person`, `person:<name>`, `intake:<name>`, or `intake:<name>/<account>` with the author of its item; null: a simulation. */
  readonly author: string | null;
  /** The engine's own quarantined signal; the plan is blocked until a person resolves it. */
  readonly faultSignal: number | null;
  /** null: its branch was not made yet. */
  readonly base: PlanBase | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The file that it is bound to; null: it came without one. */
  readonly file: string | null;
  /** The digest of the file's text as it was last taken or written; null where `file` is. */
  readonly fileDigest: string | null;
  /** The document family that a person chose for its file; null: the family is recognized from the text. */
  readonly fileAs: string | null;
}

/** The spending of a plan, and of its repo since the day began. */
export interface SpentOf {
  readonly plan: Spent;
  readonly day: Spent;
}

/** The most that are stored: beyond it the oldest is deleted. */
export const notificationLimit = 10_000;

export interface NewNotification {
  readonly type: string;
  readonly project: string;
  /** `''`: it is about no plan. With no project: the address of a tree of a user-defined machine. */
  readonly plan: string;
  readonly message: string;
  readonly at: number;
}

export interface NotificationRow extends NewNotification {
  readonly id: number;
  readonly isRead: boolean;
}

/** Which notifications, the newest first. */
export interface NotificationQuery {
  readonly limit: number;
  /** Only those with higher ids. */
  readonly after?: number;
  readonly project?: string;
  /** Only unread ones. */
  readonly isUnread?: boolean;
}

/** The number of messages to an issue's sessions that are kept. */
export const issueMessageLimit = 20;

/** A plan that is the session of an issue. */
export interface IssueRow {
  readonly project: string;
  readonly plan: string;
  /** `host/owner/repo#n`; null: a session of no issue. */
  readonly reference: string | null;
  readonly title: string | null;
  /** As a person or an effect noted it. */
  readonly pullRequest: string | null;
  readonly createdAt: number;
}

export interface IssueMessage {
  readonly by: 'person' | 'agent';
  readonly content: string;
  readonly at: number;
}

/** The agents that a pause of the queue applies to: those of a repo, of a plan in it, or one agent of that plan; `''` means all. */
export interface PauseScope {
  readonly project: string;
  readonly plan: string;
  readonly title: string;
}

/** Effects of that machine do not start; `lane`: those of one lane, and with `''` all of them. */
export interface MachinePause {
  readonly machine: string;
  readonly lane: string;
  readonly pausedAt: number;
}

export interface QueuePause extends PauseScope {
  readonly pausedAt: number;
}

export interface QueueRow {
  /** Since when no agent starts anywhere; null: agents are started. */
  readonly pausedAt: number | null;
  /** Agents that ended up to then are no longer listed; 0: all are. */
  readonly clearedAt: number;
  /** Pauses of parts of it, by their names. */
  readonly pauses: readonly QueuePause[];
}

/** An agent as the queue lists it, over all its runs: the last one's state in its machine, and the status of its effect. */
export interface QueueItemRow extends PauseScope {
  /** The id of the first run's effect: the same over all attempts. 0: it was cleared up. */
  readonly id: number;
  /** The key of the last run. */
  readonly key: string;
  readonly run: string;
  readonly role: string;
  readonly state: string;
  readonly reason: string | null;
  readonly attempt: number;
  /** When its first run was asked for, and when the first one that began got its slot. */
  readonly queued_at: number;
  readonly started_at: number | null;
  /** When its machine reached its final state; null: it goes on. */
  readonly final_at: number | null;
  /** The status of the last run's effect; null: it was cleared up. */
  readonly status: EffectStatus | null;
  readonly effect: number | null;
  readonly lane: Lane | null;
  readonly priority: number | null;
  readonly next_at: number | null;
  readonly slot_at: number | null;
  readonly waiting_since: number | null;
  readonly error: string | null;
}

export interface RepoRow {
  readonly project: string;
  readonly path: string;
  /** The text that was trusted when it was added or last trusted again: programs are started by this text and no later one. */
  readonly config: RepoConfigSource;
  readonly addedAt: number;
  /** When that was, and how a person agreed: by a verb, daemon.toml, a program. */
  readonly trustedAt: number;
  readonly trustedBy: string;
  /** When a person revoked it; null: it is trusted. */
  readonly revokedAt: number | null;
  /** The host of the repo, if that is a different host, or if this host does not have the repo yet. */
  readonly host?: string;
  /** The host that has given it to that one, which does not have it yet. */
  readonly comingFrom?: string;
}

export interface RunRow {
  readonly key: string;
  readonly project: string;
  readonly plan: string;
  /** The name of its effect inside of the plan's tree. */
  readonly run: string;
  readonly title: string;
  readonly role: string;
  readonly attempt: number;
  readonly state: string;
  readonly reason: string | null;
  readonly branch: string;
  readonly queued_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  /** When its agent's machine was finished with it; null: it goes on. */
  readonly final_at: number | null;
  readonly exit_code: number | null;
  readonly pid: number | null;
  readonly worktree: string | null;
  readonly folder: string | null;
  /** How it was started; null: it was not. */
  readonly preset: string | null;
  /** The profile that replaced that of its role; null: none did. */
  readonly profile: string | null;
  /** The account that it worked with; null: none is known for its program. */
  readonly account: string | null;
  /** Its program's id of the conversation, if that can be continued. */
  readonly conversation: string | null;
  /** The count of its program, caches included; null: the program reports none. */
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cost_usd: number | null;
  /** How long it has worked, as last read: without the time in which it was paused or waited for a person. */
  readonly worked_ms: number | null;
  /** The last message of the agent itself, cut. */
  readonly last_message: string | null;
}

/** An account that a service reported as rate limited, or whose reserve is reached. */
export interface AccountLimitRow {
  /** The name that a person gave it, or a digest of its identity. */
  readonly account: string;
  /** When it was first reported. */
  readonly since: number;
  /** From then on it is tried again. */
  readonly until: number;
  /** How much of its limit is used, between 0 and 1, where the rest is kept back; null: the service takes no more. */
  readonly used: number | null;
}

/** How much of an account's limit over a span is used, as its program last reported. */
export interface AccountQuotaRow {
  readonly account: string;
  /** `five_hour`, `seven_day`, a `seven_day_` of one model, or `limit` where it is not known. */
  readonly span: string;
  /** Between 0 and 1. */
  readonly used: number;
  /** When the span ends, and the whole limit is available again. */
  readonly until: number;
  readonly at: number;
}

/** The usage of all runs of one agent; null: none was reported. */
export interface UsageRow {
  readonly title: string;
  /** The number of runs that really began. */
  readonly runs: number;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly cost_usd: number | null;
}

export interface PlanUsageRow extends Omit<UsageRow, 'title'> {
  readonly project: string;
  readonly plan: string;
}

/** The runs of a repository that ended in one state, with one preset and for one reason: how many, and their usage. */
export interface RunTotals extends Pick<RunRow, 'project' | 'preset' | 'state' | 'reason'>, Omit<UsageRow, 'title'> {}

/** The delay of the inbox. */
export interface InboxLoad {
  /** The signals that are due, and for how long the oldest of them has been; null: none is. */
  readonly due: number;
  readonly oldestMs: number | null;
  readonly held: number;
  /** From the arrival of a signal to its verdict, of the newest signals that have one. Timers are left out. */
  readonly delaysMs: readonly number[];
}

export interface LaunchRow {
  /** The effect's key, and for one of its checks `<key>/check-<n>`. */
  readonly key: string;
  /** The name of its folder under `runs`: it can be known only from this row. */
  readonly folder: string;
  /** The secret that its wrapper receives and writes beside the exit code; null: an earlier version, which had no secrets, started the run. */
  readonly secret: string | null;
  /** Set before a wrapper is started: from then on its processes may exist. */
  readonly launched_at: number | null;
  /** The wrapper that claimed it, as `<boot> <pid> <start>`; null: no claim is known. */
  readonly wrapper: string | null;
  /** The commit that an agent began from. */
  readonly base: string | null;
}

/** A run or a check that was started, as a restore finds it: its folder, its name within that, and the secret that its wrapper has. */
export interface StartedRun {
  readonly folder: string;
  readonly name: string;
  readonly secret: string | null;
  /** The run was started after the copy was made. */
  readonly isNew: boolean;
}

/** The key of a launch that a restored copy did not know: the effect that asks for a run of that name takes the launch over. */
export function restoredKey(name: string): string {
  return `restored/${name}`;
}

/** A folder under `runs` as the store knows it, and the state of its effect. */
export interface LaunchTrace extends Pick<LaunchRow, 'key' | 'folder'> {
  /** The status of its effect; null: the row is deleted, so the run has ended. */
  readonly status: EffectStatus | null;
  readonly finishedAt: number | null;
}

/** What cleaning needs to know of a plan, including deleted ones. */
export interface PlanTrace extends Pick<PlanRow, 'project' | 'plan' | 'branch' | 'status' | 'base' | 'updatedAt'> {
  /** When it was deleted; null: it exists. */
  readonly deletedAt: number | null;
}

/** The rows that go when they have ended long ago. */
export const expiringKinds = [
  // Trees first: rows that are deleted with a tree then count as having none.
  'trees',
  'signals',
  'effects',
  'journal',
  'launches',
  'runs',
  'plans',
  'notifications',
  'messages',
] as const;
export type ExpiringKind = (typeof expiringKinds)[number];

/** A span of rows by their numbers, without the first one; rows in it that ended before that time go. */
export interface Span {
  readonly beforeMs: number;
  readonly after: number;
  readonly upTo: number;
}

export interface StoreSize {
  readonly bytes: number;
  /** The bytes of unused pages. */
  readonly freeBytes: number;
}

export interface TimelineRow {
  readonly boot: string;
  readonly steady_ms: number;
  /** In a store of several hosts, by the clock of the database: those of the hosts may differ. */
  readonly wall_ms: number;
  readonly at_ms: number;
  /** That clock at the time of the reading. */
  readonly now_ms?: number;
}
