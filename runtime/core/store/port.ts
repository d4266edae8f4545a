/**
 * The interface between the engine and a store. The engine reads what a decision needs, decides without the store, and writes one value that lists everything that
 * changes: all of it, or nothing. Any store that keeps these promises can carry an engine; the tests of the contract are in test/store/.
 */
import type { PersistedText } from '../../../actors/compatibility.ts';
import type { PlanSummary } from '../../../actors/plan-view.ts';
import type { Amounts } from '../../../machines/vocabulary/budget.ts';
import type { Effect, HookDeliver, Lane } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { PlanTree, TreeAddress } from '../../../machines/vocabulary/ids.ts';
import type {
  AccountLimitRow,
  AccountQuotaRow,
  ChartRow,
  ChatMessageRow,
  EffectOwner,
  EffectRow,
  ExpiringKind,
  FedLine,
  ForgeRow,
  HookCountRow,
  HookRow,
  InboxLoad,
  IntakeAllowanceRow,
  IntakeCountRow,
  IntakeDeliveryRow,
  IntakeItemRow,
  IntakeMarkRow,
  IntakeThreadRow,
  IssueMessage,
  IssueRow,
  JournalLine,
  LaunchRow,
  LaunchTrace,
  MachinePause,
  NewLine,
  NewNotification,
  NewSignal,
  NoteRow,
  NotificationQuery,
  NotificationRow,
  Now,
  PauseScope,
  PlanBase,
  PlanRow,
  PlanText,
  PlanTrace,
  PlanUsageRow,
  QueueItemRow,
  QueueRow,
  RepoRow,
  RequestRow,
  RunRow,
  RunTotals,
  SetAsideSignal,
  SignalFilter,
  SignalRow,
  Span,
  SpentOf,
  StoreSize,
  TakenFile,
  TimelineRow,
  TreeRow,
  TreeState,
  UnchainedLine,
  UnreadableSignal,
  UsageRow,
  WaitingCountRow,
  WaitingDelivery,
} from './rows.ts';

export interface PlanKey {
  readonly project: string;
  readonly plan: string;
}

/** Fields of a run's row that do not come from its machine. */
export type RunFacts = Partial<
  Pick<
    RunRow,
    | 'started_at'
    | 'ended_at'
    | 'exit_code'
    | 'pid'
    | 'worktree'
    | 'folder'
    | 'preset'
    | 'profile'
    | 'account'
    | 'conversation'
    | 'input_tokens'
    | 'output_tokens'
    | 'cost_usd'
    | 'worked_ms'
    | 'last_message'
  >
>;

/** A run as its agent's machine reports it. */
export type RunShown = Pick<
  RunRow,
  'key' | 'project' | 'plan' | 'run' | 'title' | 'role' | 'attempt' | 'state' | 'reason' | 'branch'
>;

/**
 * One change of one row. A change with a condition that does not hold loses the whole commit; they are named with each.
 * They are carried out in their order.
 */
