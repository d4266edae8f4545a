/** A user-defined machine as a kind of tree: its named actions bound to effects, timers, messages and watches; each signal to it goes to its root. */
import {
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  createMachine,
} from 'xstate';
import { EngineError, messageOf } from '../machines/vocabulary/errors.ts';
import { isTreeId, machineTree, pathOfRequest, planTree, repoTree, requestId } from '../machines/vocabulary/ids.ts';
import { type AnySignal, maySend, signals, signalTypeOf } from '../machines/vocabulary/signal.ts';
import { person } from '../machines/vocabulary/signal-kind.ts';
import { actorBelow, pathOf } from './actor-path.ts';
import { snapshotOf } from './addressee.ts';
import { type ReadableBy, type TreeStatus, underWay } from './compatibility.ts';
import type { ActorWork, Addressed, AnyDefinition, AnyEffect, TreeName, Work } from './definition.ts';
import {
  beside,
  durable,
  type PromiseCall,
  type PromiseCreator,
  promisesOf,
  rejected,
  settled,
} from './durable-logic.ts';
import { asJson, errorAsJson, jsonProblem, unmarkedError, withErrors } from './json-value.ts';
import type { Kind, Memory, Rules } from './kind.ts';
import { awaitedMachine, outputAwaited, promiseSettled, waiterOf, waitersLimit, waitFor } from './output-wait.ts';
import type { OutgoingSignal, Ports } from './ports.ts';
import { stateText } from './recorder.ts';
import { holdsOf } from './refusal.ts';
import { activeStates } from './xstate-internals.ts';

/** The creation of a tree: the input of its machine. */
export const ownBirth = 'machine_started';
/** The engine's message to a tree that an earlier version stored: transitions without an event that are possible now are taken. */
export const machineUpgraded = 'machine_upgraded';
/** The last line in the journal of a tree that was deleted. */
export const treeDeleted = 'tree_deleted';
const defaultLimit = 4;
/** For an actor below the root the journal has the id, but not its machine. */
const otherChart = createMachine({});
const ended: TreeStatus = { ...underWay, isEnded: true };

/** How many of a lane run at a time. */
export function laneLimit(definition: AnyDefinition, lane: string): number {
  const limits = lanedWorks(definition).flatMap((work) => (work.lane === lane ? [work.limit] : []));
  return limits.length === 0 ? defaultLimit : Math.min(...limits);
}

/** The lanes of its effects and of the promises of its chart. */
export function lanesOf(definition: AnyDefinition): string[] {
  return [...new Set(lanedWorks(definition).map(({ lane }) => lane))];
}

/** Its effects, and the promises of its chart that it carries out itself. */
function lanedWorks(definition: AnyDefinition): { lane: string; limit: number }[] {
  const effects = Object.entries(definition.effects ?? {}).flatMap(([name, effect]) =>
    effect !== undefined && isWork(effect) ? [{ lane: effect.lane ?? name, limit: effect.limit ?? defaultLimit }] : [],
  );
  const promised = [...knownPromises(definition)].flatMap(([label, promise]) => {
    const { lane = label, limit = defaultLimit } = actorOf(definition, label);
    return awaitedMachine(promise) === null ? [{ lane, limit }] : [];
  });
  return [...effects, ...promised];
}

/** Every tag that a state of it has. */
export function tagsOfMachine({ machine }: AnyDefinition): string[] {
  const below = (node: AnyStateNode): string[] => [...node.tags, ...Object.values(node.states).flatMap(below)];
  return [...new Set(below(machine.root))];
}

/** The work that a named action requests, or that a promise of the chart represents; null: another kind of request, no request, or no such machine. */
export function workOf(machine: AnyDefinition | undefined, asked: string): Work<AnyStateMachine, never> | null {
  if (machine === undefined) return null;
  const effect = machine.effects?.[asked];
  if (effect !== undefined) return isWork(effect) ? effect : null;
  const promise = knownPromises(machine).get(asked);
  return promise === undefined ? null : promiseWork(promise, actorOf(machine, asked));
}

