/**
 * A tree takes one signal and returns the outcome. It knows no SQLite, no file and no clock; the code that drives it
 * (the pump, a replay, a simulation) stores what it returns.
 */
import { type AnyActorRef, type AnyStateMachine, createActor, type Snapshot } from 'xstate';
import { parseTree, repoTree, type TreeAddress } from '../machines/vocabulary/ids.ts';
import { type Policy, samePolicy } from '../machines/vocabulary/policy.ts';
import type { AnySignal } from '../machines/vocabulary/signal.ts';
import { snapshotOf } from './addressee.ts';
import { compatibleSnapshot, type PersistedText, type PersistedTree } from './compatibility.ts';
import { takeDelayId } from './durable-logic.ts';
import { jsonProblem } from './json-value.ts';
import type { Kind, Kinds, Memory, TreeEvent } from './kind.ts';
import { kindsWith } from './kinds.ts';
import { outputFor } from './output-wait.ts';
import type { Ports, Requests } from './ports.ts';
import { type AgentSnapshot, createRecorder, type Recorder, type Transition } from './recorder.ts';
import { type Refusal, receptionOf } from './refusal.ts';
import { withPlace } from './thrown-place.ts';
import { observeSystem, persistedText } from './xstate-internals.ts';

/** A live tree. It is a cache of its row: after an exception it is thrown away. */
export interface Tree {
  readonly address: TreeAddress;
  readonly kind: Kind;
  readonly root: AnyActorRef;
  readonly recorder: Recorder;
  readonly memory: Memory;
  /** The last configuration that was found equal to the one in the root's context; compared by identity. */
  policySeen: Policy | null;
  /** The upgrade that brought it to this version, until a stored step contains it. */
  upgrade: Upgraded | null;
}

/** An upgrade as an input: the effect of an earlier version on earlier inputs cannot be repeated, so it carries the result. */
export interface Upgraded {
  readonly type: 'upgraded';
  /** The versions of the machines. */
  readonly from: string;
  readonly to: string;
  readonly snapshot: Snapshot<unknown>;
}

export type Verdict =
  | { readonly status: 'done'; readonly result: 'done' | 'stale' | 'suppressed' | 'already' }
  | { readonly status: 'held' }
  | { readonly status: 'refused'; readonly refusal: Refusal };

/** An input that a step put before or in place of the signal: what a replay must feed again. */
export interface Input {
  readonly signal: AnySignal;
  readonly transitions: readonly Transition[];
}

export interface Step {
  readonly verdict: Verdict;
  /** What was fed to the tree, in order; empty where nothing was. */
  readonly inputs: readonly Input[];
  /** Comes before the inputs, the first time that a tree of an earlier version takes one. */
  readonly upgrade: Upgraded | null;
  readonly requests: Requests;
  readonly agents: readonly AgentSnapshot[];
  /** A reason for holding signals has ended: waiting signals may be delivered, and are held again if another reason remains. */
  readonly released: boolean;
}

/** The configuration in force, which must be in the root's context before the signal is handled. */
export interface Facts {
  readonly policy?: Policy;
}

export interface ReplayedStep {
  readonly step: Step;
  /** The number of its input. */
  readonly index: number;
  readonly tree: Tree;
}

export interface Trees {
  /** The kinds of trees that are possible. */
  readonly kinds: Kinds;
  /** Whether this signal creates a tree at that address. */
  isBirth(address: TreeAddress, signal: AnySignal): boolean;
  /** `id`: the number of the signal in the inbox, which is given once. */
  create(address: TreeAddress, signal: AnySignal, id?: number): { tree: Tree; step: Step };
  /** Throws `snapshot_unknown`; asks for nothing and runs no entry action. */
  restore(address: TreeAddress, stored: PersistedTree): Tree;
  /** Throws a plain Error for a broken invariant; the tree is then to be thrown away. */
  step(tree: Tree, signal: AnySignal, facts?: Facts): Step;
  /**
   * Repeats the inputs of a tree from its last creation or upgrade on; an upgrade holds the state before it. Null: neither is among the inputs.
   * Calls `onStep` after each step, with the number of its input and the tree; if that answers `stop`, the replay ends. Throws the errors of `step`.
   */
  replay(
    address: TreeAddress,
    inputs: readonly (AnySignal | Upgraded)[],
    onStep?: (step: Step, index: number, tree: Tree) => unknown,
  ): Tree | null;
  /** The same, one step for each value: other work may run between two of them. It returns the tree. */
  replaySteps(address: TreeAddress, inputs: readonly (AnySignal | Upgraded)[]): Generator<ReplayedStep, Tree | null>;
  /** The version in which a tree of that kind is persisted now. */
  versionOf(address: TreeAddress): string;
  persist(tree: Tree): PersistedTree;
  /** The same, its snapshot as JSON. */
  persistText(tree: Tree): PersistedText;
}

