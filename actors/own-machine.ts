/** A machine of one's own as a kind of tree: its named actions bound to effects, timers, messages and watches; whatever it is sent goes to its root. */
import type { AnyActorRef, AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';
import { EngineError, messageOf } from '../machines/vocabulary/errors.ts';
import { isTreeId, machineTree, pathOfRequest, planTree, repoTree, requestId } from '../machines/vocabulary/ids.ts';
import { type AnySignal, maySend, signals, signalTypeOf } from '../machines/vocabulary/signal.ts';
import { person } from '../machines/vocabulary/signal-kind.ts';
import { snapshotOf } from './addressee.ts';
import { type Standing, underWay } from './compatibility.ts';
import type { Addressed, AnyDefinition, AnyEffect, Work } from './definition.ts';
import { asJson } from './json-value.ts';
import type { Kind, Memory, Rules } from './kind.ts';
import type { OutgoingSignal, Ports } from './ports.ts';
import { stateText } from './recorder.ts';
import { holdsOf } from './refusal.ts';

/** The birth of a tree: what its machine is begun with. */
export const ownBirth = 'machine_started';
const defaultLimit = 4;
const ended: Standing = { ...underWay, isEnded: true };

/** How many of a lane run at a time. */
export function laneLimit({ effects = {} }: AnyDefinition, lane: string): number {
  const limits = Object.entries(effects).flatMap(([name, effect]) =>
    effect !== undefined && isWork(effect) && (effect.lane ?? name) === lane ? [effect.limit ?? defaultLimit] : [],
  );
  return limits.length === 0 ? defaultLimit : Math.min(...limits);
}

/** Every tag that a state of it has. */
export function tagsOfMachine({ machine }: AnyDefinition): string[] {
  const below = (node: AnyStateNode): string[] => [...node.tags, ...Object.values(node.states).flatMap(below)];
  return [...new Set(below(machine.root))];
}

/** The work that a named action asks for; null: it asks for something else, or for nothing, or there is no such machine. */
export function workOf(machine: AnyDefinition | undefined, action: string): Work<AnyStateMachine, never> | null {
  const effect = machine?.effects?.[action];
  return effect !== undefined && isWork(effect) ? effect : null;
}

function isWork(effect: AnyEffect): effect is Work<AnyStateMachine, never> {
  return 'run' in effect;
}

/** What a person's own function throws, or gives back that is no snapshot, is said as theirs. Throws `snapshot_unknown`. */
function ownUpgrade({ name }: AnyDefinition, from: string, upgrade: (snapshot: unknown) => unknown) {
  const hint = `mend upgrades[${from}] of the definition of ${name}, and start the engine again; the stored row is untouched`;
  return (snapshot: unknown): unknown => {
    let upgraded: unknown;
    try {
      upgraded = upgrade(snapshot);
    } catch (cause) {
      const what = `the upgrade from version ${from} of machine ${name} threw: ${messageOf(cause)}`;
      throw new EngineError('snapshot_unknown', what, hint, { cause });
    }
    const isSnapshot =
      typeof upgraded === 'object' && upgraded !== null && 'value' in upgraded && 'context' in upgraded;
    if (isSnapshot) return upgraded;
    const what = `the upgrade from version ${from} of machine ${name} gave back no snapshot: it has no value and context`;
    throw new EngineError('snapshot_unknown', what, hint);
  };
}

export function kindOf(definition: AnyDefinition): Kind {
  const { name, version } = definition;
  const versioned = (number: number | string) => `${name}:${number}`;
  const upgrades = Object.entries(definition.upgrades ?? {}).map(([from, upgrade]) => [
    versioned(from),
    {
      to: versioned(Number(from) + 1),
      upgrade: ownUpgrade(definition, from, upgrade as (snapshot: unknown) => unknown),
    }, // it is given what that version stored
  ]);
  return {
    name,
    birth: ownBirth,
    versionOf: () => versioned(version),
    upgrades: Object.fromEntries(upgrades),
    bind: (ports, memory) => bindOwn(definition, ports, memory),
    chartAt: () => definition.machine,
    rules: rulesOf(definition),
    signals: Object.fromEntries(
      Object.entries(definition.signals ?? {}).flatMap(([type, payload]) =>
        payload === undefined ? [] : [[type, { payload, from: person }]],
      ),
    ),
    signalsAreIn: `the definition of ${name}`,
    place: null,
    notices: Object.fromEntries(
      Object.entries(definition.notices ?? {}).map(([tag, text]) => [
        tag,
        (root) => {
          try {
            return String(text(snapshotOf(root) as never)); // of its own machine
          } catch (thrown) {
            return `its notice threw: ${messageOf(thrown)}`;
          }
        },
      ]),
    ),
    standingOf: (root) => (snapshotOf(root).status === 'active' ? underWay : ended),
    keepsMemory: true,
    isStrict: false,
  };
}

/** What the machine's `view` shows of a tree. Where the view throws, its error is shown in its place; the tree is not harmed. */
export function viewOf({ view }: AnyDefinition, snapshot: AnyMachineSnapshot): Record<string, unknown> {
  if (view === undefined) return {};
  try {
    return { ...view(snapshot as never) }; // of its own machine
  } catch (thrown) {
    return { error: `its view threw: ${messageOf(thrown)}` };
  }
}

interface ActionArgs {
  readonly context: unknown;
  readonly event: { readonly type: string };
}
type Action = (args: ActionArgs, params: unknown) => void;

function bindOwn(definition: AnyDefinition, ports: Ports, memory: () => Memory): AnyStateMachine {
  const { name, machine, effects = {} } = definition;
  const stops = new Map<string, string[]>();
  for (const [action, effect] of Object.entries(effects)) {
    const stoppedBy: readonly string[] = effect !== undefined && 'stoppedBy' in effect ? (effect.stoppedBy ?? []) : [];
    for (const by of stoppedBy) stops.set(by, [...(stops.get(by) ?? []), action]);
  }

  function nextId(action: string): string {
    const remembered = memory();
    remembered.count += 1;
    const { born, count } = remembered;
    return requestId(action, born === 0 ? count : `${born}.${count}`);
  }

  function stop(actions: readonly string[]): void {
    const { open, at } = memory();
    for (const [run, action] of Object.entries(open)) {
      if (!actions.includes(action)) continue;
      delete open[run];
      ports.stop({ run, stopAt: at });
    }
  }

  function ask(action: string, effect: AnyEffect, { context, event }: ActionArgs, params: unknown) {
    const { at } = memory();
    const [moment, given] = [{ context, event, at } as never, params as never]; // of this very machine and action
    if ('run' in effect) {
      const id = nextId(action);
      memory().open[id] = action;
      const input = asJson(`the params of the action ${action}`, params ?? null);
      ports.ask({ kind: 'machine.effect', id, machine: name, effect: action, lane: effect.lane ?? action, input });
    } else if ('afterMs' in effect) {
      const afterMs = typeof effect.afterMs === 'number' ? effect.afterMs : effect.afterMs(moment, given);
      if (!Number.isFinite(afterMs)) throw new Error(`the action ${action} asks for an event after ${afterMs} ms`);
      const id = nextId(action);
      memory().open[id] = action;
      ports.timer({ id, dueAt: at + Math.max(0, Math.round(afterMs)) });
    } else if ('send' in effect) {
      const { to, type, payload = {} } = effect.send(moment, given);
      ports.sendAny(
        messageTo(memory().address, to, { type, payload: asJson(`what the action ${action} sends`, payload) }),
      );
    } else {
      const watcher = memory().address;
      for (const { project, plan } of effect.watch(moment, given)) {
        memory().watches = [...new Set([...memory().watches, project])];
        ports.sendAny({ tree: repoTree(project), type: 'plan_watched', payload: { plan, watcher }, sender: watcher });
      }
    }
  }

  const bound: Record<string, Action> = {};
  for (const action of new Set([...Object.keys(effects), ...stops.keys()])) {
    const effect = effects[action];
    const own = machine.implementations.actions[action] as Action | undefined;
    bound[action] = (args, params) => {
      // What it does besides is no business of ours, where it is no action of XState's own.
      if (typeof own === 'function' && !('resolve' in own)) own(args, params);
      stop(stops.get(action) ?? []);
      if (effect !== undefined) ask(action, effect, args, params);
    };
  }
  return machine.provide({ actions: bound });
}

/** Of a plan and a repo it is checked here, as what a person sends; of a machine of one's own where it comes to. Throws a plain Error that names the fault. */
function messageTo(
  sender: string,
  to: Addressed,
  { type: given, payload }: { type: string; payload: unknown },
): OutgoingSignal {
  if ('machine' in to) {
    if (!isTreeId(to.id)) throw new Error(`"${to.id}" cannot be the id of a ${to.machine}`);
    return { tree: machineTree(to.machine, to.id), type: given, payload: payload as object, sender };
  }
  const type = signalTypeOf(given);
  if (type === null || !maySend(signals[type], 'person'))
    throw new Error(`"${given}" is no signal that a plan takes from a person`);
  const parsed = signals[type].payload.safeParse(payload);
  if (!parsed.success) throw new Error(`the payload of ${type} is not what it takes: ${parsed.error.message}`);
  const { project, plan } = to;
  const tree = signals[type].to === 'repo' ? repoTree(project) : plan === undefined ? null : planTree(project, plan);
  if (tree === null) throw new Error(`${type} is for a plan, and none is named`);
  return { tree, type, payload: parsed.data, sender };
}

/** What it waits for is told by the id of its request; everything else goes to the root. */
function rulesOf({ signals: taken = {}, effects = {} }: AnyDefinition): Rules {
  const eventOf = (_root: AnyActorRef, { type, payload, run, at }: AnySignal) => {
    const action = run === null ? '' : pathOfRequest(run);
    if (type === 'effect_failed') return { ...payload, effect: action, type, at };
    const effect = effects[action];
    if (type === 'timer_due' && effect !== undefined && 'afterMs' in effect) return { type: effect.event, at };
    return { ...payload, type, at };
  };
  return {
    addresseeOf: (root, { run }, { open }) =>
      run !== null && open[run] === undefined ? { kind: 'gone' } : { kind: 'actor', ref: root },
    obstacleTo: () => null,
    isHeld: (root, { type }) => holdsOf(root).has(type),
    isPreApplied: () => false,
    isSuppressed: () => false,
    eventOf,
    refusalOf(root, _ref, event) {
      const snapshot = snapshotOf(root);
      return {
        by: snapshot.machine.id,
        state: stateText(snapshot.value),
        guard: failingGuard(snapshot, event),
        accepts: Object.keys(taken).filter((type) => mayBeTaken(snapshot, type)),
      };
    },
    heldFor: holdsOf,
  };
}

/** Whether a state has a transition for it, whatever its guards will say of what it carries. */
function mayBeTaken(snapshot: AnyMachineSnapshot, type: string): boolean {
  return snapshot.status === 'active' && snapshot._nodes.some((node) => (node.transitions.get(type) ?? []).length > 0);
}

/** The name of the guard of the first transition that the states have for it; null: they have none, or it has no name. */
function failingGuard({ _nodes: nodes }: AnyMachineSnapshot, { type }: AnyEventObject): string | null {
  for (const node of [...nodes].sort((a, b) => b.order - a.order)) {
    for (const { guard } of node.transitions.get(type) ?? []) {
      if (typeof guard === 'string') return guard;
      if (typeof guard === 'object' && guard !== null && 'type' in guard) return String(guard.type);
    }
  }
  return null;
}