const promises = new WeakMap<AnyDefinition, ReadonlyMap<string, PromiseCreator>>();

function knownPromises(definition: AnyDefinition): ReadonlyMap<string, PromiseCreator> {
  const known = promises.get(definition) ?? promisesOf(definition.machine);
  promises.set(definition, known);
  return known;
}

/** The settings of an actor in the definition. */
function actorOf({ actors = {} }: AnyDefinition, label: string): ActorWork {
  return actors[label] ?? actors[actorName(label)] ?? {};
}

/** By its whole label, or by this name, a definition has the settings of an actor that a machine inside the chart starts. */
export function actorName(label: string): string {
  return label.slice(label.lastIndexOf('/') + 1);
}

/** XState runs a promise once, so it is tried once unless the machine says otherwise. */
function promiseWork(create: PromiseCreator, { attempts = 1, ...work }: ActorWork): Work<AnyStateMachine, never> {
  return {
    ...work,
    attempts,
    async run({ input, signal }) {
      const output = await create(promiseCall(withErrors(input), signal));
      return { type: promiseSettled, ...(output === undefined ? {} : { output }) } as never; // no event of the chart
    },
  };
}

/** By the time the promise runs, the actor and its system are in another step, and often in another process. */
function promiseCall(input: unknown, signal: AbortSignal): PromiseCall {
  const away = (what: string) => {
    throw new FatalUse(`a promise of a durable chart has no ${what}: give it what it needs as its input`);
  };
  return {
    input: input ?? undefined,
    signal,
    get self() {
      return away('self');
    },
    get system() {
      return away('system');
    },
    emit: () => away('emit'),
  } as PromiseCall;
}

/** The effect handler does not try again after an error with this code. */
class FatalUse extends Error {
  readonly code = 'effect_failed';
}

function isWork(effect: AnyEffect): effect is Work<AnyStateMachine, never> {
  return 'run' in effect;
}

/** An error that the user's own function throws, or a result that is no snapshot, is reported as a fault of the user's code. Throws `snapshot_unknown`. */
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
    const problem = isSnapshot ? jsonProblem(upgraded) : 'it has no value and context';
    if (problem === null) return upgraded;
    const what = `the upgrade from version ${from} of machine ${name} gave back no snapshot: ${problem}`;
    throw new EngineError('snapshot_unknown', what, hint);
  };
}

/** A row is of the definition's version if the chart has lost a state or a child without a new version. */
function readableByDefinition({ name, version }: AnyDefinition): ReadableBy {
  return (stored) => {
    const written = Number(stored.version.slice(name.length + 1));
    if (written > version)
      return `start the engine with version ${written} of the definition of ${name}, which wrote it, or a newer one`;
    const needed =
      written === version - 1 ? `upgrades[${written}]` : `upgrades[${written}] to upgrades[${version - 1}]`;
    if (written < version) return `give the definition of ${name} ${needed}, leading to states of the present chart`;
    return `put back into the chart of ${name} what it has lost, or make the definition version ${version + 1}, with upgrades[${version}] that turns such a snapshot into one of the present chart`;
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
    readableBy: readableByDefinition(definition),
    bind: (ports, memory) => bindOwn(definition, ports, memory),
    chartAt: (actor) => (actor === '' ? definition.machine : otherChart),
    rules: rulesOf(definition),
    signals: Object.fromEntries(
      Object.entries(definition.signals ?? {}).map(([type, payload]) => [type, { payload, from: person }]),
    ),
    signalsAreIn: `the definition of ${name}`,
    place: null,
    notices: Object.fromEntries(
      Object.entries(definition.notices ?? {}).map(([tag, text]) => [
        tag,
        (root) => {
          try {
            return String(text?.(snapshotOf(root) as never)); // of its own machine; without a text it was refused
          } catch (thrown) {
            return `its notice threw: ${messageOf(thrown)}`;
          }
        },
      ]),
    ),
    statusOf: (root) => (snapshotOf(root).status === 'active' ? underWay : ended),
    keepsMemory: true,
    isStrict: false,
  };
}

