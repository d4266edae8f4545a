/**
 * The heart: a tree takes one signal and says what became of it. It knows no SQLite, no file and no clock; whatever drives it
 * (the pump, a replay, a simulation) stores what it returns.
 */
import { type AnyActorRef, type AnyStateMachine, createActor, type Snapshot } from 'xstate';
import { parseTree, type TreeAddress } from '../machines/vocabulary/ids.ts';
import { type Policy, samePolicy } from '../machines/vocabulary/policy.ts';
import type { Signal, SignalEvent } from '../machines/vocabulary/signal.ts';
import { addresseeOf, baseOf, snapshotOf } from './addressee.ts';
import {
  compatibleSnapshot,
  type PersistedText,
  type PersistedTree,
  type Upgrades,
  versionOf,
} from './compatibility.ts';
import { leanAssign } from './lean-assign.ts';
import { persistedText } from './persisted-text.ts';
import { bindPlan } from './plan.ts';
import { noRequests, portsInto, type Requests } from './ports.ts';
import { type AgentSnapshot, createRecorder, type Recorder, type Transition } from './recorder.ts';
import {
  answerObstacle,
  holdsOf,
  isHeld,
  isPreApplied,
  isSuppressed,
  openQuestions,
  type Refusal,
  receptionOf,
  refusalOf,
  roleObstacle,
} from './refusal.ts';
import { bindRepo } from './repo.ts';
import { bindSupervisor } from './supervisor.ts';
import { upgrades } from './upgrades.ts';

/** A live tree. It is a cache of its row: after an exception it is thrown away. */
export interface Tree {
  readonly address: TreeAddress;
  readonly root: AnyActorRef;
  readonly recorder: Recorder;
  /** The configuration that was last seen to be the one in the root's context; compared by identity. */
  policySeen: Policy | null;
  /** What made it of this version, until a step that is stored says so. */
  upgrade: Upgraded | null;
}

/** An upgrade as an input: what an earlier version made of the ones before it cannot be made again, so it carries where it led. */
export interface Upgraded {
  readonly type: 'upgraded';
  /** Of the machines. */
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
  readonly signal: Signal;
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
  /** Something that was held before is not held now: what waits may be delivered, and is held again where it still must. */
  readonly released: boolean;
}

/** What is in force outside and must stand in the root's context before the signal is looked at. */
export interface Facts {
  readonly policy?: Policy;
}

export interface Trees {
  /** Whether this signal gives birth to a tree at that address. */
  isBirth(address: TreeAddress, signal: Signal): boolean;
  create(address: TreeAddress, signal: Signal): { tree: Tree; step: Step };
  /** Throws `snapshot_unknown`; asks for nothing and runs no entry action. */
  restore(address: TreeAddress, stored: PersistedTree): Tree;
  /** Throws a plain Error for a broken invariant; the tree is then to be thrown away. */
  step(tree: Tree, signal: Signal, facts?: Facts): Step;
  /** Feeds a tree all that it was fed; null: it was never born. What came before its last upgrade is in that. */
  replay(address: TreeAddress, inputs: readonly (Signal | Upgraded)[]): Tree | null;
  persist(tree: Tree): PersistedTree;
  /** The same, its snapshot as JSON. */
  persistText(tree: Tree): PersistedText;
}

const births = { supervisor: 'supervisor_opened', repo: 'repo_opened', plan: 'plan_opened' } as const;

