/**
 * A user-defined machine, as a program gives it to an engine: a statechart that XState made, and what its named actions ask for. The chart says when;
 * what is done in the world is here, and every part of it outlives the process.
 */
import type {
  AnyStateMachine,
  EmittedFrom,
  EventFromLogic,
  InputFrom,
  OutputFrom,
  SnapshotFrom,
  StateMachine,
  TagsFrom,
} from 'xstate';
import type { z } from 'zod';

type ProvidedActions<M extends AnyStateMachine> = NonNullable<Parameters<M['provide']>[0]['actions']>;

type ProvidedActors<M extends AnyStateMachine> = NonNullable<Parameters<M['provide']>[0]['actors']>;

/** The names of the actions that a machine was set up with. */
export type ActionName<M extends AnyStateMachine> = string & keyof ProvidedActions<M>;

/** What an action is given as its params. */
export type ParamsOf<M extends AnyStateMachine, Name extends ActionName<M>> =
  NonNullable<ProvidedActions<M>[Name]> extends (args: never, params: infer Params) => unknown ? Params : unknown;

/** The state of the machine when an action runs. `at`: wall time in milliseconds, the same in a replay. */
export interface ActionMoment<M extends AnyStateMachine> {
  readonly context: SnapshotFrom<M>['context'];
  readonly event: EventFromLogic<M>;
  readonly at: number;
}

/** What a handler is given. */
export interface EffectRun<Input> {
  /** The params of the action, as JSON carries them; null: it has none. */
  readonly input: Input;
  /** The same at every try of this effect, and different for every other effect. Pass it on to make a request happen only once. */
  readonly key: string;
  /** Which try this is, from 1. */
  readonly attempt: number;
  /** Aborted when the machine cancels it, its time is over, or the engine stops; after a stop it runs again in the next engine. */
  readonly signal: AbortSignal;
  /** A line for the engine's log. */
  log(message: string): void;
}

/** Work in the world: carried out at least once, and once more after each failure. Its result is sent to the machine. */
export interface Work<M extends AnyStateMachine, Input> {
  /** Effects of one lane share its limit. Default: the action's name. */
  readonly lane?: string;
  /** How many of the lane run at a time, of all trees of this machine; if several limits are given, the lowest counts. Default 4. */
  readonly limit?: number;
  /** The name of a host, or a label of hosts, that carries it out; the others leave it. Default: any. */
  readonly host?: string;
  /** Tries before the machine receives `effect_failed`. Default 5. */
  readonly attempts?: number;
  /** Milliseconds that one try has, at most 2,147,483,647. Default: an hour. */
  readonly timeoutMs?: number;
  /** Named actions that stop it. A machine that ends stops all of its effects. */
  readonly stoppedBy?: readonly ActionName<M>[];
  /**
   * Carries the effect out. It runs at least once, so it must find what an earlier try did. Throws `FatalError` where trying again is of no use,
   * `RetryAtError` to be tried at a time.
   */
  run(run: EffectRun<Input>): Promise<EventFromLogic<M> | undefined> | EventFromLogic<M> | undefined;
}

/** How a promise of the chart is carried out; by default as XState does it, once. */
export interface ActorWork {
  /** Promises of one lane share its limit. Default: the actor's name. */
  readonly lane?: string;
  /** How many of the lane run at a time, of all trees of this machine. Default 4. */
  readonly limit?: number;
  /** The name of a host, or a label of hosts, that carries it out; the others leave it. Default: any. */
  readonly host?: string;
  /** Tries before it is rejected. Default 1. An engine that is killed under a promise begins it again, like a further try. */
  readonly attempts?: number;
  /** Milliseconds that one try has, at most 2,147,483,647. Default: an hour. */
  readonly timeoutMs?: number;
}

/** An event for the machine itself, later. It is kept in the store, so a restart loses nothing. */
export interface Timer<M extends AnyStateMachine, Params> {
  readonly afterMs: number | ((moment: ActionMoment<M>, params: Params) => number);
  /** The type of the event. */
  readonly event: EventFromLogic<M>['type'];
  readonly stoppedBy?: readonly ActionName<M>[];
}

/** A tree of a user-defined machine. */
export interface TreeName {
  readonly machine: string;
  readonly id: string;
}

/** The receiver of a message: a tree of a user-defined machine, a plan, or a repo. A plan takes it like a signal of a person. */
export type Addressed = TreeName | { readonly project: string; readonly plan?: string };

/** A signal to another tree, in the commit of this very step. */
export interface Message<M extends AnyStateMachine, Params, To> {
  readonly send: (
    moment: ActionMoment<M>,
    params: Params,
  ) => { readonly to: To; readonly type: string; readonly payload?: Readonly<Record<string, unknown>> };
}

/** Another tree of a machine of your own, begun in the commit of this very step; an existing tree stays unchanged. */
export interface Start<M extends AnyStateMachine, Params> {
  readonly start: (
    moment: ActionMoment<M>,
    params: Params,
  ) => { readonly machine: string; readonly id: string; readonly input?: Readonly<Record<string, unknown>> };
}