/** What the machine's `view` shows of a tree. If the view throws, its error is shown instead; the tree is not changed. */
export function viewOf({ view }: AnyDefinition, snapshot: AnyMachineSnapshot): Record<string, unknown> {
  if (view === undefined) return {};
  try {
    const shown = { ...view(snapshot as never) }; // of its own machine
    JSON.stringify(shown); // throws for what no answer can carry
    return shown;
  } catch (thrown) {
    return { error: `its view threw: ${messageOf(thrown)}` };
  }
}

interface ActionArgs {
  readonly self: AnyActorRef;
  readonly context: unknown;
  readonly event: { readonly type: string };
}
type Action = (args: ActionArgs, params: unknown) => unknown;

function bindOwn(definition: AnyDefinition, ports: Ports, memory: () => Memory): AnyStateMachine {
  const { name, machine, effects = {} } = definition;
  const stops = new Map<string, string[]>();
  for (const [action, effect] of Object.entries(effects)) {
    const { stoppedBy = [] } = (effect ?? {}) as { readonly stoppedBy?: readonly string[] }; // work and timers have it
    for (const by of stoppedBy) stops.set(by, [...(stops.get(by) ?? []), action]);
  }

  function nextId(action: string): string {
    const remembered = memory();
    remembered.count += 1;
    const { born, count } = remembered;
    return requestId(action, born === 0 ? count : `${born}.${count}`);
  }

  function stop(actions: readonly string[]): void {
    const { open, delayed, askers, at } = memory();
    for (const [run, action] of Object.entries(open)) {
      if (!actions.includes(action)) continue;
      delete open[run];
      delete delayed[run];
      delete askers[run];
      ports.stop({ run, stopAt: at });
    }
  }

  /** Remembers a request, and which actor made it: the result goes to that actor. */
  function open(id: string, action: string, self: AnyActorRef): void {
    const path = pathOf(self);
    memory().open[id] = action;
    if (path.length > 0) memory().askers[id] = path;
  }

  function ask(action: string, effect: AnyEffect, { context, event, self }: ActionArgs, params: unknown) {
    const { at } = memory();
    const [moment, given] = [{ context, event, at } as never, params as never]; // of this very machine and action
    if ('run' in effect) {
      const id = nextId(action);
      open(id, action, self);
      const input = asJson(`the params of the action ${action}`, params ?? null);
      ports.ask({ kind: 'machine.effect', id, machine: name, effect: action, lane: effect.lane ?? action, input });
    } else if ('afterMs' in effect) {
      const afterMs = typeof effect.afterMs === 'number' ? effect.afterMs : effect.afterMs(moment, given);
      if (!Number.isFinite(afterMs)) throw new Error(`the action ${action} asks for an event after ${afterMs} ms`);
      const id = nextId(action);
      const path = pathOf(self);
      open(id, action, self);
      // With its event: a later version may call the action by another name.
      memory().delayed[id] = { source: path, target: path, id: '', event: { type: effect.event } };
      ports.timer({ id, dueAt: at + Math.max(0, Math.round(afterMs)) });
    } else if ('send' in effect) {
      const { to, type, payload = {} } = answerOf(action, 'send', effect.send(moment, given));
      ports.sendAny(
        messageTo(memory().address, to, { type, payload: asJson(`what the action ${action} sends`, payload) }),
      );
    } else if ('start' in effect) {
      const { machine: kind, id, input = {} } = answerOf(action, 'start', effect.start(moment, given));
      if (!isTreeId(id)) throw new Error(`"${id}" cannot be the id of a ${kind}`);
      const payload = asJson(`the input that the action ${action} gives`, input) as object;
      ports.sendAny({ tree: machineTree(kind, id), type: ownBirth, payload, sender: memory().address });
    } else {
      const watcher = memory().address;
      for (const { project, plan } of answerOf(action, 'watch', effect.watch(moment, given))) {
        memory().watches = [...new Set([...memory().watches, project])];
        ports.sendAny({ tree: repoTree(project), type: 'plan_watched', payload: { plan, watcher }, sender: watcher });
      }
    }
  }

  function actionsOf({ implementations }: AnyStateMachine): Record<string, Action> {
    const bound: Record<string, Action> = {};
    for (const action of new Set([...Object.keys(effects), ...stops.keys()])) {
      const effect = effects[action];
      const own = implementations.actions[action] as Action | undefined;
      if (own === undefined) continue; // of another machine of the chart
      bound[action] = (args, params) => {
        beside(memory(), action, () => own(args, params)); // a plain function: `checkDefinition` refuses the actions of XState
        stop(stops.get(action) ?? []);
        if (effect !== undefined) ask(action, effect, args, params);
      };
    }
    return bound;
  }

  return durable(machine, {
    memory,
    nextId,
    actionsOf,
    ask({ run, label, input }) {
      const awaited = awaitedMachine(knownPromises(definition).get(label));
      if (awaited !== null) {
        ports.sendAny(waitFor(awaited, input, { tree: memory().address, run }));
        return;
      }
      const { lane = label } = actorOf(definition, label);
      ports.ask({ kind: 'machine.effect', id: run, machine: name, effect: label, lane, input: input ?? null });
    },
    timer: (run, dueAt) => ports.timer({ id: run, dueAt }),
    stop: (run) => ports.stop({ run, stopAt: memory().at }),
  });
}

