/**
 * A kind of tree is one value: its machine, its versions and upgrades, the signals that create such a tree, and the rules by which it takes a signal. tree.ts
 * and all other code read these values and know no machine by name.
 */
import type { AnyActorRef, AnyEventObject, AnyStateMachine } from 'xstate';
import type { EngineError } from '../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../machines/vocabulary/ids.ts';
import type { AnySignal } from '../machines/vocabulary/signal.ts';
import type { SignalKind } from '../machines/vocabulary/signal-kind.ts';
import type { Found } from './addressee.ts';
import type { ReadableBy, TreeStatus, Upgrades } from './compatibility.ts';
import type { Ports } from './ports.ts';
import type { PublicMove } from './recorder.ts';
import type { Refusal } from './refusal.ts';

/** The open requests of a tree, if its machine does not count them itself. It is stored beside the snapshot. */
export interface Memory {
  readonly address: TreeAddress;
  /** The number of the signal that created it. It is part of the names of its requests, so that none has the name of a request by an earlier tree of this address. 0: it is not known. */
  readonly born: number;
  /** How many ids were given. */
  count: number;
  /** From the id of each request that is open to the named action that made it. */
  open: Record<string, string>;
  /** The open requests that are a delayed event of the chart: the event, its sender and its receiver. */
  delayed: Record<string, DelayedEvent>;
  /** The open requests of actors below the root: the actor's path, as ids from the root's child down. */
  askers: Record<string, string[]>;
  /** How many actors the chart has begun: each has an id of its own, over all restarts. */
  actors: number;
  /** The projects of plans whose end it wants to know. */
  watches: string[];
  /** The requests of other trees that wait for its output. */
  waiters: Waiter[];
  /** The tree is being read from its row: what begins now has begun before. */
  isRestoring: boolean;
  /** While it is read: the contexts that get their actors once the whole tree is restored. */
  readonly restoredContexts: unknown[];
  /** The tree is rebuilt from its journal to be shown: side effects of its actions are not repeated. */
  readonly isPast: boolean;
  /** How many plain actions the present step has run, and which of them threw, by their numbers. */
  plainActions: number;
  thrown: Record<number, NonNullable<AnySignal['thrown']>[number]>;
  /** The actors that the present step stops: one that is at work ends after its successor has begun. */
  stopping: WeakSet<AnyActorRef>;
  /** When the present signal is handled. */
  at: number;
}

/** A tree asks for the output of another tree, which answers when it ends. */
export interface Waiter {
  readonly tree: TreeAddress;
  readonly run: string;
}

/** An event that an actor of a chart sends later, to itself or another one. */
export interface DelayedEvent {
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** The id by which the chart names it; empty: it has none. */
  readonly id: string;
  /** The id is that of this event: a `cancel` stops it. */
  readonly isNamed?: true;
  readonly event: AnyEventObject;
  /** The chart itself sends it (`after`, a delay), and no effect of its definition. */
  readonly isChart?: true;
}

/** An event as an actor of a tree receives it. */
export type TreeEvent = AnyEventObject & { readonly at: number };

/** How trees of a kind take signals. Nothing here changes a tree. */
export interface Rules {
  /** Which actor it is for; `gone`: the actor no longer waits for it, so it is stale. */
  addresseeOf(root: AnyActorRef, signal: AnySignal, memory: Memory): Found;
  /** Why its sender may not send this, whatever the state; null: it may. */
  obstacleTo(root: AnyActorRef, signal: AnySignal): string | null;
  isHeld(root: AnyActorRef, signal: AnySignal, found: Found): boolean;
  /** The signal asks for a state that exists already. */
  isPreApplied(root: AnyActorRef, signal: AnySignal): boolean;
  /** The signal is accepted and changes nothing. */
  isSuppressed(root: AnyActorRef, signal: AnySignal): boolean;
  eventOf(root: AnyActorRef, signal: AnySignal, memory: Memory): TreeEvent;
  /** The event that the root receives first, when an event is for another actor of its tree. null: none. Absent: it never receives one. */
  rootEventOf?(root: AnyActorRef, ref: AnyActorRef, event: TreeEvent): TreeEvent | null;
  /** Stores a signal that is for the memory alone, and returns true: no actor receives it. Absent: no signal is. */
  remembers?(signal: AnySignal, memory: Memory): boolean;
  refusalOf(root: AnyActorRef, ref: AnyActorRef, event: TreeEvent): Refusal;
  /** The reasons for which signals are held now: when one of them goes, the waiting signals are delivered. */
  heldFor(root: AnyActorRef): ReadonlySet<string>;
}

/** The names that a sender gives if it does not know the address. */
export interface Place {
  readonly project: string;
  readonly plan: string;
}

export interface PlaceRules {
  treeAt(place: Place): TreeAddress;
  /** Null if a tree of these names cannot exist; whether it exists is not checked. */
  problemOf(place: Place): EngineError | null;
}

export interface Kind {
  /** Its machine's id. */
  readonly name: string;
  /** The type of the signal that creates a tree. */
  readonly birth: string;
  /** The version of its persisted shape; `machine` is what `bind` returned. */
  versionOf(machine: AnyStateMachine): string;
  /** From each earlier version to the next. */
  readonly upgrades: Upgrades[string];
  /** What a person does about a row that this version cannot restore. */
  readonly readableBy: ReadableBy;
  /** Its machine, the named actions bound to their requests; `memory` is that of the tree that steps. */
  bind(ports: Ports, memory: () => Memory): AnyStateMachine;
  /** The chart of the actor at that path of a tree; "" is the root. */
  chartAt(actor: string): AnyStateMachine;
  readonly rules: Rules;
  /** The signals that a tree of this kind takes: the schema of each one's payload, and who may send it. */
  readonly signals: Readonly<Record<string, SignalKind | undefined>>;
  /** Where these payloads are documented. */
  readonly signalsAreIn: string;
  /** How its trees are found by a repo and a plan; null: they are named by a machine and an id. */
  readonly place: PlaceRules | null;
  /** The notification that people get when a tree enters a state with that tag; `root` as it is after the step. */
  readonly notices: Readonly<Record<string, (root: AnyActorRef) => string>>;
  /** What is in the row of a tree beside its snapshot. */
  statusOf(root: AnyActorRef): TreeStatus;
  /** Its machine gives no ids to its requests: `Memory` does, and is stored with it. */
  readonly keepsMemory: boolean;
  /** An event between two of its actors that has no transition is a broken invariant. */
  readonly isStrict: boolean;
}

/** Which kind takes a signal, how its trees are found, and the signal's name there. */
export interface Taker {
  readonly kind: Kind;
  readonly place: PlaceRules;
  readonly type: string;
}

/** The kinds that an engine carries, by their names. */
export interface Kinds {
  readonly all: readonly Kind[];
  /** Throws `machine_unknown` for the address of a machine that this engine does not have. */
  of(address: TreeAddress): Kind;
  knows(address: TreeAddress): boolean;
  /** The kind whose trees are found by a place and that takes a signal of that name or alias; null: there is none. */
  taking(name: string): Taker | null;
  /** The public text of a journal line: empty if the kind of its tree is not known here. */
  moveOf(line: MoveLine): PublicMove;
}

/** The part of a journal line that says what changed. */
export interface MoveLine {
  readonly tree: string;
  readonly actor: string;
  readonly from: string;
  readonly to: string;
}