export type Change =
  // A key that exists is not inserted again. The engine's own signal gets the next free key if another program has used its key.
  | ({ readonly do: 'signal.insert' } & NewSignal)
  /** A row of the engine itself with its outcome. On condition that its number is the next one, so no other row came in meanwhile, and that its key is free. */
  | { readonly do: 'signal.enter'; readonly row: SignalRow }
  /** On condition that it is pending or held. */
  | {
      readonly do: 'signal.finish';
      readonly id: number;
      readonly status: 'done' | 'failed';
      readonly result: unknown;
      readonly at: number;
    }
  /** Requires that the signal is pending. */
  | { readonly do: 'signal.hold'; readonly id: number; readonly tree: TreeAddress }
  /** Makes the held signals of a tree pending again. */
  | { readonly do: 'signal.release'; readonly tree: TreeAddress }
  /** The same for all trees of a user-defined machine. */
  | { readonly do: 'signal.release-machine'; readonly machine: string }
  /** A try threw. A signal that is not pending any more is unchanged. */
  | { readonly do: 'signal.count-attempt'; readonly id: number }
  /** Before a try of a signal that may have ended an engine. A signal that is not pending any more is unchanged. */
  | { readonly do: 'signal.count-suspected'; readonly id: number }
  /** On condition that it is pending: it failed because of a fault of the engine. */
  | { readonly do: 'signal.set-aside'; readonly id: number; readonly result: unknown; readonly at: number }
  /** A row whose number cannot be read gets that number, and fails. On condition that the number is free, and the row is there. */
  | {
      readonly do: 'signal.renumber';
      readonly number: string;
      readonly id: number;
      readonly tree: TreeAddress;
      readonly result: unknown;
      readonly at: number;
    }
  /** On condition that there is none of that key. */
  | { readonly do: 'request.begin'; readonly key: string; readonly digest: string; readonly at: number }
  /** The present chart of a user-defined machine. */
  | ({ readonly do: 'chart.note' } & ChartRow)
  | { readonly do: 'request.end'; readonly key: string; readonly status: number; readonly answer: string }
  /** Forgets the requests that began before that time. */
  | { readonly do: 'request.forget'; readonly beforeMs: number }
  /** On condition that it failed. It is pending again, with all its tries. */
  | { readonly do: 'signal.revive'; readonly id: number }
  /** Ends all signals of a tree that wait or were set aside. */
  | { readonly do: 'signal.void-tree'; readonly tree: TreeAddress; readonly at: number }
  /** On condition that the row is at step `before`; 0: that there is none. */
  | {
      readonly do: 'tree.write';
      readonly address: TreeAddress;
      readonly stored: PersistedText;
      readonly before: number;
      readonly after: number;
      readonly at: number;
    }
  /** On condition that the row is at that step; 0: that there is none. For decisions by a tree that did not change. */
  | { readonly do: 'tree.require'; readonly address: TreeAddress; readonly steps: number }
  /**
   * On condition that it is at step `before`, if that is given. Its effects end with it: waiting ones are withdrawn, and running ones are ended now. Deliveries
   * of its hooks and removals of its worktrees continue.
   */
  | { readonly do: 'tree.remove'; readonly address: TreeAddress; readonly before?: number; readonly at: number }
  /** `input`: the input of the tree, on the first line that resulted from it. */
  | { readonly do: 'journal.append'; readonly line: NewLine; readonly input: string | null }
  | {
      readonly do: 'effect.insert';
      readonly tree: TreeAddress;
      readonly effect: Effect;
      readonly priority: number;
      readonly at: number;
    }
  /** The queued effects of a project get this priority. */
  | { readonly do: 'effect.prioritize'; readonly project: string; readonly priority: number }
  /** On condition that it is queued and its resource free; of a run of an agent, that its plan takes new runs and the queue is not paused for it; of an effect of a machine, that neither it nor the lane is paused. */
  | { readonly do: 'effect.take'; readonly id: number; readonly owner: EffectOwner; readonly at: number }
  /**
   * Precondition: at most `all` effects run in the lane now, and of each of these projects at most its number. It comes after the `effect.take` changes
   * that it limits; null: no limit.
   */
  | {
      readonly do: 'slots.require';
      readonly lane: Lane;
      readonly all: number | null;
      readonly projects: Readonly<Record<string, number>>;
      /** Counts what this host runs alone; absent: what all hosts run. */
      readonly host?: string;
    }
  /** On condition that the plan, and all of its repo since that time, used less than these. A run that began before then does not count for the day. */
  | {
      readonly do: 'budget.require';
      readonly key: PlanKey;
      readonly plan: Amounts;
      readonly day: Amounts;
      readonly dayStartMs: number;
    }
  /** On condition that the account is not limited at that time. */
  | { readonly do: 'account.require'; readonly account: string; readonly at: number }
  /** The account is rate limited or kept back until then; if that is new, `notice` is inserted. A limit that returns soon after its end is the same one. */
  | ({ readonly do: 'account.limit'; readonly at: number; readonly notice: NewNotification } & Omit<
      AccountLimitRow,
      'since'
    >)
  /** The last report of a program about an account's limit over that span. Spans that are over are deleted. */
  | ({ readonly do: 'account.note' } & AccountQuotaRow)
  /** A run that began at `before` was not limited: an earlier limit has ended. */
  | { readonly do: 'account.free'; readonly account: string; readonly before: number }
  /** Takes over the running effects of the same host's earlier owners; their slots stay taken. */
  | { readonly do: 'effect.adopt'; readonly owner: EffectOwner }
  /** Before an effect that may have ended an engine begins again. One that this owner does not run is unchanged. */
  | { readonly do: 'effect.count-suspected'; readonly key: string; readonly owner: EffectOwner }
  /** It has run for so long that it did not end the earlier engines. One that this owner does not run is unchanged. */
  | { readonly do: 'effect.clear-suspected'; readonly key: string; readonly owner: EffectOwner }
  /** On condition that this owner runs it. */
  | {
      readonly do: 'effect.settle';
      readonly key: string;
      readonly status: 'done' | 'failed';
      readonly error: string | null;
      readonly owner: EffectOwner;
      readonly at: number;
      /** The result as JSON; absent: the result of an earlier try stays. */
      readonly result?: string;
    }
  /** On condition that this owner runs it. A try is spent. */
  | {
      readonly do: 'effect.try-again';
      readonly key: string;
      readonly nextAt: number;
      readonly error: string;
      readonly owner: EffectOwner;
      /** As in `effect.settle`. */
      readonly result?: string;
    }
  /** Resets it as if it had not been begun: on condition that this owner runs it, and it is not to be stopped. */
  | {
      readonly do: 'effect.put-back';
      readonly key: string;
      readonly nextAt: number;
      readonly error: string;
      readonly owner: EffectOwner;
      readonly at: number;
    }
  /** The reason why a running effect waits, since `at`; null: it does not wait any more. */
  | {
      readonly do: 'effect.note-wait';
      readonly key: string;
      readonly wait: { readonly at: number; readonly reason: string } | null;
      readonly owner: EffectOwner;
    }
  /** A queued one never begins, and `withdrawn` is inserted; a running one ends at `stopAt`; one that has ended does not change. */
  | {
      readonly do: 'effect.stop';
      readonly key: string;
      readonly stopAt: number;
      readonly at: number;
      readonly withdrawn: NewSignal;
    }
  /** One more delivery for that hook of that plan, of the repo itself, or of a machine's tree: it gets the next number there, and none is left out. */
  | {
      readonly do: 'hook.enqueue';
      readonly tree: TreeAddress;
      readonly delivery: Omit<HookDeliver, 'sequence'>;
    }
  /** On condition that the effect belongs to a hook and has ended. It is queued again under its id, with all its tries. */
  | { readonly do: 'hook.redeliver'; readonly key: string }
  /** How the last try of a hook ended: it fails since the first failure after a success. */
  | {
      readonly do: 'hook.note-result';
      readonly project: string;
      readonly hook: string;
      readonly isDelivered: boolean;
      readonly at: number;
    }
  /** Switched off for that reason; null: it is on, and has not failed yet. */
  | {
      readonly do: 'hook.switch';
      readonly project: string;
      readonly hook: string;
      readonly off: { readonly reason: string; readonly at: number } | null;
    }
  /** The state in which the forge of a repo was found. */
  | ({ readonly do: 'forge.note' } & ForgeRow)
  /** The repo has no forge any more. */
  | { readonly do: 'forge.forget'; readonly project: string }
  /** Registers it, or registers one again that was removed. */
  | {
      readonly do: 'plan.insert';
      readonly key: PlanKey;
      readonly text: PlanText;
      /** As `PlanRow.author`. */
      readonly author: string | null;
      readonly summary: PlanSummary;
      readonly at: number;
    }
  | { readonly do: 'plan.show'; readonly key: PlanKey; readonly summary: PlanSummary; readonly at: number }
  /** The text; and where it was taken from a file, that file. */
  | { readonly do: 'plan.set-text'; readonly key: PlanKey; readonly text: PlanText }
  /** On condition that it is there and its file is `before`; null: it has none. */
  | {
      readonly do: 'plan.set-file';
      readonly key: PlanKey;
      readonly taken: TakenFile;
      readonly before: string | null;
    }
  /** `isFirst`: an existing row is kept. */
  | {
      readonly do: 'plan.set-fault';
      readonly key: PlanKey;
      readonly signal: number | null;
      readonly isFirst?: boolean;
      readonly at: number;
    }
  /** If the failed signal `from` blocks the plan: from now on the next quarantined signal blocks it, or none. */
  | { readonly do: 'plan.move-fault'; readonly key: PlanKey; readonly from: number; readonly at: number }
  | { readonly do: 'plan.set-base'; readonly key: PlanKey; readonly base: PlanBase }
  /** On condition that it is there, ready, done or cancelled, and that no agent of it runs or is to run. */
  | { readonly do: 'plan.remove'; readonly key: PlanKey; readonly at: number }
  /** `isNewest`: earlier runs of the agent that have not ended count as failed. */
  | { readonly do: 'run.show'; readonly run: RunShown; readonly isNewest: boolean; readonly at: number }
  /** `once`: values that are set only if there are none. */
  | { readonly do: 'run.note'; readonly key: string; readonly set?: RunFacts; readonly once?: RunFacts }
  /** Adds a token of that run: its SHA-256, as hex digits. A token that exists already keeps its run. */
  | { readonly do: 'run.add-token'; readonly key: string; readonly hash: string }
  /** Gives the run a folder. As long as nothing was started there, it may get a different one. */
  | {
      readonly do: 'launch.name';
      readonly key: string;
      readonly folder: string;
      readonly secret: string | null;
      readonly launchedAt: number | null;
    }
  /** An existing row is kept. */
  | {
      readonly do: 'launch.note';
      readonly key: string;
      readonly launchedAt?: number | null;
      readonly wrapper?: string | null;
      readonly base?: string | null;
    }
  /** Its folder is deleted, and is not needed any more. */
  | { readonly do: 'launch.remove'; readonly key: string }
  /**
   * Deletes rows of these kinds that ended before that time and are not needed any more: trees that ended, signals that were handled, effects of plans that are
   * over, the journal of deleted trees and of those that never end, launches without an effect, runs and texts of deleted plans. The last signal, effect and
   * line stays, so no number is given twice.
   */
  | ({ readonly do: 'rows.expire'; readonly kind: ExpiringKind } & Span)
  | ({ readonly do: 'timeline.write' } & TimelineRow)
  /** No agent of that part is started; without `what`, none at all. A part that is paused already keeps its time. */
  | { readonly do: 'queue.pause'; readonly at: number; readonly what?: PauseScope }
  /** Ends that one pause; without `what` the pause of the whole. */
  | { readonly do: 'queue.resume'; readonly what?: PauseScope }
  | { readonly do: 'queue.clear'; readonly at: number }
  /** No effect of that machine starts, or with a lane none of that one. What is paused already keeps its time. */
  | { readonly do: 'machine.pause'; readonly machine: string; readonly lane: string; readonly at: number }
  /** Ends that one pause. */
  | { readonly do: 'machine.resume'; readonly machine: string; readonly lane: string }
  /** Says that a plan is an issue's session, or says so again. */
  | ({ readonly do: 'issue.insert' } & IssueRow)
  /** On condition that it is a session. */
  | { readonly do: 'issue.set-pull-request'; readonly key: PlanKey; readonly url: string }
  /** Removes a session; its messages are kept. */
  | { readonly do: 'issue.remove'; readonly key: PlanKey }
  /** Beyond `issueMessageLimit` the oldest message is deleted. */
  | ({ readonly do: 'issue.say'; readonly key: PlanKey } & IssueMessage)
  /** Beyond `notificationLimit` the oldest notification is deleted. */
  | ({ readonly do: 'notification.insert' } & NewNotification)
  /** A person has read it and all before it. */
  | { readonly do: 'notification.read'; readonly upTo: number }
  /** An item becomes the plan of that key. On condition that it is new. */
  | {
      readonly do: 'intake.take';
      readonly intake: string;
      readonly item: string;
      readonly key: PlanKey;
      readonly title: string;
      readonly at: number;
    }
  /** The plan of an item has started at that time; null: it has not, for `reason`. */
  | {
      readonly do: 'intake.note-start';
      readonly intake: string;
      readonly item: string;
      readonly at: number | null;
      readonly reason: string | null;
    }
  /** The state of the item's plan goes to its tracker, `taken` first. On condition that it is new. */
  | ({ readonly do: 'intake.follow' } & Omit<IntakeThreadRow, 'project' | 'plan' | 'number' | 'state' | 'toldAt'>)
  /** It has another state. On condition that the one before it, whose number is `before`, is there. */
  | ({ readonly do: 'intake.turn'; readonly before: number } & Pick<
      IntakeThreadRow,
      'intake' | 'item' | 'state' | 'key' | 'at'
    >)
  | ({ readonly do: 'intake.reported' } & Pick<IntakeThreadRow, 'intake' | 'item' | 'number' | 'at'>)
  /** Its agent has this text, and the comments up to that one. */
  | ({ readonly do: 'intake.passed-on' } & Pick<
      IntakeThreadRow,
      'intake' | 'item' | 'digest' | 'commentsAt' | 'comment'
    >)
  | ({ readonly do: 'intake.allow' } & IntakeAllowanceRow)
  /**
   * On condition that neither it nor its item is known, and that not too many of its intake wait: `waitingDeliveryLimit`. Of those without content the last
   * `knownDeliveryLimit` are kept.
   */
  | ({ readonly do: 'intake.deliver' } & IntakeDeliveryRow)
  /** It has become a plan. On condition that it waits. */
  | { readonly do: 'intake.delivered'; readonly intake: string; readonly item: string }
  /** The time up to which the times of a source were checked. On condition that it was at `before`; null: at none. */
  | ({ readonly do: 'intake.mark'; readonly before: number | null } & IntakeMarkRow)
  /** On condition that the project has no other note of that text. */
  | ({ readonly do: 'note.add' } & Omit<NoteRow, 'id'>)
  /** On condition that it was in one of these states. Without a text it is forgotten. */
  | {
      readonly do: 'note.decide';
      readonly id: number;
      readonly from: readonly NoteRow['state'][];
      readonly state: Exclude<NoteRow['state'], 'proposed'>;
      readonly at: number;
      readonly by: string;
    }
  /** A chat has the message under that id. Messages of 30 days ago are forgotten. */
  | ({ readonly do: 'chat.sent' } & Omit<ChatMessageRow, 'reached'>)
  /** The answers in a chat, or with `message` those to one message, were read up to there. */
  | { readonly do: 'chat.reach'; readonly chat: string; readonly message: string | null; readonly reached: string }
  /** Its times are checked from a new beginning. */
  | { readonly do: 'intake.unmark'; readonly intake: string }
  /** Registers it, or brings it back with its plans. On condition that it belongs to no other host. */
  | ({ readonly do: 'repo.insert' } & RepoRow)
  | { readonly do: 'repo.remove'; readonly project: string; readonly at: number };

