/** The snapshots of trees' roots as their rows hold them, read without bringing the trees to life: for lists of a thousand of them. */
import type { AnyMachineSnapshot } from 'xstate';
import type { TreeAddress } from '../machines/vocabulary/ids.ts';
import { compatibleSnapshot, type PersistedTree } from './compatibility.ts';
import type { Kinds } from './kind.ts';

/** null: actors live below its root, and only a live tree shows them. Throws `snapshot_unknown`. */
export type SnapshotAtRest = (address: TreeAddress, stored: PersistedTree) => AnyMachineSnapshot | null;

/** A reader for one list of trees of one kind: what trees in the same states have in common is worked out once. */
export function readAtRest(kinds: Kinds): SnapshotAtRest {
  const sameStates = new Map<string, AnyMachineSnapshot>();
  return (address, stored) => {
    const { name, upgrades, versionOf, chartAt } = kinds.of(address);
    const machine = chartAt('');
    const snapshot = compatibleSnapshot(address, stored, { name, machine, version: versionOf(machine), upgrades });
    const { status, output, error, context, children = {}, historyValue = {} } = snapshot as AnyMachineSnapshot; // as XState persists a machine
    if (Object.keys(children).length > 0) return null;
    const states = JSON.stringify([snapshot.value, historyValue]);
    const known = sameStates.get(states);
    if (known !== undefined) return { ...known, status, output, error, context } as AnyMachineSnapshot; // of all else it is the same
    // XState asks the scope of an actor for children alone.
    const restored = machine.restoreSnapshot({ ...snapshot, children } as never, undefined as never);
    sameStates.set(states, restored);
    return restored;
  };
}
