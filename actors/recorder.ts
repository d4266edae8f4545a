/** Watches a tree while it steps: which states changed, which agents moved, and whether an event between actors had no transition. */
import {
  type ActorRefLike,
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createMachine,
  type InspectionEvent,
  type StateValue,
} from 'xstate';
import type { AgentContext } from '../machines/agent/context.ts';
import { mustRest, pathOf as pathOfActor } from './actor-path.ts';

export type Tags = ReadonlySet<string>;

/** A state's own tags and those of the states around it. A path that the chart no longer has gets the tags of the part of it that still exists. */
export function tagsOf(machine: AnyStateMachine, state: string): Tags {
  const known = tagsByState.get(machine) ?? new Map<string, Tags>();
  tagsByState.set(machine, known);
  const found = known.get(state);
  if (found !== undefined) return found;
  const tags = new Set<string>(machine.root.tags);
  let node: AnyStateMachine['root'] | undefined = machine.root;
  for (const name of state.split('.')) {
    node = node.states[name];
    if (node === undefined) break;
    for (const tag of node.tags) tags.add(tag);
  }
  known.set(state, tags);
  return tags;
}

/** The tags of all states in which an actor of that value is. */
export function tagsOfValue(machine: AnyStateMachine, value: StateValue): Tags {
  return new Set(pathsIn(value).flatMap((path) => [...tagsOf(machine, path)]));
}

function pathsIn(value: StateValue): string[] {
  if (typeof value === 'string') return [value];
  return Object.entries(value).flatMap(([name, inner]) =>
    inner === undefined ? [name] : pathsIn(inner).map((path) => `${name}.${path}`),
  );
}

const tagsByState = new WeakMap<AnyStateMachine, Map<string, Tags>>();

/** A transition in public: the states before and after it. */
export interface PublicMove {
  readonly before: Tags;
  readonly after: Tags;
  /** It is the first of this actor. */
  readonly isBirth: boolean;
  /** Whether the transition enters a state with this tag. A transition that ends in the state where it began enters it again. */
  enters(tag: string): boolean;
}

export function publicMove(machine: AnyStateMachine, { from, to }: { from: string; to: string }): PublicMove {
  const before = from === '' ? noTags : tagsOf(machine, from);
  const after = tagsOf(machine, to);
  return {
    before,
    after,
    isBirth: from === '',
    enters: (tag) => after.has(tag) && (from === to || !before.has(tag)),
  };
}

const noTags: Tags = new Set();

/** A move that changes no public state. */
export const silentMove: PublicMove = { before: noTags, after: noTags, isBirth: false, enters: () => false };

/** What follows the prefix in the first tag that has it; null: none has. */
export function tagged(tags: Tags, prefix: string): string | null {
  for (const tag of tags) if (tag.startsWith(prefix)) return tag.slice(prefix.length);
  return null;
}

/** One change of one region of one actor, or an event that changed no state (`from` equals `to`). */
export interface Transition {
  readonly actor: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
  readonly chart: AnyStateMachine;
  /** The event that the actor emitted; absent: it emitted none. `event` is its type then, and no state changed. */
  readonly emitted?: AnyEventObject;
}

/** An event that an actor emitted. It is no event of XState's inspection; the logic of durable charts sends it with them. */
export interface Emission {
  readonly type: typeof emission;
  readonly actorRef: AnyActorRef;
  readonly event: AnyEventObject;
}
export const emission = '@stator.emission';

/** An agent that a step touched, as it is after the step. */
export interface AgentSnapshot {
  readonly path: string;
  readonly tags: Tags;
  readonly context: AgentContext;
}

/** Events between the actors of one tree in one step. */
const eventLimit = 10_000;

export interface Recorder {
  inspect(event: InspectionEvent | Emission): void;
  /** What was recorded since the last call. Throws if one actor sent another an event for which the receiver has no transition. */
  take(): { transitions: Transition[]; agents: AgentSnapshot[] };
}

/** The value of a state as one dotted word; the regions of a parallel state are separated by spaces. */
export function stateText(value: StateValue): string {
  if (typeof value === 'string') return value;
  return Object.entries(value)
    .map(([key, inner]) => [key, stateText(inner ?? {})].filter((part) => part !== '').join('.'))
    .join(' ');
}

/** The regions of a root that is parallel; any other actor is one region without a name. */
export function regionsOf(machine: AnyMachineSnapshot['machine'], value: StateValue): Record<string, string> {
  if (machine.root.type !== 'parallel' || typeof value === 'string') return { '': stateText(value) };
  return Object.fromEntries(
    Object.entries(value as Record<string, StateValue>).map(([region, inner]) => [region, stateText(inner)]),
  );
}

/** Represents an actor that is no machine. */
const noChart = createMachine({});

/** null: the actor is no machine, and has no states of its own. */
function machineSnapshot(ref: ActorRefLike): AnyMachineSnapshot | null {
  const snapshot: object = ref.getSnapshot();
  return 'machine' in snapshot ? (snapshot as AnyMachineSnapshot) : null;
}