/** A change by its name. */
export type ChangeOf<Name extends Change['do']> = Extract<Change, { readonly do: Name }>;

export type Commit =
  | {
      readonly status: 'committed';
      /** One for each inserted signal, in their order; not new: the row that has its key. */
      readonly signals: readonly { readonly id: number; readonly isNew: boolean }[];
      /** The numbers of the journal's lines, in their order. */
      readonly lines: readonly number[];
    }
  /** No change was written, because of this one. */
  | { readonly status: 'lost'; readonly change: Change };

/** The relevance of a commit by another host. */
export interface Written {
  /** Trees that were stepped, or that have new signals or effects. */
  readonly trees: readonly TreeAddress[];
  /** An effect does not run any more: another host may take its slot. */
  readonly freesSlots: boolean;
  /** The last line that it added to the journal; 0: none. */
  readonly line: number;
}

export interface QueueItemQuery {
  /** How many of the ended ones, at most. */
  readonly ended: number;
  /** The repo and the plan of the ended ones; none: of all. */
  readonly project?: string | undefined;
  readonly plan?: string | undefined;
}

/** Which runs, the newest first unless stated otherwise. */
export type RunQuery =
  | { readonly by: 'keys'; readonly keys: readonly string[] }
  /** The run whose token has that SHA-256. */
  | { readonly by: 'token'; readonly hash: string }
  /** The runs of one agent, in any plan. */
  | { readonly by: 'title'; readonly project: string; readonly title: string }
  /** The newest of the agent at that path of a tree, as it was at that time. */
  | { readonly by: 'agent'; readonly tree: PlanTree; readonly path: string; readonly atMs: number }
  /** The last `limit` that really began, the oldest first; `sinceMs` leaves out an earlier plan of that name. */
  | {
      readonly by: 'plan';
      readonly project: string;
      readonly plan: string;
      readonly sinceMs: number;
      readonly limit: number;
    }
  /** The last `limit` of a repo that really began and have ended, the newest first. */
  | { readonly by: 'ended'; readonly project: string; readonly limit: number }
  /** The last one of each agent; `live`: only of those that are not final. At most 1,000 where no limit is given. */
  | {
      readonly by: 'latest';
      readonly project?: string;
      readonly plan?: string;
      readonly title?: string;
      readonly live?: boolean;
      readonly limit?: number;
    }
  /** The last one of each agent that is not final; of a plan's queued ones only the newest. */
  | { readonly by: 'at-work'; readonly project?: string };

