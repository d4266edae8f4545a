/** The types of `stator/durable`: an engine that has user-defined machines and nothing else, so they name nothing else. */
import type { AnyStateMachine, SnapshotFrom } from 'xstate';
import type {
  ActionBelow,
  ActionName,
  AnyParts,
  EventType,
  FactEmitted,
  FactEvent,
  InputOf,
  ListenTo,
  MachineParts,
  MachinesBelow,
  Message,
  OutputOf,
  ParamsOf,
  SentTo,
  Start,
  TagOf,
  Timer,
  TreeName,
  Work,
} from '../../actors/definition.ts';
import type { Clock } from '../base/platform/clock.ts';
import type { Log } from '../base/platform/log.ts';

/** How a named action of the chart is carried out: its handler, and its limits. */
export type DurableEffect<M extends AnyStateMachine, Params = unknown> =
  | Work<M, Params>
  | Timer<M, Params>
  | Message<M, Params, TreeName>
  | Start<M, Params>;

/** A machine of your own, as `defineMachine` takes it: an unchanged chart of XState, what may be sent to it, and what its effects do. */
export interface DurableDefinition<
  Name extends string = string,
  M extends AnyStateMachine = AnyStateMachine,
  Signal extends EventType<M> = EventType<M>,
> extends MachineParts<Name, M, Signal> {
  /** From named actions of the chart to what they ask for. */
  readonly effects?: { readonly [Action in ActionName<M>]?: DurableEffect<M, ParamsOf<M, Action>> } & {
    /** For machines that the chart starts: the result goes to the actor that made the request. */
    readonly [Action in ActionBelow<M>]?: DurableEffect<MachinesBelow<M>>;
  };
}

/** The definition of some machine, whichever its events and actions are. */
export interface AnyDurable extends AnyParts {
  readonly effects?: Readonly<Record<string, DurableEffect<AnyStateMachine, never> | undefined>>;
}

/** Either `file` or `store` says where the actors are kept. Times are milliseconds. */
export interface DurableOptions {
  /** A file of SQLite, made where it is missing; one engine works with it at a time. `:memory:`: nothing outlives this process. */
  file?: string;
  /** A database of PostgreSQL that several engines may share: its URL, or `env:NAME`. Needs the package `pg`. */
  store?: string;
  /** The name of this engine among those that share a store; each has its own, and keeps it over restarts. Default: the name of the machine. */
  host?: string;
  /** Further names by which a definition may ask for this host. */
  labels?: readonly string[];
  /** How long to wait for an engine that is about to leave the file. Default 0. */
  waitMs?: number;
  /** How long the rows of what has ended are kept: at least a day. Default: 30 days. */
  keepEndedMs?: number;
  /** Default: warnings and errors on standard error. */
  log?: Log;
  clock?: Clock;
}

/** An engine that works until `stop` is called. */
export interface DurableEngine<D extends AnyDurable = AnyDurable> {
  /** The machines that it was given, by their names. */
  readonly machines: { readonly [Each in D as Each['name']]: DurableMachine<Each> };
  /**
   * From now on no effect or promise of that machine begins, or with `lane` none of that lane, in this engine and in later ones. What runs goes on, and signals
   * and timers are taken. Throws `machine_unknown`, and `bad_request` for an unknown lane.
   */
  pause(part: PausedPart<D['name']>): Promise<void>;
  /** Ends that one pause. Throws as `pause`. */
  resume(part: PausedPart<D['name']>): Promise<void>;
  /** By their machines and lanes. */
  pauses(): Promise<Pause[]>;
  /** Throws `unavailable`: the page needs the control API, which is in the package stator. */
  inspect(): Promise<never>;
  /** Delivers a quarantined signal again: `explain` names it. Throws `not_found`, `conflict` for one that is not quarantined. */
  retry(signal: number): Promise<void>;
  /** Why it does nothing any more: it was stopped, or its file was deleted or replaced; null: it works. */
  loss(): DurableError | null;
  /** Lets go of what is under way, which the next engine goes on with. May be called twice. */
  stop(): Promise<void>;
}

/** A machine, or one lane of it. */
export interface PausedPart<Machine extends string = string> {
  machine: Machine;
  /** The name of an action or a promise, or the lane that the definition gives it. Default: all of them. */
  lane?: string;
}

/** A pause of a machine or a lane: no new effect of it begins. */
export interface Pause {
  readonly machine: string;
  /** null: the whole machine. */
  readonly lane: string | null;
  /** ISO 8601. */
  readonly since: string;
}