/** Sends the machine `plan_done` (`{project, plan}`) of each of these plans, once; at once where it is done already. */
export interface Watch<M extends AnyStateMachine, Params> {
  readonly watch: (
    moment: ActionMoment<M>,
    params: Params,
  ) => readonly { readonly project: string; readonly plan: string }[];
}

/** How a named action of the chart is carried out: its handler, and its limits. */
export type EffectDefinition<M extends AnyStateMachine, Params = unknown> =
  | Work<M, Params>
  | Timer<M, Params>
  | Message<M, Params, Addressed>
  | Start<M, Params>
  | Watch<M, Params>;

/** The input of a chart without the fields that the engine supplies. */
type InputOfSchedule<M extends AnyStateMachine> = Supplied<InputFrom<M>, { id: string; at: number }>;

/** A schedule gives the input if the chart takes one. */
type ScheduleOf<Input> = MachineSchedule<Input> &
  (Record<never, never> extends Input ? unknown : Required<Pick<MachineSchedule<Input>, 'input'>>);

/** The type of an event of the chart; any text where the chart has no types. */
export type EventType<M extends AnyStateMachine> = EventFromLogic<M>['type'];

/** The payload of the event of that type. */
type PayloadOf<M extends AnyStateMachine, Type extends string> =
  string extends EventType<M>
    ? unknown
    : Supplied<Omit<Extract<EventFromLogic<M>, { readonly type: Type }>, 'type'>, { at: number }>;

/** `Defaults`: what the engine supplies where it is left out, and where the chart takes a value of that type. */
type Supplied<Given, Defaults, Key extends keyof Given = Supplies<Given, Defaults>> = Omit<Given, Key> &
  Partial<Pick<Given, Key>>;
type Supplies<Given, Defaults> = {
  [Key in keyof Given & keyof Defaults]: Defaults[Key] extends Given[Key] ? Key : never;
}[keyof Given & keyof Defaults];

/** The machines that the chart may start. */
export type MachinesBelow<M extends AnyStateMachine> = Extract<
  NonNullable<ProvidedActors<M>[keyof ProvidedActors<M>]>,
  AnyStateMachine
>;
/** An action that machines below the chart have, and the chart itself does not. */
export type ActionBelow<M extends AnyStateMachine> = [MachinesBelow<M>] extends [never]
  ? never
  : Exclude<ActionName<MachinesBelow<M>>, ActionName<M>>;

/** When a tree begins by itself: at each time of a cron pattern, once. */
export interface MachineSchedule<Input = unknown> {
  /** Minute, hour, day, month and day of the week, as cron has them: `0 3 * * 1-5`. */
  readonly cron: string;
  /** The time zone of the pattern, with its summer time. Default: `UTC`. */
  readonly timezone?: string;
  /** Times at which no engine ran: the last one is made up for once (the default), or none is. */
  readonly missed?: 'once' | 'skip';
  /** While the tree of the time before has not ended: none begins (`refuse`, the default), the last time waits for its end (`queue`), or one begins all the same (`allow`). */
  readonly overlap?: 'refuse' | 'queue' | 'allow';
  /** The input of the tree that begins at `at`, in milliseconds. Default: none. */
  readonly input?: (time: { readonly at: number }) => Input;
}

/** A machine of your own without its effects. */
export interface MachineParts<
  Name extends string = string,
  M extends AnyStateMachine = AnyStateMachine,
  Signal extends EventType<M> = EventType<M>,
> {
  /** A lower-case word; it is in addresses, keys and routes. */
  readonly name: Name;
  /** What `setup(…).createMachine` returned. It is not changed. */
  readonly machine: M;
  /** The version of its persisted shape, from 1. Raise it when states or the context change. */
  readonly version: number;
  /** From each earlier version to the next: takes `{value, context, …}` as it was stored, answers the same in the new shape. */
  readonly upgrades?: Readonly<Record<number, (snapshot: never) => object>>;
  /** Signals that others may send, with the schema of each payload. Nothing else is accepted from outside. */
  readonly signals?: { readonly [Type in Signal]: z.ZodType<PayloadOf<M, Type>> };
  /** From actors of `setup({ actors })` that are promises to how they are carried out. */
  readonly actors?: { readonly [Source in string & keyof ProvidedActors<M>]?: ActorWork };
  /** What lists show of a tree, as JSON. Default: nothing more than its state. */
  readonly view?: (snapshot: SnapshotFrom<M>) => Readonly<Record<string, unknown>>;
}

/** A machine of your own, as `defineMachine` takes it: the chart, the signals it takes, what its effects do, and what people see of it. */
export interface MachineDefinition<
  Name extends string = string,
  M extends AnyStateMachine = AnyStateMachine,
  Signal extends EventType<M> = EventType<M>,