/** Which effects, in the order of their ids unless stated otherwise. */
export type EffectQuery =
  /** The running effects of one host, or of all. */
  | { readonly by: 'running'; readonly host?: string }
  /** Queued and running, by descending priority. */
  | { readonly by: 'open' }
  /** The queued and running effects of one tree. */
  | { readonly by: 'tree'; readonly tree: TreeAddress }
  /** The effects of one tree that began, the oldest first, as long as their rows are kept. */
  | { readonly by: 'begun'; readonly tree: TreeAddress }
  /** Effects that failed and are tried again, first those that wait for a fault of the environment, the longest first; of one tree, or of all. */
  | { readonly by: 'waiting'; readonly tree?: TreeAddress }
  /** Cleaning effects that failed, or will be tried again, since then. */
  | { readonly by: 'undone'; readonly tree: TreeAddress; readonly sinceMs: number }
  /** The deliveries of hooks, the newest first. */
  | {
      readonly by: 'deliveries';
      readonly project?: string;
      readonly plan?: string;
      readonly hook?: string;
      readonly statuses?: readonly EffectRow['status'][];
      readonly limit: number;
    }
  /** One delivery of a hook. */
  | { readonly by: 'delivery'; readonly id: string };

/** An agent that waits for a slot. */
export interface SlotWaiter extends Pick<EffectRow, 'id' | 'key' | 'project' | 'plan' | 'lane' | 'priority'> {
  /** These are read only if requested; otherwise they are `''`, and null. */
  readonly title: string;
  readonly role: string;
  /** The agent that its task names; null: it names none. */
  readonly agent: string | null;
}

