/** The path of an actor in its tree, by ids; and the check that a step comes to an end. */
import type { AnyActorRef } from 'xstate';
import { parentOf } from './xstate-internals.ts';

/** A chart that takes more of these on one event has a circle of transitions without an event. */
const microstepLimit = 1_000;

/** Returns the number. Throws a plain Error if the chart does not come to rest. */
export function mustRest(microsteps: number): number {
  if (microsteps <= microstepLimit) return microsteps;
  throw new Error(`it takes transitions without an event and does not come to rest (more than ${microstepLimit})`);
}

/** The ids from the root's child down to the actor. */
export function pathOf(ref: AnyActorRef): string[] {
  const parent = parentOf(ref);
  return parent === undefined ? [] : [...pathOf(parent), ref.id];
}

/** A path as a key: an id may hold any character. */
export function pathKey(path: readonly string[]): string {
  return path.map((id) => JSON.stringify(id)).join('/');
}

/** The living actor at a path; null: it has ended. */
export function actorBelow(root: AnyActorRef, path: readonly string[]): AnyActorRef | null {
  let actor = root;
  for (const id of path) {
    const { children } = actor.getSnapshot() as { children?: Record<string, AnyActorRef | undefined> };
    const child = children?.[id];
    if (child === undefined || (child.getSnapshot() as { status?: string }).status !== 'active') return null;
    actor = child;
  }
  return actor;
}
