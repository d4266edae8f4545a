/** Finds the actor in a tree that a signal is for, and says whether that actor still waits for it. */
import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { pathOfRequest } from '../machines/vocabulary/ids.ts';
import { type Origin, originKind, type Signal, signals } from '../machines/vocabulary/signal.ts';

/** `isItsOwn`: the chart requested the event, so the actor gets it in any state. */
export type Found =
  | { kind: 'actor'; ref: AnyActorRef; isItsOwn?: true }
  | { kind: 'gone' }
  | { kind: 'nobody'; what: string };

export function snapshotOf(ref: AnyActorRef): AnyMachineSnapshot {
  return ref.getSnapshot();
}

/** The machines below it. A user-defined machine also starts promises and transition logic, which have no states. */
export function childrenOf(ref: AnyActorRef): AnyActorRef[] {
  const children: Record<string, AnyActorRef | undefined> = snapshotOf(ref).children;
  return Object.values(children).filter(
    (child) => child !== undefined && 'machine' in snapshotOf(child),
  ) as AnyActorRef[]; // as filtered
}

/** Every machine of a tree, the root first. */
export function* actorsOf(root: AnyActorRef): Generator<AnyActorRef> {
  yield root;
  for (const child of childrenOf(root)) yield* actorsOf(child);
}

const found = new WeakMap<AnyActorRef, Map<string, AnyActorRef>>();

export function actorAt(root: AnyActorRef, path: string): AnyActorRef | null {
  if (path === '') return root;
  let known = found.get(root);
  const last = known?.get(path);
  if (last !== undefined && snapshotOf(last).status === 'active') return last;
  const actor = walkTo(root, path);
  if (actor === null) known?.delete(path);
  else {
    if (known === undefined) {
      known = new Map();
      found.set(root, known);
    }
    known.set(path, actor);
  }
  return actor;
}

/** `path`: not that of the root. */
function walkTo(root: AnyActorRef, path: string): AnyActorRef | null {
  let actor = root;
  for (const id of path.split('/')) {
    const child = snapshotOf(actor).children[id];
    if (child === undefined || snapshotOf(child).status !== 'active') return null;
    actor = child;
  }
  return actor;
}

/**
 * Whether the actor that asked for this is still there and still waits for it. A run that has ended gets no further reports. Signals that its
 * agent sent itself, which may have been held, count until the next run. An agent that asked a person sends nothing after that.
 */
function isCurrent(root: AnyActorRef, { run, origin }: Signal): boolean {
  if (run === null) return true;
  const actor = actorAt(root, pathOfRequest(run));
  if (actor === null) return false;
  const { context } = snapshotOf(actor);
  const { timer, work, merge, pull } = context;
  if ([timer, work, merge?.work, pull?.work].includes(run)) return true;
  if (context.run !== run) return false;
  return isOfAgent(origin) ? context.ending !== 'decision' : (context.ended ?? null) === null;
}

/** The actor that matches. If several generations of an agent have the same title, the youngest. */
function find(
  root: AnyActorRef,
  matches: (context: AnyMachineSnapshot['context'], machine: string) => boolean,
): AnyActorRef | null {
  let found: AnyActorRef | null = null;
  for (const actor of actorsOf(root)) {
    const { context, machine, status } = snapshotOf(actor);
    if (status === 'active' && matches(context, machine.id)) found = actor;
  }
  return found;
}

/** The commit at which the approving run began: the signal's run, or if it names none, the run of the plan's active agent. */
export function baseOf(root: AnyActorRef, { run }: Pick<Signal, 'run'>): string | null {
  const { activeChildId } = snapshotOf(root).context;
  const path = run !== null ? pathOfRequest(run) : typeof activeChildId === 'string' ? activeChildId : null;
  const actor = path === null ? null : actorAt(root, path);
  const base: unknown = actor === null ? null : snapshotOf(actor).context.base;
  return typeof base === 'string' ? base : null;
}

/** The tasks of the active wave that no agent has begun: those that wait for their turn or for a slot, and those that an edit starts again. */
export function notBegunIn(root: AnyActorRef): number[] {
  const { activeChildId } = snapshotOf(root).context;
  const wave = typeof activeChildId === 'string' ? actorAt(root, activeChildId) : null;
  return (wave === null ? [] : childrenOf(wave))
    .filter((task) => [...actorsOf(task)].some((actor) => isNotBegun(snapshotOf(actor))))
    .map((task) => snapshotOf(task).context.number);
}

/** An agent also waits for a slot after its earlier run was stopped; such an agent has begun. */
function isNotBegun(snapshot: AnyMachineSnapshot): boolean {
  return snapshot.hasTag('not_begun') && (snapshot.context.runs ?? 0) === 0;
}

/** `gone`: the actor no longer waits for it, so the signal is stale. `nobody`: a person named an agent that does not exist. */
export function addresseeOf(root: AnyActorRef, signal: Signal): Found {
  if (!isCurrent(root, signal)) return { kind: 'gone' };
  const path = signal.actor !== '' ? signal.actor : pathBySignal(signal);
  if (path !== null) {
    const ref = actorAt(root, path);
    if (ref === null) return { kind: 'gone' };
    // An agent that is being ended takes no question, and does not learn that its file was refused: a person is asked by the plan.
    const isLate = originKind(signal.origin) === 'file' && snapshotOf(ref).hasTag('run:stopping');
    return { kind: 'actor', ref: isLate ? root : ref };
  }
  if (signal.type === 'implement_task_finished') {
    const { wave_number, task_number } = (signal as Signal<'implement_task_finished'>).payload;
    const ref = find(
      root,
      (context, machine) => machine === 'task' && context.wave === wave_number && context.number === task_number,
    );
    return ref === null
      ? { kind: 'nobody', what: `task ${task_number} of wave ${wave_number} is not under way` }
      : { kind: 'actor', ref };
  }
  if (signals[signal.type].to === 'agent') {
    const { title } = (signal as Signal<'agent_kill'>).payload;
    const ref = find(root, (context, machine) => machine === 'agent' && context.title === title);
    return ref === null ? { kind: 'nobody', what: `agent ${title} is not under way` } : { kind: 'actor', ref };
  }
  return { kind: 'actor', ref: root };
}

/** A signal of the engine goes to the actor that asked for it, and a question of an agent to that agent. Every other signal goes to the root. */
function pathBySignal({ type, run, origin }: Signal): string | null {
  if (run === null) return null;
  return !isOfAgent(origin) || type === 'needs_decision' ? pathOfRequest(run) : null;
}

/** A run sends signals by its token, and by files in its worktree. */
function isOfAgent(origin: Origin): boolean {
  const kind = originKind(origin);
  return kind === 'agent' || kind === 'file';
}
