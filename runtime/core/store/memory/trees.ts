/** The trees in memory, each with a version that counts its steps. */
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import type { ChangeOf } from '../port.ts';
import type { TreeRow } from '../rows.ts';
import { createTable, type Undo, where } from './table.ts';

interface StoredTree {
  readonly address: TreeAddress;
  readonly machine: string;
  readonly version: string;
  readonly text: string;
  readonly steps: number;
}

export function createTrees(undo: Undo) {
  const rows = createTable<TreeAddress, StoredTree>(undo);
  const stator = statorVersion();

  return {
    /** false: the row is not at step `before`. */
    write({ address, stored, before, after }: Omit<ChangeOf<'tree.write'>, 'do'>): boolean {
      if ((rows.get(address)?.steps ?? 0) !== before) return false;
      rows.set(address, { address, ...stored, steps: after });
      return true;
    },
    remove: (address: TreeAddress): void => rows.remove(address),

    /** Throws `snapshot_unknown` for a row that is damaged. */
    read(address: TreeAddress): TreeRow | null {
      const row = rows.get(address);
      if (row === undefined) return null;
      const { machine, version, text, steps } = row;
      return { stored: { machine, version, snapshot: parsed(address, text), stator }, steps };
    },
    ofMachine(machine: string, { after, limit }: { after: string; limit: number }): TreeAddress[] {
      const here = where(rows.all(), ({ address }) => address.startsWith(`${machine}:`) && address > after);
      return here
        .map(({ address }) => address)
        .sort()
        .slice(0, limit);
    },
    repoStates(): Map<string, { state: string | null; reason: string | null }> {
      const repos = where(rows.all(), ({ address }) => address.startsWith('repo:'));
      return new Map(repos.map(({ address, text }) => [address.slice('repo:'.length), stateIn(text)]));
    },
  };
}

function parsed(address: TreeAddress, text: string) {
  try {
    return JSON.parse(text); // what it is of is checked where it is restored
  } catch (cause) {
    const message = `the stored state of ${address} is damaged: it is no JSON`;
    throw new EngineError('snapshot_unknown', message, 'its journal has every step that led there', { cause });
  }
}

/** A repo has no states inside of states. */
function stateIn(text: string): { state: string | null; reason: string | null } {
  try {
    const { value, context } = JSON.parse(text);
    return { state: value ?? null, reason: context?.degraded ?? null };
  } catch {
    return { state: null, reason: null };
  }
}
