/** The public states of a chart: the tags of a state by its name, and what a transition entered and left of them. */
import type { AnyStateMachine, StateValue } from 'xstate';

export type Tags = ReadonlySet<string>;

/** A state's own tags and those of the states around it. A path that the chart no longer has gets the tags of the part of it that still exists. */
export function tagsOf(machine: AnyStateMachine, state: string): Tags {
  const known = tagsByState.get(machine) ?? new Map<string, Tags>();
  tagsByState.set(machine, known);
  const found = known.get(state);
  if (found !== undefined) return found;
  const tags = new Set<string>(machine.root.tags);
  let node: AnyStateMachine['root'] | undefined = machine.root;
  for (const name of state === '' ? [] : state.split('.')) {
    node = node.states[name];
    if (node === undefined) break;
    for (const tag of node.tags) tags.add(tag);
  }
  known.set(state, tags);
  return tags;
}

/** The tags of all states in which an actor of that value is. */
export function tagsOfValue(machine: AnyStateMachine, value: StateValue): Tags {
  return new Set(pathsIn(value).flatMap((path) => [...tagsOf(machine, path)]));
}

function pathsIn(value: StateValue): string[] {
  if (typeof value === 'string') return [value];
  return Object.entries(value).flatMap(([name, inner]) =>
    inner === undefined ? [name] : pathsIn(inner).map((path) => `${name}.${path}`),
  );
}

const tagsByState = new WeakMap<AnyStateMachine, Map<string, Tags>>();

/** A transition in public: the states before and after it. */
export interface PublicMove {
  readonly before: Tags;
  readonly after: Tags;
  /** It is the first of this actor. */
  readonly isBirth: boolean;
  /** Whether the transition enters a state with this tag. A transition that ends in the state where it began enters it again. */
  enters(tag: string): boolean;
}

export function publicMove(machine: AnyStateMachine, { from, to }: { from: string; to: string }): PublicMove {
  const before = from === '' ? noTags : tagsOf(machine, from);
  const after = tagsOf(machine, to);
  return {
    before,
    after,
    isBirth: from === '',
    enters: (tag) => after.has(tag) && (from === to || !before.has(tag)),
  };
}

const noTags: Tags = new Set();

/** A move that changes no public state. */
export const silentMove: PublicMove = { before: noTags, after: noTags, isBirth: false, enters: () => false };

/** What follows the prefix in the first tag that has it; null: none has. */
export function tagged(tags: Tags, prefix: string): string | null {
  for (const tag of tags) if (tag.startsWith(prefix)) return tag.slice(prefix.length);
  return null;
}