/** Shared by all callers with the same kinds: binding the machines takes longer than most signals, and a step leaves no state behind. */
export function treesOf(kinds: Kinds = kindsWith([])): Trees {
  const known = shared.get(kinds) ?? createTrees(kinds);
  shared.set(kinds, known);
  return known;
}

const shared = new WeakMap<Kinds, Trees>();

/** `kinds`: by default the kinds that every engine has; a program may add its own. */
export function createTrees(kinds: Kinds = kindsWith([])): Trees {
  const binding = bind(kinds);
  const { machineOf } = binding;
  return {
    kinds,
    isBirth: (address, signal) => kinds.of(address).birth === signal.type,
    create: (address, signal, id) => create(binding, address, signal, id),
    restore: (address, stored) => restore(binding, address, stored),
    step: (tree, signal, facts) => step(binding, tree, signal, facts),
    replay: (address, inputs, onStep) => replay(binding, address, inputs, onStep),
    replaySteps: (address, inputs) => replaySteps(binding, address, inputs),
    versionOf: (address) => machineOf(kinds.of(address)).version,
    persist(tree) {
      const { version } = machineOf(tree.kind);
      const { name, keepsMemory } = tree.kind;
      const snapshot = keepsMemory ? JSON.parse(textOf(tree)) : tree.root.getPersistedSnapshot();
      return { machine: name, version, snapshot };
    },
    persistText(tree) {
      const { version } = machineOf(tree.kind);
      return { machine: tree.kind.name, version, text: textOf(tree), status: tree.kind.statusOf(tree.root) };
    },
  };
}

function create(
  binding: Binding,
  address: TreeAddress,
  given: AnySignal,
  id?: number,
  isPast = false,
): { tree: Tree; step: Step } {
  // It is in the journal, so a replay gives everything the same names.
  const signal = id !== undefined && binding.kinds.of(address).keepsMemory ? { ...given, id } : given;
  const remembers = newMemory(address, { born: signal.id ?? 0, at: signal.at, isPast });
  remembers.thrown = { ...signal.thrown };
  const { value, requests: asked } = binding.collect(remembers, () => {
    const tree = begin(binding, address, { input: inputOf(address, signal) }, remembers);
    settleOwn(binding, tree);
    return { tree, ...tree.recorder.take() };
  });
  const { tree, transitions, agents } = value;
  const verdict: Verdict = { status: 'done', result: 'done' };
  const inputs = [{ signal: withThrown(signal, remembers), transitions }];
  return { tree, step: { verdict, inputs, upgrade: null, agents, requests: asked, released: false } };
}

function restore(binding: Binding, address: TreeAddress, stored: PersistedTree, isPast = false): Tree {
  const kind = binding.kinds.of(address);
  const { machine, version } = binding.machineOf(kind);
  const snapshot = compatibleSnapshot(address, stored, { ...kind, machine, version });
  const remembers = memoryIn(address, stored.snapshot, isPast);
  remembers.isRestoring = true;
  const { value: tree, requests: asked } = binding.collect(remembers, () =>
    begin(binding, address, { snapshot }, remembers),
  );
  remembers.isRestoring = false;
  tree.recorder.take();
  if (JSON.stringify(asked) !== JSON.stringify(noRequests()))
    throw new Error(`restoring ${address} asked for something`);
  if (stored.version !== version)
    tree.upgrade = { type: 'upgraded', from: stored.version, to: version, snapshot: JSON.parse(textOf(tree)) };
  return tree;
}