/** A query for what may start in one lane, at a time of the store's timeline. */
export interface StartQuery {
  readonly lane: Lane;
  readonly nowMs: number;
  /** Repos in which nothing may start. */
  readonly closed: readonly string[];
  /** The plans whose agents may start, each as `<project>/<plan>`; `all`; or `none`. */
  readonly agents: 'all' | 'none' | readonly string[];
  /** Roles of repos whose agents do not start, each as `<project>/<role>`. An agent that a person restarts is started anyway. */
  readonly held?: readonly string[];
  /** The names by which plans may name this host: agents of plans that name another one do not start. */
  readonly hostNames?: readonly string[];
  /** Effects of machines that other hosts carry out, each as `<machine>/<effect>`. */
  readonly ofOthers?: readonly string[];
  /** Only of these trees. */
  readonly trees?: readonly TreeAddress[];
  /** The most rows of each repo; default 512. */
  readonly limit?: number;
}

/** Every operation throws `StoreTrouble`, after it has waited up to 5 s where another program holds the store. */
export interface Store {
  /** The path of the store, for messages. */
  readonly file: string;
  /** All of it or nothing. Commits are carried out in the order of their calls. */
  commit(changes: readonly Change[]): Promise<Commit>;

  /** Up to `limit` due rows: the projects take turns, and the rows of a project come in the order in which they became due. With a project, only its rows (`''`: the supervisor). */
  claim(now: Now, options: { readonly limit: number; readonly project?: string }): Promise<readonly SignalRow[]>;
  signal(id: number): Promise<SignalRow | null>;
  /** The chart of a user-defined machine as an engine had it last; null: it is new. */
  chart(machine: string): Promise<ChartRow | null>;
  /** The request of a client under that key. */
  request(key: string): Promise<RequestRow | null>;
  /** The number of the last signal; 0: there is none. */
  lastSignal(): Promise<number>;
  /** Rows with a number that no engine can read, some at a time. The table refuses them; a program may have switched the check of its database off. */
  unreadableSignals(): Promise<readonly UnreadableSignal[]>;
  /** The newest first, at most 1,000. */
  signals(filter: SignalFilter): Promise<readonly SignalRow[]>;
  /** In how many milliseconds the next signal that is not due yet will be; null: none waits. */
  nextSignalIn(now: Now): Promise<number | null>;
  /** The delays of the newest signals, as many as that, that got their verdict since that time. */
  inboxLoad(query: { readonly now: Now; readonly newest: number; readonly sinceMs: number }): Promise<InboxLoad>;
  /** Quarantined signals to trees of user-defined machines; of all machines, or of one. At most 1,000, in the order of their trees. */
  setAsideOfMachines(machine?: string): Promise<readonly SetAsideSignal[]>;
  /** The engine's own quarantined signals for a tree, from that id on. */
  setAside(tree: TreeAddress, from: number): Promise<readonly number[]>;
  /** Plans that are registered and have no tree yet, with the branches that they will have. */
  births(project: string): Promise<readonly { readonly plan: string; readonly branch: string }[]>;

  /** Throws `snapshot_unknown` for a row that is damaged. */
  tree(address: TreeAddress): Promise<TreeRow | null>;
  /** The trees of a machine, by their addresses: at most `limit` after that one, '' first. */
  treesOf(machine: string, page: { readonly after: string; readonly limit: number }): Promise<readonly TreeAddress[]>;
  /** As `treesOf`, with their rows: `snapshot_unknown` in place of a damaged one. */
  treeRowsOf(
    machine: string,
    page: { readonly after: string; readonly limit: number },
  ): Promise<readonly { readonly address: TreeAddress; readonly row: TreeRow | EngineError }[]>;
  /** The trees of a machine that are stored in another version than this one: a page as of `treesOf`. */
  treesOfOtherVersion(
    machine: string,
    page: { readonly version: string; readonly after: string; readonly limit: number },
  ): Promise<readonly TreeAddress[]>;
  /** The number of trees of each machine, also of machines that this engine does not have. */
  treeCounts(): Promise<readonly { readonly machine: string; readonly count: number }[]>;
  /** The public states of a machine's trees, read without restoring them; trees without one are left out. */
  treeStates(machine: string): Promise<ReadonlyMap<TreeAddress, TreeState>>;
  /** The step of a tree, and when it ended (null: it has not), also if its row is damaged; null: there is no such tree. */
  treeStatus(address: TreeAddress): Promise<{ readonly steps: number; readonly endedAt: number | null } | null>;