function pathOf(snapshot: AnyMachineSnapshot): string {
  return typeof snapshot.context.path === 'string' ? snapshot.context.path : '';
}

/** The names under which people read XState's own events in a journal. */
function eventName(type: string): string {
  return type.startsWith('xstate.done.actor.') ? 'ended' : type;
}

/** `isStrict`: an event between actors without a transition is thrown. `isByIds`: actors are named by their ids, and not by what their contexts say. */
export function createRecorder({ isStrict, isByIds }: { isStrict: boolean; isByIds: boolean }): Recorder {
  const seen = new WeakMap<ActorRefLike, StateValue>();
  const fromActors = new WeakSet<object>();
  let lines: Transition[] = [];
  let agents = new Map<string, AnyMachineSnapshot>();
  let deaf: string | null = null;
  let microsteps = 0;
  let events = 0;
  const nameOf = (ref: ActorRefLike, snapshot: AnyMachineSnapshot) =>
    isByIds ? pathOfActor(ref as AnyActorRef).join('/') : pathOf(snapshot);

  function note(ref: ActorRefLike, snapshot: AnyMachineSnapshot, event: string, before: StateValue | null): void {
    const { value } = snapshot;
    if (!isByIds && snapshot.machine.id === 'agent') agents.set(pathOf(snapshot), snapshot);
    if (before === value) return;
    seen.set(ref, value);
    const actor = nameOf(ref, snapshot);
    if (typeof value === 'string' && (before === null || typeof before === 'string')) {
      line(snapshot.machine, { actor, event, from: before ?? '', to: value }, '');
      return;
    }
    // A chart without states is only in itself. Its first line shows where the journal of this tree begins.
    if (before === null && isByIds && actor === '' && snapshot.machine.root.type === 'atomic') {
      line(snapshot.machine, { actor, event, from: '', to: snapshot.machine.id }, '');
      return;
    }
    const was = before === null ? {} : regionsOf(snapshot.machine, before);
    for (const [region, to] of Object.entries(regionsOf(snapshot.machine, value))) {
      const from = was[region] ?? '';
      if (from !== to) line(snapshot.machine, { actor, event, from, to }, region === '' ? '' : `${region}.`);
    }
  }

  function line(chart: AnyStateMachine, { actor, event, from, to }: Omit<Transition, 'chart'>, prefix: string): void {
    // An event may cause several steps. They become one line for each region: from the state in which the event arrived to the last one.
    for (let index = lines.length - 1; index >= 0; index -= 1) {
      const earlier = lines[index];
      if (earlier === undefined || earlier.emitted !== undefined) break;
      if (earlier.actor !== actor || earlier.event !== event) break;
      if (earlier.to !== prefix + from) continue;
      lines[index] = { actor, event, from: earlier.from, to: prefix + to, chart };
      return;
    }
    lines.push({ actor, event, from: from === '' ? '' : prefix + from, to: prefix + to, chart });
  }

  function countEvent(): void {
    events += 1;
    if (isByIds && events > eventLimit)
      throw new Error(`its actors send or emit events without end (more than ${eventLimit} in one step)`);
  }

  return {
    inspect(event) {
      if (event.type === emission) {
        countEvent();
        const { actorRef: ref, event: emitted } = event;
        const chart = machineSnapshot(ref)?.machine ?? noChart;
        lines.push({ actor: pathOfActor(ref).join('/'), event: emitted.type, from: '', to: '', chart, emitted });
      } else if (event.type === '@xstate.event') {
        microsteps = 0;
        countEvent();
        if (event.sourceRef !== undefined) fromActors.add(event.event);
      } else if (event.type === '@xstate.microstep') {
        const snapshot = event.snapshot as AnyMachineSnapshot; // microsteps are of machines only
        if (isByIds) microsteps = mustRest(microsteps + 1);
        if (isStrict && event._transitions.length === 0 && fromActors.has(event.event)) {
          deaf ??= `${pathOf(snapshot) || snapshot.machine.id} in ${stateText(snapshot.value)} has no transition for "${event.event.type}"`;
        }
        const before = seen.get(event.actorRef);
        // While an actor starts it is not known yet; the snapshot that follows has its whole beginning.
        if (before !== undefined) note(event.actorRef, snapshot, eventName(event.event.type), before);
      } else if (
        event.type === '@xstate.snapshot' &&
        event.event.type === 'xstate.init' &&
        'machine' in event.snapshot
      ) {
        note(event.actorRef, event.snapshot as AnyMachineSnapshot, 'begun', null); // as above
      }
    },
    take() {
      const states = [...agents].map(([path, { tags, context }]) => ({
        path,
        tags,
        context: context as AgentContext, // the machine's id says so
      }));
      const taken = { transitions: lines, agents: states };
      const broken = deaf;
      lines = [];
      agents = new Map();
      events = 0;
      deaf = null;
      if (broken !== null) throw new Error(`an event between actors has no transition: ${broken}`);
      return taken;
    },
  };
}