const answers = {
  send: {
    form: '{ to, type, payload }',
    is: (answer: { to?: unknown }) => typeof answer.to === 'object' && answer.to !== null,
  },
  start: { form: '{ machine, id, input }', is: (answer: { machine?: unknown }) => typeof answer.machine === 'string' },
  watch: { form: 'a list of { project, plan }', is: Array.isArray },
};

/** A program without types may answer something else, such as a promise, or nothing where nothing is to be sent. */
function answerOf<Answer>(action: string, part: keyof typeof answers, answer: Answer): Answer {
  const { form, is } = answers[part];
  if (typeof answer === 'object' && answer !== null && is(answer)) return answer;
  const found = answer instanceof Promise ? 'a promise' : answer === null ? 'null' : `a value of type ${typeof answer}`;
  throw new Error(`effects.${action}: ${part} returned ${found}; accepted: ${form}`);
}

/** The trees whose outputs a tree waits for. */
export function awaitedOutputs(
  definition: AnyDefinition,
  { root, memory: { open, askers } }: { readonly root: AnyActorRef; readonly memory: Memory },
): TreeName[] {
  return Object.entries(open).flatMap(([run, label]) => {
    const machine = awaitedMachine(knownPromises(definition).get(label));
    if (machine === null) return [];
    const waiting = actorBelow(root, askers[run] ?? []);
    if (waiting === null) return [];
    const { input } = waiting.getSnapshot() as { readonly input: { readonly id: string } }; // `waitFor` checked it
    return [{ machine, id: input.id }];
  });
}

/** No effect has the label of a promise: `checkDefinition` refuses it. */
function isPromise(definition: AnyDefinition, asked: string): boolean {
  return knownPromises(definition).has(asked);
}

/** The answer of an effect, as the event of the promise that the effect represents. For an error, the part that JSON can carry. */
function promiseEvent(type: string, payload: object): AnyEventObject {
  const { output, detail, error } = payload as { output?: unknown; detail?: string; error?: unknown };
  if (type === promiseSettled) return { type: settled, output };
  return { type: rejected, error: withErrors('error' in payload ? error : errorAsJson(new Error(detail))) };
}