  effect(key: string): Promise<EffectRow | null>;
  effects(query: EffectQuery): Promise<readonly EffectRow[]>;
  /**
   * Queued rows whose resource is free and that may start, by descending priority, however many rows before them may not start; at most `limit` of each repo,
   * so that a busy one hides no other. No agents for which the queue is paused, and none whose plan takes no new runs; no effects of paused machines.
   */
  startable(query: StartQuery): Promise<readonly EffectRow[]>;
  /** The agents that are queued, in any order. `isNamed`: with title, role and agent, which takes several times as long. */
  slotWaiters(query: { readonly isNamed: boolean }): Promise<readonly SlotWaiter[]>;
  /** Lanes in which an effect waits, for its time or its turn. */
  queuedLanes(): Promise<readonly Lane[]>;
  /** The number of effects of a lane, by project. `host`: only the running effects of that host count. */
  effectCounts(lane: Lane, status: 'queued' | 'running', host?: string): Promise<ReadonlyMap<string, number>>;
  /** When the next queued one that waits may be tried, after that; null: none waits. */
  nextEffectAt(afterMs: number): Promise<number | null>;

  /** The states of a repo's hooks; a hook that has received no event yet has no row. */
  hooks(project: string): Promise<readonly HookRow[]>;
  /** How many deliveries each hook has, by status. */
  hookCounts(project: string): Promise<readonly HookCountRow[]>;

  plan(project: string, plan: string): Promise<PlanRow | null>;
  /** Plans that need a person come first. Plans of removed repos are left out. */
  plans(project: string | null): Promise<readonly PlanRow[]>;
  /** The names and branches of a repo's plans: much cheaper than the plans of a repo that has thousands. */
  planBranches(project: string): Promise<readonly { readonly plan: string; readonly branch: string }[]>;
  planText(project: string, plan: string): Promise<string | null>;
  /** The first number for the runs of the next plan of this name: no run ever gets the name of an old one. */
  nextGeneration(project: string, plan: string): Promise<number>;
  /** All plans ever, deleted ones too, in an order of their own: at most `limit` after the number of the last one, 0 first. */
  planTraces(query: { readonly after: number; readonly limit: number }): Promise<{
    readonly traces: readonly PlanTrace[];
    /** null: this was the last page. */
    readonly next: number | null;
  }>;
  /** The number of plans by project: all, and those under way. */
  planCounts(): Promise<ReadonlyMap<string, { readonly all: number; readonly active: number }>>;

  run(key: string): Promise<RunRow | null>;
  runs(query: RunQuery): Promise<readonly RunRow[]>;
  /** How many runs of a plan really began; with `before`, those of its agent's same attempt that began before it. */
  countRuns(of: PlanKey, before?: RunRow): Promise<number>;
  /** A line for each agent of a plan, in the order of their first runs; `sinceMs` leaves out an earlier plan of that name. */
  usage(of: PlanKey, sinceMs?: number): Promise<readonly UsageRow[]>;
  /** A line for each plan that is registered and has runs, all of its agents together, by their names; an earlier plan of its name is left out. */
  usageOfPlans(project: string | null): Promise<readonly PlanUsageRow[]>;
  /** The totals of the next `limit` runs that ended after that time, and the time up to which they are counted; null: no more runs ended. */
  finalTotals(query: {
    readonly after: number;
    readonly upTo: number;
    readonly limit: number;
  }): Promise<{ readonly totals: readonly RunTotals[]; readonly upTo: number } | null>;
  /** The usage of a plan's runs, and of its repo's runs that began since then, as far as it is known. */
  spent(of: PlanKey, sinceMs: number): Promise<SpentOf>;
  /** The tokens of the other runs of a conversation: some programs count the conversation as a whole. */
  conversationTokens(of: {
    readonly project: string;
    readonly conversation: string;
    readonly exceptKey: string;
  }): Promise<{ readonly input: number; readonly output: number }>;

  launch(key: string): Promise<LaunchRow | null>;
  /** The checks that judged the work of that run, in the order in which they ran. */
  checksOf(run: Pick<RunRow, 'project' | 'plan' | 'run'>): Promise<readonly LaunchRow[]>;
  /** The owners of these folders under `runs`; folders without an owner are left out. In the order of their keys. */
  launchesOf(folders: readonly string[]): Promise<readonly LaunchTrace[]>;

