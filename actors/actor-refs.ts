/**
 * Actors that a machine keeps in its context. XState stores the id of each, and looks for it among the machine's own children alone: a parent, a sibling, or an
 * actor that has ended, would be lost, and what is sent to it would come to the machine itself. So those are stored with their paths.
 */
import { type AnyActorRef, createActor, fromTransition } from 'xstate';
import { pathKey, pathOf } from './actor-path.ts';
import { replaced, withErrors } from './kept-error.ts';

type Children = Readonly<Record<string, unknown>>;

/** The form in which XState stores an actor. `path`: it is not, or not any more, a child of the machine. */
export interface StoredRef {
  readonly xstate$$type: 1;
  readonly id: string;
  readonly path?: readonly string[];
}

/** Under another name XState leaves it alone until the whole tree is there. */
interface HiddenRef {
  readonly actorAt: readonly string[];
  readonly isHiddenRef: true;
}

/** A copy of a context in which each actor is as it is stored. */
export function storedContext(context: unknown, children: Children): unknown {
  return replaced(context, (value) => {
    if (!('sessionId' in value && 'send' in value && 'ref' in value)) return undefined;
    const ref = value as unknown as AnyActorRef; // XState finds actors by their ids. An actor whose id was taken over by a second one is therefore found as that second one.
    // One that a second actor of its id has replaced is found again as that one.
    const child = children[ref.id];
    if (child !== undefined && parentOf(child) === parentOf(ref))
      return { xstate$$type: 1, id: ref.id } satisfies StoredRef;
    const path = pathOf(ref);
    // The id of a root differs between processes.
    return { xstate$$type: 1, id: path.at(-1) ?? '', path } satisfies StoredRef;
  });
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
    return { actorAt: value.path, isHiddenRef: true } satisfies HiddenRef;
  });
  return isAny ? hidden : null;
}

/** Puts the actors into the contexts again, now that their tree exists. As in XState, an actor that has ended receives nothing. */
export function reviveActors(contexts: readonly unknown[], root: AnyActorRef, childrenOfRoot: Children): void {
  const gone = new Map<string, AnyActorRef>();
  const actorAt = (path: readonly string[]): AnyActorRef => {
    const id = path.at(-1);
    if (id === undefined) return root;
    const parent = actorAt(path.slice(0, -1));
    const children =
      parent === root ? childrenOfRoot : (parent.getSnapshot() as { children?: Children } | null)?.children;
    const found = (children?.[id] as AnyActorRef | undefined) ?? gone.get(pathKey(path)) ?? endedActor(parent, id);
    if (children?.[id] === undefined) gone.set(pathKey(path), found);
    return found;
  };
  const revive = (part: object) => {
    for (const [key, value] of Object.entries(part)) {
      if (typeof value !== 'object' || value === null || 'sessionId' in value) continue;
      if ('isHiddenRef' in value) Object.assign(part, { [key]: actorAt((value as HiddenRef).actorAt) });
      else revive(value);
    }
  };
  for (const context of contexts) revive(context as object); // hidden above
}

function parentOf(actor: unknown): unknown {
  return (actor as { readonly _parent?: unknown })._parent;
}

const nothing = fromTransition((state: null) => state, null);

function endedActor(parent: AnyActorRef, id: string): AnyActorRef {
  const actor = createActor(nothing, { id, parent } as never); // XState starts children so
  (actor as unknown as { _stop(): void })._stop(); // as it stops children
  return actor;
}

function isStoredRef(value: object): value is StoredRef {
  return 'xstate$$type' in value && value.xstate$$type === 1;
}
