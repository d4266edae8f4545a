/**
 * Actors that a machine keeps in its context. XState stores the id of each, and looks for it among the machine's own children alone: a parent, a sibling, or an
 * actor that has ended, would be lost, and its events would go to the machine itself. So those are stored with their paths.
 */
import { type AnyActorRef, createActor, fromTransition } from 'xstate';
import { pathKey, pathOf } from './actor-path.ts';
import { jsonProblem, replaced, withErrors } from './json-value.ts';
import { isInObservedSystem, parentOf, stopBelow } from './xstate-internals.ts';

type Children = Readonly<Record<string, unknown>>;

/** The form in which XState stores an actor. `path`: for an actor that is no child of the machine, or no longer one. `isGone`: the actor has ended, and a later one may have its id. */
export interface StoredRef {
  readonly xstate$$type: 1;
  readonly id: string;
  readonly path?: readonly string[];
  readonly isGone?: true;
}

/** XState ignores this field name, until the whole tree is restored. */
interface HiddenRef {
  readonly actorAt: readonly string[];
  readonly isGone: boolean;
  readonly isHiddenRef: true;
}

/** A copy of a context in which each actor has its stored form. */
export function storedContext(context: unknown, children: Children): unknown {
  return replaced(context, (value) => {
    if (!isActor(value)) return undefined;
    // A restart would take it for the machine itself.
    if (!isInObservedSystem(value))
      throw new Error('an actor that createActor made lives in one process only: let the chart spawn it');
    if (children[value.id] === value) return { xstate$$type: 1, id: value.id } satisfies StoredRef;
    const path = pathOf(value);
    const gone = isInTree(value) ? {} : { isGone: true as const };
    // The id of a root differs between processes.
    return { xstate$$type: 1, id: path.at(-1) ?? '', path, ...gone } satisfies StoredRef;
  });
}

/** The part of a context that cannot be stored, with its place; null: all of it can. */
export function contextProblem(context: unknown): string | null {
  return jsonProblem(context, 'context', (value) => isActor(value) && isInObservedSystem(value));
}

/** A copy of a stored context with its actors and errors. */
export function contextWith<Context>(context: Context, refTo: (stored: StoredRef) => unknown): Context {
  return replaced(withErrors(context), (value) => (isStoredRef(value) ? refTo(value) : undefined)) as Context; // of the same form
}

/** The actors with paths are hidden from XState; null: there are none. */
export function hiddenContext(context: unknown): unknown {
  let isAny = false;
  const hidden = replaced(context, (value) => {
    if (!isStoredRef(value)) return undefined;
    if (value.path === undefined) return value;
    isAny = true;
    return { actorAt: value.path, isGone: value.isGone === true, isHiddenRef: true } satisfies HiddenRef;
  });
  return isAny ? hidden : null;
}

/** Puts the actors into the contexts again, now that their tree exists. As in XState, an actor that has ended receives nothing. */
export function reviveActors(contexts: readonly unknown[], root: AnyActorRef, childrenOfRoot: Children): void {
  const gone = new Map<string, AnyActorRef>();
  const actorAt = (path: readonly string[], isGone: boolean): AnyActorRef => {
    const id = path.at(-1);
    if (id === undefined) return root;
    const parent = actorAt(path.slice(0, -1), false);
    const children = parent === root ? childrenOfRoot : childrenOf(parent);
    const living = isGone ? undefined : (children?.[id] as AnyActorRef | undefined); // it is kept under its id
    const found = living ?? gone.get(pathKey(path)) ?? endedActor(parent, id);
    if (living === undefined) gone.set(pathKey(path), found);
    return found;
  };
  const revive = (part: object) => {
    for (const [key, value] of Object.entries(part)) {
      if (typeof value !== 'object' || value === null || isActor(value)) continue;
      if (isHiddenRef(value)) Object.assign(part, { [key]: actorAt(value.actorAt, value.isGone) });
      else revive(value);
    }
  };
  for (const context of contexts) revive(context as object); // hidden above
}

function childrenOf(actor: AnyActorRef): Children | undefined {
  return (actor.getSnapshot() as { children?: Children }).children;
}

/** Whether the actor's parent has it under its id, and so on up to the root. */
export function isInTree(ref: AnyActorRef): boolean {
  const parent = parentOf(ref);
  return parent === undefined || (childrenOf(parent)?.[ref.id] === ref && isInTree(parent));
}

/** How it ended, and its last state, are not stored. */
const stopped = {
  ...fromTransition((state: null) => state, null),
  getInitialSnapshot: () => ({ status: 'stopped' as const, output: undefined, error: undefined, context: null }),
};

function endedActor(parent: AnyActorRef, id: string): AnyActorRef {
  const actor = createActor(stopped, { id, parent } as never); // as XState starts children
  stopBelow(actor);
  return actor;
}

/** As XState recognizes one. */
function isActor(value: object): value is AnyActorRef {
  return 'sessionId' in value && 'send' in value && 'ref' in value;
}

function isStoredRef(value: object): value is StoredRef {
  return 'xstate$$type' in value && value.xstate$$type === 1;
}

function isHiddenRef(value: object): value is HiddenRef {
  return 'isHiddenRef' in value && value.isHiddenRef === true;
}
