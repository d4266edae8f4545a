/** The actors that watchers know, over all trees. A plan's actors belong to its repo, and a repo's to the supervisor. */
import type { AnyStateMachine, StateValue } from 'xstate';
import { parseTree, repoTree, supervisorTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { type Origin, originKind } from '../../../machines/vocabulary/signal.ts';
import type { Fact } from '../../core/inbox/facts.ts';
import type { ShownActor } from '../queries/shown-actor.ts';
import type { Conversion, Status, Subject } from './conversion.ts';

export interface ActorRegister {
  has(tree: TreeAddress): boolean;
  trees(): TreeAddress[];
  /** Sends the events of a tree in their order, and its actors that are live now. A live parent tree must already be known. */
  update(tree: TreeAddress, live: readonly ShownActor[], lines: readonly Fact[]): void;
  /** All live actors, parents first. */
  all(): readonly { readonly subject: Subject; readonly shown: ShownActor }[];
  /** Sends the end of every actor. */
  endAll(): void;
}

interface Known {
  readonly key: string;
  readonly tree: TreeAddress;
  readonly subject: Subject;
  readonly parent: Known | null;
  readonly children: Set<Known>;
  shown: ShownActor;
}

/** Every id begins with `prefix`. No id is used twice, because each new actor gets the next number. */
export function createActorRegister(prefix: string, conversion: Conversion): ActorRegister {
  const known = new Map<string, Known>();
  let births = 0;

  function announce(tree: TreeAddress, shown: ShownActor): void {
    const parent = known.get(parentKey(tree, shown.path)) ?? null;
    const sessionId = `${prefix}.${++births}:${tree}${shown.path === '' ? '' : `/${shown.path}`}`;
    const subject = {
      sessionId,
      name: nameOf(tree, shown.path),
      parentId: parent?.subject.sessionId ?? null,
      rootId: parent?.subject.rootId ?? sessionId,
    };
    const actor = { key: keyOf(tree, shown.path), tree, subject, parent, children: new Set<Known>(), shown };
    known.set(actor.key, actor);
    parent?.children.add(actor);
    conversion.actor(subject, shown);
    conversion.snapshot(subject, shown, { event: 'xstate.init', status: 'active' });
  }

  /** Ends an actor together with its children. */
  function end(actor: Known, event: string, status: Status): void {
    for (const child of [...actor.children].reverse()) end(child, 'xstate.stop', 'stopped');
    actor.parent?.children.delete(actor);
    known.delete(actor.key);
    conversion.snapshot(actor.subject, actor.shown, { event, status });
  }

  /** `now`: the actor after its last line; null: it has ended. */
  function emitLine(actor: Known, line: Fact, isLast: boolean, now: ShownActor | null): void {
    const value = isLast && now !== null ? now.value : valueAfter(actor.shown, line.to);
    actor.shown = { ...actor.shown, value, context: isLast && now !== null ? now.context : actor.shown.context };
    conversion.event(actor.subject, eventOf(line));
    if (isLast && now === null) end(actor, line.event, isFinal(actor.shown.machine, line.to) ? 'done' : 'stopped');
    else conversion.snapshot(actor.subject, actor.shown, { event: line.event, status: 'active' });
  }

  function actorsOf(tree: TreeAddress): Known[] {
    const root = known.get(keyOf(tree, ''));
    const walk = (actor: Known): Known[] => [
      actor,
      ...[...actor.children].filter((child) => child.tree === tree).flatMap(walk),
    ];
    return root === undefined ? [] : walk(root);
  }

  return {
    has: (tree) => known.has(keyOf(tree, '')),
    trees: () => [...known.values()].filter(({ shown }) => shown.path === '').map(({ tree }) => tree),
    update(tree, live, lines) {
      const living = new Map(live.map((shown) => [shown.path, shown]));
      for (const shown of live) {
        if (known.has(keyOf(tree, shown.path))) continue;
        const first = lines.find(({ actor }) => actor === shown.path);
        announce(tree, first === undefined ? shown : startOf(shown, first));
      }
      for (const [index, line] of lines.entries()) {
        const actor = known.get(keyOf(tree, line.actor));
        if (actor === undefined) continue; // it was spawned and has ended since the last update
        const isLast = lines.slice(index + 1).every((later) => later.actor !== line.actor);
        emitLine(actor, line, isLast, living.get(line.actor) ?? null);
      }
      for (const actor of actorsOf(tree).reverse()) {
        const now = living.get(actor.shown.path);
        if (now === undefined) end(actor, 'xstate.stop', 'stopped');
        else if (!isSame(actor.shown, now)) {
          actor.shown = now;
          conversion.snapshot(actor.subject, now, { event: 'changed', status: 'active' });
        }
      }
    },
    all: () => [...known.values()],
    endAll() {
      for (const actor of [...known.values()]) if (actor.parent === null) end(actor, 'xstate.stop', 'stopped');
    },
  };
}

/** A plan and the line of a branch belong to their repo, a repo to the supervisor. */
export function parentTree(tree: TreeAddress): TreeAddress | null {
  const parsed = parseTree(tree);
  if (parsed.kind === 'supervisor') return null;
  return parsed.kind === 'plan' || parsed.kind === 'landing' ? repoTree(parsed.project) : supervisorTree;
}

function keyOf(tree: TreeAddress, path: string): string {
  return `${tree}/${path}`;
}

function parentKey(tree: TreeAddress, path: string): string {
  if (path !== '') return keyOf(tree, path.split('/').slice(0, -1).join('/'));
  const parent = parentTree(tree);
  return parent === null ? '' : keyOf(parent, '');
}

function nameOf(tree: TreeAddress, path: string): string {
  if (path !== '') return path.split('/').at(-1) ?? path;
  const parsed = parseTree(tree);
  if (parsed.kind === 'supervisor') return 'supervisor';
  if (parsed.kind === 'machine') return parsed.id;
  if (parsed.kind === 'landing') return `${parsed.project}/${parsed.branch}`;
  return parsed.kind === 'plan' ? `${parsed.project}/${parsed.plan}` : parsed.project;
}

/** The signal's type, its origin and its id; never its content. */
function eventOf({ event, origin, signal }: Fact): { type: string; origin: string; signal: number | null } {
  return { type: event, origin: originKind(origin as Origin), signal }; // the journal has the origins of signals
}

function isSame(before: ShownActor, now: ShownActor): boolean {
  return JSON.stringify([before.value, before.context]) === JSON.stringify([now.value, now.context]);
}

/** A newly seen actor was in the state from which its first line begins. */
function startOf(now: ShownActor, { from }: Fact): ShownActor {
  return from === '' || now.machine.root.type === 'parallel' ? now : { ...now, value: stateAt(from) };
}

/** For a parallel machine, `lifecycle.ready.planned` names a state in one of its regions. */
function valueAfter({ machine, value }: ShownActor, to: string): StateValue {
  if (to === '') return value;
  if (machine.root.type !== 'parallel') return stateAt(to);
  return { ...(typeof value === 'string' ? {} : value), ...(stateAt(to) as Record<string, StateValue>) }; // the path names a region and a state in it
}

function stateAt(path: string): StateValue {
  const [first = '', ...rest] = path.split('.');
  return rest.length === 0 ? first : { [first]: stateAt(rest.join('.')) };
}

function isFinal(machine: AnyStateMachine, state: string): boolean {
  return machine.root.states[state.split('.')[0] ?? '']?.type === 'final';
}