function begin(
  { kinds, machineOf }: Binding,
  address: TreeAddress,
  how: { input: unknown } | { snapshot: Snapshot<unknown> },
  remembers: Memory,
): Tree {
  const kind = kinds.of(address);
  const { machine } = machineOf(kind);
  const recorder = createRecorder({ isStrict: kind.isStrict, isByIds: kind.keepsMemory });
  const root = createActor(machine, how);
  observeSystem(root.system, recorder.inspect);
  // Without an observer XState throws a root's error again from a timer, outside of every transaction.
  root.subscribe({ error: () => {} });
  root.start();
  assertSound(root, kind);
  return { address, kind, root, recorder, memory: remembers, policySeen: null, upgrade: null };
}

function step(binding: Binding, tree: Tree, signal: AnySignal, facts: Facts = {}): Step {
  Object.assign(tree.memory, {
    at: signal.at,
    plainActions: 0,
    stopping: new WeakSet(),
    thrown: { ...signal.thrown },
  });
  const { value, requests: asked } = binding.collect(tree.memory, () => handle(binding, tree, signal, facts));
  const upgrade = value.inputs.length === 0 ? null : tree.upgrade;
  if (upgrade !== null) tree.upgrade = null;
  return { ...value, upgrade, requests: asked };
}

function handle(binding: Binding, tree: Tree, signal: AnySignal, facts: Facts): Omit<Step, 'requests' | 'upgrade'> {
  const { root, memory: remembers } = tree;
  const { rules } = tree.kind;
  const brought = applyPolicy(binding, tree, facts, signal);
  const before = { inputs: brought === null ? [] : [brought.input], agents: brought?.agents ?? [] };
  const found = rules.addresseeOf(root, signal, remembers);
  const answer = (verdict: Verdict) => ({ verdict, ...before, released: false });
  if (found.kind === 'gone') return answer({ status: 'done', result: 'stale' });
  const refused = (guard: string) =>
    answer({
      status: 'refused',
      refusal: { ...rules.refusalOf(root, root, rules.eventOf(root, signal, remembers)), guard },
    });
  const obstacle = rules.obstacleTo(root, signal);
  if (obstacle !== null) return refused(obstacle);
  if (rules.isHeld(root, signal, found)) return answer({ status: 'held' });
  if (found.kind === 'nobody') return refused(found.what);
  if (rules.isPreApplied(root, signal)) return answer({ status: 'done', result: 'already' });
  if (signal.origin !== 'engine' && rules.isSuppressed(root, signal))
    return answer({ status: 'done', result: 'suppressed' });
  const event = rules.eventOf(root, signal, remembers);
  const reception = found.isItsOwn === true ? 'taken' : receptionOf(found.ref, event);
  if (reception === 'ignored')
    return answer({ status: 'done', result: signal.origin === 'engine' ? 'stale' : 'already' });
  if (reception === 'refused') return answer({ status: 'refused', refusal: rules.refusalOf(root, found.ref, event) });
  const heldBefore = rules.heldFor(root);
  const fed = feed(binding, tree, found.ref, signal, event);
  const heldNow = rules.heldFor(root);
  return {
    verdict: { status: 'done', result: 'done' },
    inputs: [...before.inputs, fed.input],
    agents: [...before.agents, ...fed.agents],
    released: [...heldBefore].some((word) => !heldNow.has(word)),
  };
}

function applyPolicy(
  binding: Binding,
  tree: Tree,
  { policy }: Facts,
  signal: AnySignal,
): { input: Input; agents: AgentSnapshot[] } | null {
  if (policy === undefined || policy === tree.policySeen) return null;
  tree.policySeen = policy;
  const { context } = snapshotOf(tree.root);
  if (!('policy' in context) || samePolicy(context.policy, policy)) return null;
  const change: AnySignal = {
    type: 'policy',
    payload: { policy },
    origin: 'engine',
    actor: '',
    run: null,
    at: signal.at,
  };
  return feed(binding, tree, tree.root, change, tree.kind.rules.eventOf(tree.root, change, tree.memory));
}