> extends MachineParts<Name, M, Signal> {
  /** From named actions of the chart to what they ask for. */
  readonly effects?: { readonly [Action in ActionName<M>]?: EffectDefinition<M, ParamsOf<M, Action>> } & {
    /** For actions of machines that the chart starts: the result goes to the actor that asked. */
    readonly [Action in ActionBelow<M>]?: EffectDefinition<MachinesBelow<M>>;
  };
  /** When trees begin by themselves, by a name of yours. Such a tree has the id `<name>-<time>`: `nightly-20261127T0200Z`. */
  readonly schedules?: { readonly [name: string]: ScheduleOf<InputOfSchedule<M>> };
  /** By tag: the notification that people get each time a tree enters a state with that tag. */
  readonly notices?: { readonly [Tag in TagsFrom<M>]?: (snapshot: SnapshotFrom<M>) => string };
}

/** A definition as it is written: the name is the id of the chart and the version is 1, unless they are given. */
export type Written<D extends { readonly name: string; readonly version: number }> = Omit<D, 'name' | 'version'> & {
  readonly name?: D['name'];
  readonly version?: D['version'];
};

/** The id of a chart, where its types know it. */
export type ChartId<M extends AnyStateMachine> =
  SchemaOf<M> extends { readonly id: infer Id extends string } ? Id : string;
type SchemaOf<M> =
  // biome-ignore lint/suspicious/noExplicitAny: only the schema is asked for, whatever the rest is
  M extends StateMachine<any, any, any, any, any, any, any, any, any, any, any, any, any, infer Schema, any>
    ? Schema
    : never;

/** An effect of any machine, whatever its params are. */
export type AnyEffect = EffectDefinition<AnyStateMachine, never>;

/** The definition of some machine without its effects, whichever its events and actions are. */
export interface AnyParts {
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly version: number;
  readonly upgrades?: Readonly<Record<number, (snapshot: never) => object>>;
  readonly signals?: Readonly<Record<string, z.ZodType>>;
  readonly actors?: Readonly<Record<string, ActorWork | undefined>>;
  readonly view?: (snapshot: never) => Readonly<Record<string, unknown>>;
}

/** The definition of some machine, whichever its events and actions are. */
export interface AnyDefinition extends AnyParts {
  readonly effects?: Readonly<Record<string, AnyEffect | undefined>>;
  readonly schedules?: { readonly [name: string]: MachineSchedule };
  readonly notices?: Readonly<Record<string, ((snapshot: never) => string) | undefined>>;
}

/** The input of its chart, with which a tree begins. `id` is that of the tree and `at` the time, unless they are given. */
export type InputOf<D extends AnyParts> = Supplied<InputFrom<D['machine']>, { id: string; at: number }>;
/** Its output once it is done. */
export type OutputOf<D extends AnyParts> = OutputFrom<D['machine']>;
/** The tags of its states. */
export type TagOf<D extends AnyParts> = TagsFrom<D['machine']>;
/** What may be sent from outside: the events that have a schema. */
export type SentTo<D extends AnyParts> = {
  [Type in string & keyof NonNullable<D['signals']>]: { type: Type } & (string extends EventType<D['machine']>
    ? { [Field: string]: unknown }
    : PayloadOf<D['machine'], Type>);
}[string & keyof NonNullable<D['signals']>];

/** What the chart's root emits, by the types of its setup. */
export type EmittedOf<D extends AnyParts> = EmittedFrom<D['machine']>;
/** The types of what a logic emits; none where it has no types for it. */
type EmittedType<M extends AnyStateMachine> = string extends EmittedFrom<M>['type'] ? never : EmittedFrom<M>['type'];

/** What the engine itself writes into the journal of a tree, and events that XState makes. */
type JournalEvent =
  | 'begun'
  | 'ended'
  | 'upgraded'
  | 'set_aside'
  | 'output_awaited'
  | 'tree_deleted'
  | `xstate.${string}`;
/** The events in the facts of a tree: its own and what it emits, and those of the machines below it that its chart has types for. */
export type FactEvent<D extends AnyParts> =
  | JournalEvent
  | EventType<D['machine']>
  | EmittedType<D['machine']>
  | (MachinesBelow<D['machine']> extends infer Below
      ? Below extends AnyStateMachine
        ? EventType<Below> | EmittedType<Below>
        : never
      : never);

/** The emitted event of a fact, with its type as `event`: events of the root have the root's types, events of the actors below it theirs. */
export type FactEmitted<D extends AnyParts> =
  | EmittedOf<D>
  | (MachinesBelow<D['machine']> extends infer Below
      ? Below extends AnyStateMachine
        ? EmittedFrom<Below>
        : never
      : never);

/** Stops what it was returned for. May be called twice. */
export interface Subscription {
  unsubscribe(): void;
}

/** Listens to the events that the root of a tree emits: those of one type, or with `*` all of them. */
export type ListenTo<D extends AnyParts> = <Type extends EmittedOf<D>['type'] | '*'>(
  id: string,
  type: Type,
  listener: (event: EmittedOf<D> & (Type extends '*' ? unknown : { type: Type })) => void,
) => Promise<Subscription>;