/** `upgrades`: those of this version, unless a test brings its own. */
export function createTrees(options: { upgrades?: Upgrades } = {}): Trees {
  let requests = noRequests();
  const ports = portsInto(() => requests);
  const machines = {
    supervisor: leanAssign(bindSupervisor(ports)),
    repo: leanAssign(bindRepo(ports)),
    plan: leanAssign(bindPlan(ports)),
  } as const;
  const versions = {
    supervisor: versionOf(machines.supervisor),
    repo: versionOf(machines.repo),
    plan: versionOf(machines.plan),
  };

  function begin(address: TreeAddress, how: { input: unknown } | { snapshot: Snapshot<unknown> }): Tree {
    const machine: AnyStateMachine = machines[parseTree(address).kind];
    const recorder = createRecorder();
    const root = createActor(machine, how);
    // Not by the option `inspect`: it copies every event for observers that are not there. Nothing is told before the start but the actor itself.
    Object.assign(root.system, { _sendInspectionEvent: recorder.inspect });
    // Without an observer XState throws a root's error again from a timer, outside of every transaction.
    root.subscribe({ error: () => {} });
    root.start();
    assertSound(root);
    return { address, root, recorder, policySeen: null, upgrade: null };
  }

  /** Runs `feed` with an empty set of requests, and takes what it left. */
  function collect<T>(feed: () => T): { value: T; requests: Requests } {
    requests = noRequests();
    try {
      return { value: feed(), requests };
    } finally {
      requests = noRequests();
    }
  }

  function feed(
    tree: Tree,
    ref: AnyActorRef,
    signal: Signal,
    event: SignalEvent,
  ): { input: Input; agents: AgentSnapshot[] } {
    ref.send(event);
    assertSound(tree.root);
    const { transitions, agents } = tree.recorder.take();
    return { input: { signal, transitions }, agents };
  }

  function bringPolicy(
    tree: Tree,
    { policy }: Facts,
    signal: Signal,
  ): { input: Input; agents: AgentSnapshot[] } | null {
    if (policy === undefined || policy === tree.policySeen) return null;
    tree.policySeen = policy;
    const { context } = snapshotOf(tree.root);
    if (!('policy' in context) || samePolicy(context.policy, policy)) return null;
    const change: Signal = {
      type: 'policy',
      payload: { policy },
      origin: 'engine',
      actor: '',
      run: null,
      at: signal.at,
    };
    return feed(tree, tree.root, change, eventOf(tree.root, change));
  }

  function handle(tree: Tree, signal: Signal, facts: Facts): Omit<Step, 'requests' | 'upgrade'> {
    const brought = bringPolicy(tree, facts, signal);
    const before = { inputs: brought === null ? [] : [brought.input], agents: brought?.agents ?? [] };
    const found = addresseeOf(tree.root, signal);
    const answer = (verdict: Verdict) => ({ verdict, ...before, released: false });
    if (found.kind === 'gone') return answer({ status: 'done', result: 'stale' });
    const refused = (guard: string) =>
      answer({ status: 'refused', refusal: { ...refusalOf(tree.root, tree.root, eventOf(tree.root, signal)), guard } });
    const obstacle = roleObstacle(tree.root, signal) ?? answerObstacle(tree.root, signal);
    if (obstacle !== null) return refused(obstacle);
    if (isHeld(tree.root, signal, found)) return answer({ status: 'held' });
    if (found.kind === 'nobody') return refused(found.what);
    if (isPreApplied(tree.root, signal)) return answer({ status: 'done', result: 'already' });
    if (signal.origin !== 'engine' && isSuppressed(tree.root, signal))
      return answer({ status: 'done', result: 'suppressed' });
    const event = eventOf(tree.root, signal);
    const reception = receptionOf(found.ref, event);
    if (reception === 'ignored')
      return answer({ status: 'done', result: signal.origin === 'engine' ? 'stale' : 'already' });
    if (reception === 'refused') return answer({ status: 'refused', refusal: refusalOf(tree.root, found.ref, event) });
    const heldBefore = heldFor(tree.root);
    const fed = feed(tree, found.ref, signal, event);
    const heldNow = heldFor(tree.root);
    return {
      verdict: { status: 'done', result: 'done' },
      inputs: [...before.inputs, fed.input],
      agents: [...before.agents, ...fed.agents],
      released: [...heldBefore].some((word) => !heldNow.has(word)),
    };
  }

  function create(address: TreeAddress, signal: Signal): { tree: Tree; step: Step } {
    const { value, requests: asked } = collect(() => {
      const tree = begin(address, { input: inputOf(address, signal) });
      return { tree, ...tree.recorder.take() };
    });
    const { tree, transitions, agents } = value;
    const verdict: Verdict = { status: 'done', result: 'done' };
    const inputs = [{ signal, transitions }];
    return { tree, step: { verdict, inputs, upgrade: null, agents, requests: asked, released: false } };
  }

  function restore(address: TreeAddress, stored: PersistedTree): Tree {
    const { kind } = parseTree(address);
    const known = { machine: machines[kind] as AnyStateMachine, version: versions[kind] };
    const snapshot = compatibleSnapshot(address, stored, known, options.upgrades ?? upgrades);
    const { value: tree, requests: asked } = collect(() => begin(address, { snapshot }));
    tree.recorder.take();
    if (Object.values(asked).some((list) => list.length > 0))
      throw new Error(`restoring ${address} asked for something`);
    if (stored.version !== known.version) {
      const text = persistedText(tree.root);
      tree.upgrade = { type: 'upgraded', from: stored.version, to: known.version, snapshot: JSON.parse(text) };
    }
    return tree;
  }

  function step(tree: Tree, signal: Signal, facts: Facts = {}): Step {
    const { value, requests: asked } = collect(() => handle(tree, signal, facts));
    const upgrade = value.inputs.length === 0 ? null : tree.upgrade;
    if (upgrade !== null) tree.upgrade = null;
    return { ...value, upgrade, requests: asked };
  }

  function replay(address: TreeAddress, inputs: readonly (Signal | Upgraded)[]): Tree | null {
    const { kind } = parseTree(address);
    const first = inputs.findLastIndex(({ type }) => type === 'upgraded' || type === births[kind]);
    let tree: Tree | null = null;
    for (const input of inputs.slice(Math.max(0, first))) {
      if (input.type === 'upgraded') {
        const { to: version, snapshot } = input;
        tree = restore(address, { machine: kind, version, snapshot });
      } else if (tree === null) tree = create(address, input).tree;
      else step(tree, input);
    }
    return tree;
  }

  return {
    isBirth: (address, signal) => births[parseTree(address).kind] === signal.type,
    create,
    restore,
    step,
    replay,
    persist(tree) {
      const { kind } = parseTree(tree.address);
      return { machine: kind, version: versions[kind], snapshot: tree.root.getPersistedSnapshot() };
    },
    persistText({ address, root }) {
      const { kind } = parseTree(address);
      return { machine: kind, version: versions[kind], text: persistedText(root) };
    },
  };
}

/** What signals are held for: words of the states, and questions. */
function heldFor(root: AnyActorRef): ReadonlySet<string> {
  return new Set([...holdsOf(root), ...openQuestions(root)]);
}

/** An approval that names no commit is about the one at which its run began; a person's is about the branch as it is now. */
function eventOf(root: AnyActorRef, signal: Signal): SignalEvent {
  const { type, payload, origin, run, at } = signal;
  const event = { ...payload, type, origin, run, at } as SignalEvent; // a signal's type and payload belong together
  if (event.type !== 'verify_approved' && event.type !== 'review_approved') return event;
  if (event.reviewed_sha !== undefined || origin === 'person') return event;
  const base = baseOf(root, signal);
  return base === null ? event : { ...event, reviewed_sha: base };
}

function inputOf(address: TreeAddress, { payload, at }: Signal): unknown {
  const parsed = parseTree(address);
  const { kind: _kind, ...names } = parsed;
  return { ...payload, ...names, at };
}

/** A root in `error` is an exception: some action or guard threw. */
function assertSound(root: AnyActorRef): void {
  const snapshot = snapshotOf(root);
  if (snapshot.status === 'error') throw snapshot.error;
}