function feed(
  binding: Binding,
  tree: Tree,
  ref: AnyActorRef,
  signal: AnySignal,
  event: TreeEvent,
): { input: Input; agents: AgentSnapshot[] } {
  if (signal.run !== null) forget(tree.memory, signal.run);
  if (tree.kind.rules.remembers?.(signal, tree.memory) !== true) {
    const beside = tree.kind.rules.rootEventOf?.(tree.root, ref, event) ?? null;
    if (beside !== null) tree.root.send(beside);
    ref.send(event);
  }
  assertSound(tree.root, tree.kind);
  settleOwn(binding, tree);
  const { transitions, agents } = tree.recorder.take();
  return { input: { signal: withThrown(signal, tree.memory), transitions }, agents };
}

/** The requests of a tree end with it; and an error is thrown for a value that its row could not store. */
function settleOwn({ ports }: Binding, tree: Tree): void {
  if (!tree.kind.keepsMemory) return;
  const { status, output } = snapshotOf(tree.root);
  const problem = jsonProblem(tree.root.getPersistedSnapshot());
  if (problem !== null) throw new Error(`${tree.address} cannot be kept as JSON: ${problem}`);
  if (status === 'active') return;
  for (const run of Object.keys(tree.memory.open)) ports.stop({ run, stopAt: tree.memory.at });
  Object.assign(tree.memory, { open: {}, delayed: {}, askers: {} });
  for (const project of tree.memory.watches)
    ports.sendSignal(repoTree(project), 'plan_unwatched', { watcher: tree.address });
  tree.memory.watches = [];
  for (const waiter of tree.memory.waiters) ports.sendAny(outputFor(waiter, output));
  tree.memory.waiters = [];
}

function replay(
  binding: Binding,
  address: TreeAddress,
  inputs: readonly (AnySignal | Upgraded)[],
  onStep: (step: Step, index: number, tree: Tree) => unknown = () => {},
): Tree | null {
  const steps = replaySteps(binding, address, inputs);
  for (let next = steps.next(); ; next = steps.next()) {
    if (next.done === true) return next.value;
    const { step: made, index, tree } = next.value;
    if (onStep(made, index, tree) === 'stop') return tree;
  }
}

function* replaySteps(
  binding: Binding,
  address: TreeAddress,
  inputs: readonly (AnySignal | Upgraded)[],
): Generator<ReplayedStep, Tree | null> {
  const { name, birth } = binding.kinds.of(address);
  const first = inputs.findLastIndex((input) => isUpgrade(input) || input.type === birth);
  let tree: Tree | null = null;
  for (let index = first; index >= 0 && index < inputs.length; index += 1) {
    const input = inputs[index] as AnySignal | Upgraded; // the loop ends with the list
    if (isUpgrade(input)) {
      tree = restore(binding, address, { machine: name, version: input.to, snapshot: input.snapshot }, true);
    } else if (tree === null) {
      const born = create(binding, address, input, undefined, true);
      tree = born.tree;
      yield { step: born.step, index, tree };
    } else yield { step: step(binding, tree, input), index, tree };
  }
  return tree;
}

/** The machines of some kinds, bound to ports that write into the requests of the present step. */
interface Binding {
  readonly kinds: Kinds;
  readonly ports: Ports;
  machineOf(kind: Kind): BoundMachine;
  /** Runs the work with an empty set of requests, and returns the requests that it made. */
  collect<T>(remembers: Memory, work: () => T): { value: T; requests: Requests };
}

interface BoundMachine {
  readonly machine: AnyStateMachine;
  readonly version: string;
}

function bind(kinds: Kinds): Binding {
  let requests = noRequests();
  let memory: Memory | null = null;
  const ports = portsInto(() => requests);
  const known = new Map<Kind, BoundMachine>();

  function remembered(): Memory {
    if (memory === null)
      throw new Error(
        'an actor was sent something outside of a step: a timer or a callback of an action has no way to its chart but send() of the engine; delays and promises of the chart have one',
      );
    return memory;
  }

  function machineOf(kind: Kind): BoundMachine {
    const found = known.get(kind);
    if (found !== undefined) return found;
    const machine = kind.bind(ports, remembered);
    const made = { machine, version: kind.versionOf(machine) };
    known.set(kind, made);
    return made;
  }

  function collect<T>(remembers: Memory, work: () => T): { value: T; requests: Requests } {
    requests = noRequests();
    memory = remembers;
    try {
      return { value: work(), requests };
    } finally {
      requests = noRequests();
      memory = null;
    }
  }

  return { kinds, ports, machineOf, collect };
}

