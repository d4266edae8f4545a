/** Watches a tree while it steps: which states changed, which agents moved, and whether a word between actors fell on deaf ears. */
import type { ActorRefLike, AnyMachineSnapshot, InspectionEvent, StateValue } from 'xstate';
import type { AgentContext } from '../machines/agent-context.ts';

/** One change of one region of one actor, or an event that changed no state (`from` equals `to`). */
export interface Transition {
  readonly actor: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
}

/** An agent that a step touched, as it stood after it. */
export interface AgentStand {
  readonly path: string;
  readonly state: string;
  readonly context: AgentContext;
}

export interface Recorder {
  inspect(event: InspectionEvent): void;
  /** What was seen since the last call. Throws where one actor said something that the other has no transition for. */
  take(): { transitions: Transition[]; agents: AgentStand[] };
}

/** A state's value as one dotted word; a parallel state's regions are joined by spaces. */
export function stateText(value: StateValue): string {
  if (typeof value === 'string') return value;
  return Object.entries(value)
    .map(([key, inner]) => (inner === undefined ? key : `${key}.${stateText(inner)}`))
    .join(' ');
}

/** The regions of a root that is parallel; any other actor is one region without a name. */
function regionsOf({ machine, value }: AnyMachineSnapshot): Record<string, string> {
  if (machine.root.type !== 'parallel' || typeof value === 'string') return { '': stateText(value) };
  return Object.fromEntries(
    Object.entries(value as Record<string, StateValue>).map(([region, inner]) => [region, stateText(inner)]),
  );
}

function machineSnapshot(ref: ActorRefLike): AnyMachineSnapshot {
  return ref.getSnapshot() as AnyMachineSnapshot; // every actor of a tree is a machine: nothing else is ever spawned
}

function pathOf(snapshot: AnyMachineSnapshot): string {
  return typeof snapshot.context.path === 'string' ? snapshot.context.path : '';
}

/** The events of XState's own that people read in a journal, in their words. */
function eventName(type: string): string {
  if (type === 'xstate.init') return 'begun';
  return type.startsWith('xstate.done.actor.') ? 'ended' : type;
}

export function createRecorder(): Recorder {
  const seen = new WeakMap<ActorRefLike, Record<string, string>>();
  const fromActors = new WeakSet<object>();
  let lines: Transition[] = [];
  let agents = new Map<string, AgentStand>();
  let deaf: string | null = null;

  function note(ref: ActorRefLike, snapshot: AnyMachineSnapshot, event: string, before: Record<string, string>): void {
    const after = regionsOf(snapshot);
    const actor = pathOf(snapshot);
    seen.set(ref, after);
    for (const [region, to] of Object.entries(after)) {
      const from = before[region] ?? '';
      if (from === to) continue;
      const last = lines.at(-1);
      const prefix = region === '' ? '' : `${region}.`;
      // The steps by which one event settles are one line: from where it met the actor to where it came to rest.
      if (last !== undefined && last.actor === actor && last.event === event && last.to === prefix + from) {
        lines[lines.length - 1] = { ...last, to: prefix + to };
      } else {
        lines.push({ actor, event, from: from === '' ? '' : prefix + from, to: prefix + to });
      }
    }
    if (snapshot.machine.id === 'agent') {
      agents.set(actor, { path: actor, state: stateText(snapshot.value), context: snapshot.context as AgentContext }); // the machine's id says so
    }
  }

  return {
    inspect(event) {
      if (event.type === '@xstate.event') {
        if (event.sourceRef !== undefined) fromActors.add(event.event);
        if (!seen.has(event.actorRef)) seen.set(event.actorRef, regionsOf(machineSnapshot(event.actorRef)));
      } else if (event.type === '@xstate.microstep') {
        const snapshot = event.snapshot as AnyMachineSnapshot; // microsteps are of machines only
        if (event._transitions.length === 0 && fromActors.has(event.event)) {
          deaf ??= `${pathOf(snapshot) || snapshot.machine.id} in ${stateText(snapshot.value)} has no transition for "${event.event.type}"`;
        }
        const before = seen.get(event.actorRef);
        // While an actor comes to life it has not been met yet; the snapshot that follows tells its whole beginning.
        if (before !== undefined) note(event.actorRef, snapshot, eventName(event.event.type), before);
      } else if (event.type === '@xstate.snapshot' && event.event.type === 'xstate.init') {
        note(event.actorRef, event.snapshot as AnyMachineSnapshot, 'begun', {}); // as above
      }
    },
    take() {
      const taken = { transitions: lines, agents: [...agents.values()] };
      const broken = deaf;
      lines = [];
      agents = new Map();
      deaf = null;
      if (broken !== null) throw new Error(`a word between actors was not heard: ${broken}`);
      return taken;
    },
  };
}