  /** At most 1,000 lines after that number, of all trees or of one. */
  journal(query: {
    readonly after: number;
    readonly tree?: TreeAddress;
    readonly limit?: number;
  }): Promise<readonly JournalLine[]>;
  /** The number of the last line; 0: there is none. */
  lastLine(): Promise<number>;
  /** The first line of a tree since its last creation, without those of earlier trees at its address; 0: there is none. */
  firstLine(tree: TreeAddress): Promise<number>;
  lastRefused(tree: TreeAddress): Promise<JournalLine | null>;
  /** Every line of a tree, with the input on each: a replay feeds these again. */
  fed(tree: TreeAddress): Promise<readonly FedLine[]>;
  /** The first line of a tree's journal that does not fit the line before it: one of them was changed, or a line between them is gone. null: all fit. */
  unchained(tree: TreeAddress): Promise<UnchainedLine | null>;
  /** Signals that a tree took, and that are in no line of the journal: reads all lines. */
  unexplained(): Promise<readonly { readonly id: number; readonly tree: TreeAddress }[]>;

  /** Trees that expire by that age, or whose journal loses its first line by it. */
  treesExpiring(beforeMs: number): Promise<readonly TreeAddress[]>;
  /** How many rows `rows.expire` would take of the `span` rows after that number, and up to which number these are; null: there are no more. */
  expiring(query: {
    readonly kind: ExpiringKind;
    readonly beforeMs: number;
    readonly after: number;
    readonly span: number;
  }): Promise<{ readonly rows: number; readonly upTo: number } | null>;
  size(): Promise<StoreSize>;
  /** Returns up to so many unused bytes to the disk, if the file allows that in steps; answers how many. */
  giveBack(limitBytes: number): Promise<number>;