export function noRequests(): Requests {
  return { effects: [], timers: [], stops: [], signals: [] };
}

/** Ports that write into what `current` returns: the requests of the present step. */
export function portsInto(current: () => Requests): Ports {
  return {
    ask: (effect) => void current().effects.push(effect),
    timer: (request) => void current().timers.push(request),
    stop: (request) => void current().stops.push(request),
    document(content) {
      current().document = content;
    },
    sendSignal: (tree, type, payload) => void current().signals.push({ tree, type, payload }),
    sendAny: (signal) => void current().signals.push(signal),
  };
}

function isUpgrade(input: AnySignal | Upgraded): input is Upgraded {
  return input.type === 'upgraded' && 'snapshot' in input;
}

/** The persisted snapshot of the root. If its machine does not count requests itself, the open requests of the tree are stored with it. */
function textOf({ kind, root, memory }: Tree): string {
  if (!kind.keepsMemory) return persistedText(root);
  const { born, count, open, watches, delayed, askers, actors, waiters } = memory;
  const more = {
    ...filled({ delayed }),
    ...filled({ askers }),
    ...filled({ waiters }),
    ...(actors === 0 ? {} : { actors }),
  };
  return JSON.stringify({
    ...(root.getPersistedSnapshot() as object),
    stator: { born, count, open, watches, ...more },
  });
}

function withThrown(signal: AnySignal, { thrown }: Memory): AnySignal {
  return Object.keys(thrown).length === 0 ? signal : { ...signal, thrown };
}

/** No field where its table is empty: most charts need none. */
function filled<Tables extends Readonly<Record<string, object>>>(tables: Tables): Partial<Tables> {
  return Object.values(tables).every((table) => Object.keys(table).length > 0) ? tables : {};
}

type Remembered = Pick<Memory, 'born' | 'count' | 'open' | 'watches' | 'delayed' | 'askers' | 'actors' | 'waiters'>;

function newMemory(
  address: TreeAddress,
  { at, isPast, ...known }: Partial<Remembered> & Pick<Memory, 'at' | 'isPast'>,
): Memory {
  const nothing = { born: 0, count: 0, open: {}, watches: [], delayed: {}, askers: {}, actors: 0, waiters: [] };
  return {
    address,
    ...nothing,
    ...known,
    at,
    isPast,
    isRestoring: false,
    restoredContexts: [],
    plainActions: 0,
    stopping: new WeakSet(),
    thrown: {},
  };
}

/** The memory that `textOf` wrote beside a snapshot. */
function memoryIn(address: TreeAddress, snapshot: object, isPast: boolean): Memory {
  const { stator = {} } = snapshot as { stator?: Partial<Remembered> };
  return newMemory(address, { ...structuredClone(stator), at: 0, isPast });
}

/** The tree has received the answer to its request. */
function forget(memory: Memory, run: string): void {
  const delayed = memory.delayed[run];
  delete memory.open[run];
  delete memory.delayed[run];
  delete memory.askers[run];
  if (delayed !== undefined) takeDelayId(memory.delayed, delayed);
}

function inputOf(address: TreeAddress, { payload, at }: AnySignal): unknown {
  const parsed = parseTree(address);
  if (parsed.kind === 'machine') return { id: parsed.id, at, ...payload };
  const { kind: _kind, ...names } = parsed;
  return { ...payload, ...names, at };
}

/** A root in `error` is an exception: some action or guard threw, or a promise was rejected and no state takes that. */
function assertSound(root: AnyActorRef, { keepsMemory }: Kind): void {
  const { status, error } = snapshotOf(root);
  if (status === 'error') throw keepsMemory ? withPlace(error) : error;
}