/** A machine in a running engine: its trees, each an actor of the chart with all the actors below it. Every call throws `busy` where too many wait, and `stopped`. */
export interface DurableMachine<D extends AnyParts> {
  /**
   * Begins a tree; an existing one stays unchanged. Throws `bad_request` for an id that cannot be used, `refused` where the machine threw, and `unavailable`
   * where the engine has not come to it within 30 s: then it begins later.
   */
  start(
    id: string,
    ...input: Record<never, never> extends InputOf<D> ? [input?: InputOf<D>] : [input: InputOf<D>]
  ): Promise<DurableTree<D>>;
  /**
   * Throws `refused` where its states do not take it now, `bad_payload`, `unknown_signal`. Resolves when it is taken, or held until it is, and as `pending`
   * after `waitMs`, by default 5 s. `dedupeKey`: of two sends with the same key the second one returns the first one's signal. A key counts for all trees:
   * `conflict` where it is another signal's.
   */
  send(id: string, event: SentTo<D>, options?: { dedupeKey?: string; waitMs?: number }): Promise<SentSignal>;
  /** One tree with its context. Throws `not_found`. */
  get(id: string): Promise<DurableTree<D>>;
  /** Up to 1,000, by their ids; `after`: the ids behind that one. */
  list(options?: { after?: string }): Promise<ListedTree[]>;
  /**
   * From its first fact on, or from the one after `after`, live. Ends when the tree is final or deleted (its last fact is then `tree_deleted`), when
   * `signal` aborts, and when the loop is left.
   */
  facts(
    id: string,
    options?: { after?: number; signal?: AbortSignal },
  ): AsyncIterable<DurableFact<FactEvent<D>, FactEmitted<D>>>;
  /**
   * Calls the listener with each event of that type that the root of that tree emits from now on, or with `*` each event, once its step is committed; also where
   * the tree begins later. What was emitted before is in its facts, and so is what actors below the root emit. Resolves when it listens, which ends by
   * `unsubscribe()` and with the engine. What the listener throws is an uncaught exception of this process, as in XState.
   */
  readonly on: ListenTo<D>;
  /** Why a tree is in its state: what it would take, its timers and its effects. Throws `not_found`. */
  explain(id: string): Promise<TreeExplanation>;
  /** Takes it away, its journal after `keepEndedMs`, or `[retention]`. Throws `conflict` where it has not ended; with `force` all that it waits for is given up. */
  delete(id: string, options?: { force?: boolean }): Promise<void>;
  /** Up to 1,000 lines of its journal, those after that one. */
  history(id: string, options?: { after?: number }): Promise<DurableFact[]>;
}

/** An actor of the chart with all the actors below it, as it is now. */
export interface DurableTree<D extends AnyParts> {
  readonly id: string;
  readonly status: 'active' | 'done' | 'error';
  readonly value: SnapshotFrom<D['machine']>['value'];
  readonly context: SnapshotFrom<D['machine']>['context'];
  readonly tags: TagOf<D>[];
  /** null until it is done. */
  readonly output: OutputOf<D> | null;
  readonly view: Record<string, unknown>;
}

/** A quarantined signal: it threw, or engines ended while they handled it. */
export interface SetAside {
  readonly id: number;
  readonly type: string;
  readonly error: string;
}

/** A tree in a list. */
export interface ListedTree {
  readonly machine: string;
  readonly id: string;
  readonly status: 'active' | 'done' | 'error';
  /** The state value of XState: a name, or an object of nested states. */
  readonly value?: unknown;
  readonly tags: string[];
  readonly view: Record<string, unknown>;
  /** Why its stored state cannot be read; absent: it can. */
  readonly problem?: string | undefined;
  /** Its machine is paused as a whole; absent: it is not. */
  readonly paused?: boolean | undefined;
  /** Absent: none was. */
  readonly set_aside?: SetAside[] | undefined;
}

/** The outcome of a signal. `held`: it waits until its machine leaves the state that holds it. */
export interface SentSignal {
  readonly id: number;
  readonly type: string;
  readonly status: 'pending' | 'held' | 'done' | 'failed';
}

/** A line of the journal of a tree. `seq` grows over all trees. */
export interface DurableFact<Event = string, Emitted = { readonly type: string }> {
  readonly seq: number;
  /** ISO 8601. */
  readonly at: string;
  /** The signal that caused it; null: none did. */
  readonly signal: number | null;
  /** Who sent it: `person` is the program, `engine` the engine, else another tree. */
  readonly origin: string;
  /** The actor of the tree; empty: its root. */
  readonly actor: string;
  readonly event: Event;
  readonly from: string;
  readonly to: string;
  readonly effects: string[];
  /** The event that the actor emitted; absent: it emitted none. */
  readonly emitted?: Emitted | undefined;
}

/** Why a tree is in its state, and what it waits for. */
export interface TreeExplanation {
  readonly status: 'active' | 'done' | 'error';
  readonly value?: unknown;
  /** `accepted`: it would be taken with no payload. `in_state`: the present states have a transition for it; a guard decides about what it carries. */
  readonly events: {
    readonly type: string;
    readonly accepted: boolean;
    readonly in_state: boolean;
    readonly why_not: string | null;
  }[];
  /** The effects that it waits for. `host` null: any host carries it out. */
  readonly effects: {
    readonly effect: string;
    readonly key: string;
    readonly status: 'queued' | 'running';
    readonly tries: number;
    readonly next_at: string | null;
    readonly error: string | null;
    readonly host: string | null;
    /** It does not begin: its machine or its lane is paused. */
    readonly paused: boolean;
  }[];
  readonly timers: { readonly timer: string; readonly due_at: string }[];
  /** Trees whose outputs it waits for. */
  readonly outputs: { readonly machine: string; readonly id: string }[];
  /** Messages that wait until its states take them. */
  readonly held: { readonly id: number; readonly type: string }[];
  readonly set_aside: SetAside[];
}

/** The codes of an engine's failures. */
export type DurableErrorCode =
  | 'bad_request'
  | 'bad_machine'
  | 'bad_payload'
  | 'bad_config'
  | 'unknown_signal'
  | 'machine_unknown'
  | 'too_large'
  | 'not_found'
  | 'refused'
  | 'conflict'
  | 'busy'
  | 'stopped'
  | 'unavailable'
  | 'owner_taken'
  | 'snapshot_unknown'
  | 'home_unusable'
  | 'store_locked'
  | 'store_full'
  | 'store_unreadable'
  | 'store_corrupt'
  | 'store_newer'
  | 'effect_failed'
  | 'effect_later'
  | 'timed_out'
  | 'internal';

/** A failure with what can be done about it. */
export interface DurableError extends Error {
  readonly code: DurableErrorCode;
  readonly hint: string;
  /** For `busy`: it may be accepted after this many milliseconds. */
  readonly retryAfterMs?: number;
}
