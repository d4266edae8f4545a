/** The trees in memory, each with a version that counts its steps. */
import { isUnderWay, type Standing, underWay } from '../../../../actors/compatibility.ts';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import type { ChangeOf } from '../port.ts';
import type { TreeRow, TreeState } from '../rows.ts';
import { createExpiry, nextNumber } from './expiry.ts';
import { createTable, type Undo, where } from './table.ts';

interface StoredTree {
  readonly address: TreeAddress;
  readonly machine: string;
  readonly version: string;
  readonly text: string;
  readonly steps: number;
}

/** Of a tree that does not stand as most do. */
interface StoredStanding extends Standing {
  readonly number: number;
  readonly endedAt: number | null;
}

export function createTrees(undo: Undo) {
  const rows = createTable<TreeAddress, StoredTree>(undo);
  const standings = createTable<TreeAddress, StoredStanding>(undo);
  const stator = statorVersion();

  function note(address: TreeAddress, standing: Standing, at: number): void {
    const known = standings.get(address);
    if (isUnderWay(standing)) {
      standings.remove(address);
      return;
    }
    const number = known?.number ?? nextNumber(where(standings.all(), () => true).map((row) => row.number));
    standings.set(address, { ...standing, number, endedAt: standing.isEnded ? (known?.endedAt ?? at) : null });
  }

  function remove(address: TreeAddress): void {
    rows.remove(address);
    standings.remove(address);
  }

  return {
    expiry: createExpiry<readonly [TreeAddress, StoredStanding]>({
      all: () =>
        where(rows.all(), () => true)
          .flatMap(({ address }) => {
            const row = standings.get(address);
            return row === undefined ? [] : [{ number: row.number, row: [address, row] as const }];
          })
          .sort((a, b) => a.number - b.number),
      goes: ([, { endedAt }], beforeMs) => endedAt !== null && endedAt < beforeMs,
      drop: ([address]) => remove(address),
    }),
    /** Whether its lines are to stay: it is there, and not one that ended before that time, nor one that keeps none. */
    keepsJournal(address: TreeAddress, beforeMs: number): boolean {
      if (rows.get(address) === undefined) return false;
      const { keepsJournal, endedAt } = { ...underWay, endedAt: null, ...standings.get(address) };
      return keepsJournal && (endedAt === null || endedAt >= beforeMs);
    },
    standing(address: TreeAddress): { steps: number; endedAt: number | null } | null {
      const row = rows.get(address);
      return row === undefined ? null : { steps: row.steps, endedAt: standings.get(address)?.endedAt ?? null };
    },
    /** false: the row is not at step `before`. */
    write({ address, stored, before, after, at }: Omit<ChangeOf<'tree.write'>, 'do'>): boolean {
      if ((rows.get(address)?.steps ?? 0) !== before) return false;
      const { standing = underWay, ...text } = stored;
      rows.set(address, { address, ...text, steps: after });
      note(address, standing, at);
      return true;
    },
    remove({ address, before }: Omit<ChangeOf<'tree.remove'>, 'do'>): boolean {
      if (before !== undefined && rows.get(address)?.steps !== before) return false;
      remove(address);
      return true;
    },

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
    states(machine: string): Map<TreeAddress, TreeState> {
      const here = where(rows.all(), ({ address }) => address.startsWith(`${machine}:`));
      return new Map(
        here.flatMap(({ address }): [TreeAddress, TreeState][] => {
          const standing = standings.get(address);
          return standing === undefined ? [] : [[address, { state: standing.state, reason: standing.reason }]];
        }),
      );
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
