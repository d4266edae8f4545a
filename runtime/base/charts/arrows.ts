/** The transitions of a machine, each with a stable name. */
import type { AnyStateNode } from 'xstate';
import { activeStateIds, type ChartValue } from './active-states.ts';

export interface Arrow {
  /** `<path of the state>:<event>:<index>`, the index counting the state's transitions for that event. */
  readonly id: string;
  /** `always` where no event is needed. */
  readonly event: string;
  readonly guard: string | null;
  /** null: it stays where it is. */
  readonly target: AnyStateNode | null;
  /** It has no guard, and comes after a transition of the same event that has one. */
  readonly isElse: boolean;
}

/** A state's path from the machine's root, joined by dots; empty for the root. */
export function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}

/** The states within a state, each before those within it. */
export function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states).flatMap((child) => [child, ...nodesOf(child)]);
}

/** The arrows that leave a state: events first, then automatic transitions. */
export function arrowsOf(node: AnyStateNode): Arrow[] {
  return [...node.transitions.values(), node.always ?? []].flatMap((candidates) =>
    candidates.map((transition, index) => {
      const { eventType, guard, target } = transition;
      const event = eventType === '' ? 'always' : eventType;
      return {
        id: `${pathOf(node)}:${event}:${index}`,
        event,
        guard: guardName(guard),
        target: target?.[0] ?? null,
        isElse: guard === undefined && candidates.slice(0, index).some((before) => before.guard !== undefined),
      };
    }),
  );
}

/** An event's name for people: the library has its own names for the end of a child. */
export function wordOf(event: string): string {
  return event.startsWith('xstate.done.actor') ? 'ended' : event;
}

function guardName(guard: unknown): string | null {
  if (guard === undefined || guard === null) return null;
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'object' && 'type' in guard) {
    const { type, params } = guard as { type: unknown; params?: unknown }; // as machines write guards with params
    const given = typeof params === 'object' ? JSON.stringify(params) : params;
    return given === undefined || typeof given === 'function' ? String(type) : `${type} ${given}`;
  }
  if (typeof guard !== 'function') return null;
  if ('stateValue' in guard) {
    const ids = activeStateIds(guard.stateValue as ChartValue); // of `stateIn`
    return `in ${ids.filter((id) => !ids.some((other) => other.startsWith(`${id}.`))).join(' ')}`;
  }
  return isJoined(guard) ? joinedName(guard) : guard.name || 'a function';
}

/** XState's `and`, `or` and `not` are functions of these names, with a list. */
function isJoined(guard: unknown): guard is { readonly name: string; readonly guards: readonly unknown[] } {
  return typeof guard === 'function' && 'guards' in guard && Array.isArray(guard.guards);
}

function joinedName({ name, guards }: { readonly name: string; readonly guards: readonly unknown[] }): string {
  const names = guards.map((inner) => {
    const isGroup = isJoined(inner) && inner.guards.length > 1 && inner.name !== name;
    return isGroup ? `(${guardName(inner)})` : guardName(inner);
  });
  return name === 'not' ? `not ${names[0]}` : names.join(name === 'or' ? ' or ' : ' and ');
}
