/** The snapshots of trees' roots as their rows hold them, read without bringing the trees to life: for lists of a thousand of them. */
import type { AnyActorLogic, AnyActorRef, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { TreeAddress } from '../machines/vocabulary/ids.ts';
import { contextWith, type StoredRef } from './actor-refs.ts';
import { compatibleSnapshot, logicOf, type PersistedTree } from './compatibility.ts';
import type { Kinds } from './kind.ts';

/** Throws `snapshot_unknown`. */
export type SnapshotAtRest = (address: TreeAddress, stored: PersistedTree) => AnyMachineSnapshot;

/** What XState persists of a machine, and of a child of it. */
type StoredMachine = Pick<AnyMachineSnapshot, 'status' | 'output' | 'error' | 'value' | 'context'> & {
  readonly children?: Readonly<Record<string, StoredChild>>;
  readonly historyValue?: object;
};
interface StoredChild {
  readonly src: string;
  readonly systemId?: string;
  readonly snapshot: unknown;
}
interface Below {
  readonly id: string;
  readonly child: StoredChild;
  readonly root: AnyMachineSnapshot;
}
type Refs = Readonly<Record<string, AnyActorRef>>;

/** A reader for many trees: each combination of states of a machine is restored once. */
export function readAtRest(kinds: Kinds): SnapshotAtRest {
  const sameStates = new Map<AnyStateMachine, Map<string, AnyMachineSnapshot>>();

  function read(machine: AnyStateMachine, stored: StoredMachine, above: AnyMachineSnapshot | null): AnyMachineSnapshot {
    const { status, output, error, value, context, children = {}, historyValue = {} } = stored;
    const known = sameStates.get(machine) ?? new Map<string, AnyMachineSnapshot>();
    sameStates.set(machine, known);
    const states = JSON.stringify([value, historyValue]);
    // `restoreSnapshot` needs the scope of an actor to restore children, and changes the context: so it is given neither.
    const alone = { ...stored, context: {}, children: {} } as never;
    const alike = known.get(states) ?? machine.restoreSnapshot(alone, undefined as never);
    known.set(states, alike);
    const snapshot = { ...alike, status, output, error } as AnyMachineSnapshot; // everything else follows from the states
    const root = above ?? snapshot;
    const entries = Object.entries(children);
    const refs: Refs = Object.fromEntries(entries.map(([id, child]) => [id, refOf(machine, { id, child, root })]));
    const refTo = ({ id, path, isGone }: StoredRef) =>
      path === undefined ? refs[id] : refAt(path, isGone === true ? null : root);
    return Object.assign(snapshot, { context: contextWith(context, refTo), children: refs });
  }

  /** What code may read of an actor that is not running: its identity, and its snapshot. */
  function refOf(machine: AnyStateMachine, { id, child, root }: Below): AnyActorRef {
    const { src, systemId, snapshot } = child;
    const logic = logicOf(machine, src) as AnyActorLogic | undefined; // `compatibleSnapshot` has found it
    const isMachine = logic !== undefined && 'root' in logic;
    let seen: unknown;
    const getSnapshot = () => {
      seen ??= isMachine ? read(logic as AnyStateMachine, snapshot as StoredMachine, root) : snapshot; // the logic is that of a machine
      return seen;
    };
    return { id, src, systemId, getSnapshot, getPersistedSnapshot: () => snapshot } as unknown as AnyActorRef;
  }

  return (address, stored) => {
    const kind = kinds.of(address);
    const machine = kind.chartAt('');
    const snapshot = compatibleSnapshot(address, stored, { ...kind, machine, version: kind.versionOf(machine) });
    return read(machine, snapshot as unknown as StoredMachine, null); // as XState persists a machine
  };
}

/** An actor of the tree that is no child of the machine that knows it. `root` null: it has ended. */
function refAt(path: readonly string[], root: AnyMachineSnapshot | null): AnyActorRef {
  const getSnapshot = () => {
    let seen: unknown = root;
    for (const id of path) seen = (seen as { children?: Refs } | undefined)?.children?.[id]?.getSnapshot();
    return seen ?? { status: 'stopped' };
  };
  return { id: path.at(-1) ?? '', getSnapshot } as unknown as AnyActorRef; // nothing else of it is read
}