/** A message to a plan or a repo is checked here, like a signal from a person; a message to a user-defined machine is checked by its receiver. Throws a plain Error that names the fault. */
function messageTo(
  sender: string,
  to: Addressed,
  { type: given, payload }: { type: string; payload: unknown },
): OutgoingSignal {
  if ('machine' in to) {
    if (given === ownBirth)
      throw new Error(`a message does not begin a tree ("${given}"): an effect with { start } does`);
    if (given === outputAwaited) throw new Error(`"${given}" is no message: a chart waits for an output with outputOf`);
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

/** The result of a request goes to the actor that made it, found by the id of the request. Every other signal goes to the root. */
function rulesOf(definition: AnyDefinition): Rules {
  const { signals: taken = {} } = definition;
  // If the event has a field of that name, it keeps its own.
  const eventOf = (_root: AnyActorRef, { type, payload, run, at }: AnySignal, memory: Memory) => {
    if (run === null) return { at, ...payload, type };
    const delayed = memory.delayed[run];
    if (delayed !== undefined) return { at, ...withErrors(delayed.event) };
    const asked = pathOfRequest(run);
    if (isPromise(definition, asked)) return { ...promiseEvent(type, payload), at };
    if (type === 'effect_failed') return { ...unmarkedError(payload), effect: asked, type, at };
    return { at, ...payload, type };
  };
  return {
    addresseeOf(root, { type, run }, { open, delayed, askers }) {
      if (type === machineUpgraded || type === outputAwaited) return { kind: 'actor', ref: root, isItsOwn: true };
      if (run === null) return { kind: 'actor', ref: root };
      if (open[run] === undefined) return { kind: 'gone' };
      const ref = actorBelow(root, delayed[run]?.target ?? askers[run] ?? []);
      if (ref === null) return { kind: 'gone' };
      const isItsOwn = delayed[run]?.isChart === true || isPromise(definition, pathOfRequest(run));
      return { kind: 'actor', ref, ...(isItsOwn ? { isItsOwn } : {}) };
    },
    obstacleTo: () => null,
    isHeld: (root, { type }) => holdsOf(root).has(type),
    isPreApplied: () => false,
    isSuppressed: () => false,
    eventOf,
    remembers(signal, memory) {
      if (signal.type !== outputAwaited) return false;
      if (memory.waiters.length >= waitersLimit)
        throw new Error(`${waitersLimit} trees wait for the output of ${memory.address}`);
      memory.waiters.push(waiterOf(signal));
      return true;
    },
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

/** Whether a state has a transition for it, whatever its guards decide about its payload. */
export function mayBeTaken(snapshot: AnyMachineSnapshot, type: string): boolean {
  return snapshot.status === 'active' && activeStates(snapshot).some((node) => transitionsFor(node, type).length > 0);
}

/** The transitions that name it, and those for every event or for each one that begins like it (`*`, `payment.*`). */
function transitionsFor({ transitions }: AnyStateNode, type: string) {
  return [...transitions].flatMap(([named, found]) => {
    const isFor =
      named === type || named === '*' || (named.endsWith('.*') && `${type}.`.startsWith(named.slice(0, -1)));
    return isFor ? found : [];
  });
}

/** The name of the guard of the first transition that the states have for it; null: they have none, or it has no name. */
function failingGuard(snapshot: AnyMachineSnapshot, { type }: AnyEventObject): string | null {
  for (const node of [...activeStates(snapshot)].sort((a, b) => b.order - a.order)) {
    for (const { guard } of transitionsFor(node, type)) {
      const name = nameOf(guard);
      if (typeof name === 'string') return name;
    }
  }
  return null;
}

/** How a chart names an action or a guard; null: it is the function itself, or there is none. */
export function nameOf(named: unknown): unknown {
  if (typeof named === 'string') return named;
  return typeof named === 'object' && named !== null && 'type' in named ? named.type : null;
}