  queue(): Promise<QueueRow>;
  /** By their machines and lanes, also of machines that this engine does not have. */
  machinePauses(): Promise<readonly MachinePause[]>;
  /** All agents that have not ended, in the order of their requests; then those that ended since the queue was cleared, the newest first. */
  queueItems(query: QueueItemQuery): Promise<readonly QueueItemRow[]>;
  /** The oldest first, also those of repos that were removed. */
  issues(): Promise<readonly IssueRow[]>;
  /** The messages to this session and to earlier ones of the same issue, the oldest first. */
  issueMessages(of: PlanKey): Promise<readonly IssueMessage[]>;
  /** One for each repo whose forge was ever contacted, by the repos' names; also those of repos that were removed. */
  forges(): Promise<readonly ForgeRow[]>;
  /** The last limit of each account, by name, including limits that are over. */
  accountLimits(): Promise<readonly AccountLimitRow[]>;
  /** By account; of each, the one that ends first comes first. Some may be over. */
  accountQuotas(): Promise<readonly AccountQuotaRow[]>;
  chatMessage(chat: string, message: string): Promise<ChatMessageRow | null>;
  /** The newest first. */
  chatMessages(query: { readonly chat: string; readonly limit: number }): Promise<readonly ChatMessageRow[]>;
  /** How far the answers in a chat were read, as a mark of its service; null: not at all. */
  chatMark(chat: string): Promise<string | null>;
  /** The items of an intake, the newest first. */
  intakeItems(query: { readonly intake: string; readonly limit: number }): Promise<readonly IntakeItemRow[]>;
  intakeItem(intake: string, item: string): Promise<IntakeItemRow | null>;
  /** Items whose plans are not started yet, the oldest first. */
  intakeUnstarted(intake: string): Promise<readonly IntakeItemRow[]>;
  /** Items that are not over, or whose tracker lacks the last state, by item. */
  intakeThreads(intake: string): Promise<readonly IntakeThreadRow[]>;
  intakeAllowances(intake: string): Promise<readonly IntakeAllowanceRow[]>;
  /** The deliveries that wait to become plans, in the order in which they came: at most `limit` after that number, 0 first. */
  intakeDeliveries(query: {
    readonly intake: string;
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly WaitingDelivery[]>;
  /** One for each intake with deliveries that wait, by name; also for those that are not configured any more. */
  waitingCounts(): Promise<readonly WaitingCountRow[]>;
  /** Whether such a delivery came before, also one that has become a plan. */
  isDelivered(intake: string, item: string): Promise<boolean>;
  /** The number of the last one that was a reason to ask the tracker; 0: none. A later one has a higher number. */
  lastDelivery(intake: string): Promise<number>;
  /** One for each intake whose times are looked at, by name. */
  intakeMarks(): Promise<readonly IntakeMarkRow[]>;
  /** One for each intake that ever had an item. */
  intakeCounts(query: { readonly sinceMs: number }): Promise<readonly IntakeCountRow[]>;
  /** The cost in USD of the runs of its plans that began since then, as far as their programs report it: one row. */
  intakeSpent(query: {
    readonly intake: string;
    readonly sinceMs: number;
  }): Promise<readonly { readonly usd: number }[]>;
  /** The notes of one repo or of all, without forgotten ones, the oldest first. */
  notes(query: { readonly project?: string | undefined }): Promise<readonly NoteRow[]>;
  note(project: string, id: number): Promise<NoteRow | null>;
  notifications(query: NotificationQuery): Promise<readonly NotificationRow[]>;
  repos(): Promise<readonly RepoRow[]>;
  /** Removed repos with their former paths. */
  removedRepos(): Promise<ReadonlyMap<string, string>>;
  timeline(): Promise<TimelineRow | null>;

  /** The hosts that share it; absent: it belongs to one machine. Claims and starts are then limited to the own host, and to effects without a host. */
  readonly hosts?: Hosts;

  /** Calls when another writer has changed it, within a second; null: anything may have changed. Ends with the returned function. */
  watch(onChange: (written: Written | null) => void): () => void;
  /** Why nothing is written any more, if its files were deleted, replaced or damaged; null: they are unchanged since they were opened. */
  loss(): EngineError | null;
  /** Why the last write failed, within the last 30 s; null: it succeeded, or there was none. */
  trouble(): EngineError | null;
  close(): void;
}

export interface HostRow {
  readonly name: string;
  readonly labels: readonly string[];
  /** The name that its system gives it, and its home there. */
  readonly address: string;
  readonly home: string;
  /** When its engine started, and when it was last seen. */
  readonly since: number;
  readonly seen: number;
  /** Since when it starts nothing new; null: it does. */
  readonly drained: number | null;
  /** When it was removed, for good; null: it was not. */
  readonly gone: number | null;
  /** Whether an engine works as this host, or was seen in the last 12 s and did not stop in order. */
  readonly isAlive: boolean;
  /** It is alive, and has not recorded for 12 s that it is present: its daemon hangs or is stopped, and nobody takes over from it. */
  readonly isSilent: boolean;
  /** The names of the clones that it had when its engine came, where it takes over the repos of lost hosts; null: it takes over none. */
  readonly clones: readonly string[] | null;
  readonly repos: readonly string[];
}

/** A repo of a lost host, or one that was moved here and has not arrived yet. */
export interface LostRepo {
  readonly project: string;
  readonly host: string;
  /** The host that has given it to this one; null: its host is lost. */
  readonly comingFrom: string | null;
  /** The path where this host had it before; null: it never had. */
  readonly path: string | null;
  /** Where its repository is, without a password; null: it has no remote. */
  readonly remote: string | null;
}

/** The hosts of a store. Each operation throws the errors of the store. */
export interface Hosts {
  /** The number of the own host. */
  readonly own: string;
  /** The engine that worked as this host before was cut off. */
  wasCutOff(): boolean;
  list(): Promise<readonly HostRow[]>;
  /** Records that this host is present, and keeps its lock. */
  beat(): Promise<void>;
  /** Records that its engine stops in order: then it is waited for longer than if it was cut off. */
  leave(): Promise<void>;
  /** Where other hosts find a repo of this one: an address without a password. A known address stays, unless `isNew`. */
  noteRemote(project: string, remote: string, options: { readonly isNew: boolean }): Promise<void>;
  /** The repos of hosts that were not seen for 12 s, or stopped more than 2 minutes ago; and those that come to this host. */
  lostRepos(): Promise<readonly LostRepo[]>;
  /**
   * Running effects of lost hosts that belong to no repo, which are those of user-defined machines, wait for any free host. A lost host that comes back finds
   * that they are no longer its own. Returns how many these were.
   */
  requeueLost(): Promise<number>;
  /** Why a repo could not move to another host, for people; null: nothing prevents it. `host`: the repo's supposed host. */
  noteTrouble(repo: Pick<LostRepo, 'project' | 'host'>, trouble: string | null): Promise<void>;
  /** Why a repo has not moved to its host yet; null: no host has tried. */
  troubleOf(project: string): Promise<string | null>;
  /**
   * The repo of a lost host belongs to this one, at that path. Its runs are lost, and the engine that had them writes nothing more. false: that host is back, or
   * another one was first.
   */
  takeOver(repo: LostRepo, path: string): Promise<boolean>;
  /**
   * Gives a repo to a host that is alive and has `clones`, which goes on with it once it has a clone. `from`: the host that gives it, or one that does not have
   * it yet. false: that host does not have it, a run of it is under way there, or the new host is gone.
   */
  hand(project: string, way: { readonly from: string; readonly to: string }): Promise<boolean>;
  /** Whether it starts nothing new. false: there is no such host. */
  drain(name: string, isDrained: boolean): Promise<boolean>;
  /** Removes a host: its name cannot be used again, and its running effects are started again elsewhere. false: the host is alive. */
  remove(name: string): Promise<boolean>;
  /** Asks another host, and returns its answer; null: it gave none within `waitMs`. */
  ask(host: string, question: string, waitMs: number): Promise<string | null>;
  /** Answers requests of other hosts, until the returned function is called. */
  answer(answerer: (question: string) => Promise<string>): () => void;
  /** Calls when hosts, or their repos, may have changed; ends with the returned function. */
  watch(onChange: () => void): () => void;
}

/** A fault of the store's environment: the request has changed nothing, and trying again may help. */
export class StoreTrouble extends EngineError {}

/** A commit that was lost and cannot be decided again. */
export class CommitLost extends Error {
  readonly change: Change;

  constructor(change: Change) {
    super(`the store is not as it was read: ${JSON.stringify(change).slice(0, 300)}`);
    this.change = change;
  }
}

/** Throws `CommitLost` if the commit was not made. */
export async function mustCommit(
  store: Pick<Store, 'commit'>,
  changes: readonly Change[],
): Promise<Extract<Commit, { status: 'committed' }>> {
  const commit = await store.commit(changes);
  if (commit.status === 'lost') throw new CommitLost(commit.change);
  return commit;
}

/** The id of the only signal of a commit. Throws `CommitLost`. */
export async function insertSignal(
  store: Pick<Store, 'commit'>,
  signal: NewSignal,
  before: readonly Change[] = [],
): Promise<number> {
  const { signals } = await mustCommit(store, [...before, { do: 'signal.insert', ...signal }]);
  const inserted = signals.at(-1);
  if (inserted === undefined) throw new Error(`signal ${signal.type} was not inserted`);
  return inserted.id;
}
