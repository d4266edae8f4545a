/** Refuses, loudly, to restore what this version does not know: another machine, another version, a state or child that is gone. */
import type { AnyStateMachine, Snapshot, StateValue } from 'xstate';
import { EngineError } from '../machines/vocabulary/errors.ts';

/** A tree as its row holds it. */
export interface PersistedTree {
  readonly machine: string;
  readonly version: string;
  readonly snapshot: Snapshot<unknown>;
  /** Which stator wrote it; absent or null: it does not say. */
  readonly stator?: string | null;
}

/** Properties of the row that its kind determines, for code that reads the row and does not restore the tree. */
export interface TreeStatus {
  /** It has ended: some time after that its row is deleted. */
  readonly isEnded: boolean;
  /** Its journal is stored as long as its row; otherwise lines are deleted by their age. */
  readonly keepsJournal: boolean;
  /** The public state that lists show, with its reason; null: nothing. */
  readonly state: string | null;
  readonly reason: string | null;
}

/** It has not ended, its journal is stored, and lists show no state. */
export const underWay: TreeStatus = { isEnded: false, keepsJournal: true, state: null, reason: null };

/** A tree as it is stored: its snapshot as JSON. */
export interface PersistedText {
  readonly machine: string;
  readonly version: string;
  readonly text: string;
  /** Absent: as `underWay`. */
  readonly status?: TreeStatus;
}

/** From a machine id and a version to a function that turns that version's snapshot into one of the next version. */
export type Upgrades = Readonly<
  Record<string, Readonly<Record<string, { to: string; upgrade: (snapshot: unknown) => unknown }>>>
>;

/** The version of a machine and of every machine that it may spawn: if one of them changes, the tree changes. */
export function versionOf(machine: AnyStateMachine): string {
  const own = `${machine.id}:${machine.version ?? '0'}`;
  const below = Object.values(machine.implementations.actors).map((logic) => versionOf(logic as AnyStateMachine)); // only machines are spawned
  return [...new Set([own, ...below.flatMap((text) => text.split(' '))])].sort().join(' ');
}

/** What a person does to make a row readable that this version cannot restore: an imperative. */
export type ReadableBy = (stored: PersistedTree) => string;

/** For stator's own machines: which stator to install. */
export const readableByStator: ReadableBy = ({ stator = null }) => {
  const writer = stator === null ? 'the version of stator that wrote it' : `stator ${stator}, which wrote it`;
  return `install ${writer}, or a newer one that can upgrade it`;
};

/** Throws `snapshot_unknown`. */
type Refuse = (address: string, what: string) => never;

/** The snapshot in the form of this version, checked from root to leaf. Throws `snapshot_unknown` with the place. */
export function compatibleSnapshot(
  address: string,
  stored: PersistedTree,
  known: {
    name: string;
    machine: AnyStateMachine;
    version: string;
    upgrades: Upgrades[string];
    readableBy: ReadableBy;
  },
): Snapshot<unknown> & { readonly value: StateValue; readonly context: unknown } {
  const { name, machine, version: wanted, upgrades, readableBy } = known;
  const refuse: Refuse = (place, what) => {
    const hint = `the row is untouched; ${readableBy(stored)}`;
    throw new EngineError('snapshot_unknown', `the stored state of ${place} cannot be restored: ${what}`, hint);
  };
  if (stored.machine !== name) refuse(address, `it is of machine "${stored.machine}", expected "${name}"`);
  let { version, snapshot } = stored;
  for (let steps = 0; version !== wanted; steps += 1) {
    const next = upgrades[version];
    if (next === undefined || steps > 100)
      refuse(address, `it is of version "${stored.version}", expected "${wanted}"`);
    version = next.to;
    snapshot = next.upgrade(snapshot) as Snapshot<unknown>; // an upgrade is tested with a stored old snapshot
  }
  check(address, { snapshot, machine }, refuse);
  return snapshot as ReturnType<typeof compatibleSnapshot>; // as was checked
}

/** What a machine starts under that name. If an invoke holds its logic itself, XState writes the number of the invoke and the id of its state. */
export function logicOf(machine: AnyStateMachine, src: string): object | undefined {
  const [, index, id] = /^xstate\.invoke\.(\d+)\.(.*)$/.exec(src) ?? [];
  if (index === undefined || id === undefined) return machine.implementations.actors[src];
  try {
    const logic: unknown = [machine.getStateNodeById(id).config.invoke ?? []].flat()[Number(index)]?.src;
    return typeof logic === 'object' && logic !== null ? logic : undefined;
  } catch {
    return undefined; // the state does not exist any more
  }
}

interface StoredActor {
  value?: StateValue;
  context?: unknown;
  status?: string;
  children?: Record<string, { src?: unknown; snapshot?: StoredActor }>;
}

function check(
  address: string,
  { snapshot, machine }: { snapshot: unknown; machine: AnyStateMachine },
  refuse: Refuse,
): void {
  const stored = snapshot as StoredActor; // read field by field below
  if (
    stored === null ||
    typeof stored !== 'object' ||
    stored.value === undefined ||
    typeof stored.context !== 'object'
  ) {
    refuse(address, 'it is no snapshot of a machine');
  }
  const missing = missingState(machine.root, stored.value);
  if (missing !== null) refuse(address, `machine "${machine.id}" has no state "${missing}"`);
  for (const [id, child] of Object.entries(stored.children ?? {})) {
    const logic = typeof child.src === 'string' ? logicOf(machine, child.src) : undefined;
    if (logic === undefined)
      refuse(`${address}, child ${id}`, `"${String(child.src)}" is nothing that "${machine.id}" may spawn`);
    const [place, snapshot] = [`${address}, child ${id}`, child.snapshot];
    if ('root' in logic)
      check(place, { snapshot, machine: logic as AnyStateMachine }, refuse); // as in versionOf
    else if (kindOfPart(logic) !== kindOfPart(snapshot ?? {}))
      refuse(place, `it is ${kindOfPart(snapshot ?? {})}, and "${child.src}" is ${kindOfPart(logic)} now`);
  }
}

/** What a user-defined machine starts, or its snapshot: only a machine has a value, and of the others only a promise is started and only transition logic has a context. */
function kindOfPart(part: object): string {
  if ('value' in part) return 'a machine';
  return 'start' in part || !('transition' in part || 'context' in part) ? 'a promise' : 'transition logic';
}

/** The first state of a value that the machine does not know, or that it knows as another kind; null: all are known. */
function missingState(node: AnyStateMachine['root'], value: StateValue): string | null {
  const inner: Record<string, StateValue | undefined> = typeof value === 'string' ? { [value]: undefined } : value;
  const regions = Object.values(node.states).filter(({ type }) => type !== 'history');
  const wanted = node.type === 'parallel' ? regions.map(({ key }) => key) : [];
  for (const key of new Set([...wanted, ...Object.keys(inner)])) {
    const child = node.states[key];
    const below = inner[key];
    if (child === undefined || !Object.hasOwn(inner, key)) return [...node.path, key].join('.');
    const isLeaf = Object.keys(child.states).length === 0;
    // A region without states of its own has an empty value.
    const isEmpty = below === undefined || Object.keys(below).length === 0;
    if (isLeaf !== isEmpty) return child.path.join('.');
    const missing = below === undefined || isEmpty ? null : missingState(child, below);
    if (missing !== null) return missing;
  }
  return null;
}
