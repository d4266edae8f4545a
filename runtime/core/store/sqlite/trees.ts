/** The table of trees: one row each, the root's snapshot with its children inside, and a version that counts its steps. */

import type { Snapshot } from 'xstate';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import type { ChangeOf } from '../port.ts';
import type { TreeRow } from '../rows.ts';
import type { Database } from './db.ts';

/** Snapshots are stored with spaces up to a multiple of this many characters. */
const snapshotStep = 512;

interface Row {
  machine: string;
  version: string;
  steps: number;
  snapshot: string;
  stator: string | null;
}

export function createTreeTable(db: Database) {
  const stator = statorVersion();
  const select = db.prepare<[string], Row>(
    'SELECT machine, version, steps, snapshot, stator FROM trees WHERE address = ?',
  );
  const insert = db.prepare(
    'INSERT INTO trees (address, machine, version, steps, snapshot, updated_at, stator) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO NOTHING',
  );
  const update = db.prepare(
    'UPDATE trees SET machine = ?, version = ?, steps = ?, snapshot = ?, updated_at = ?, stator = ? WHERE address = ? AND steps = ?',
  );
  const ofMachine = db
    .prepare<[string, string, string, number], TreeAddress>(
      'SELECT address FROM trees WHERE address > ? AND address > ? AND address < ? ORDER BY address LIMIT (? + 0)',
    )
    .pluck();
  const remove = db.prepare('DELETE FROM trees WHERE address = ?');
  // By the key's range, so that the plans' rows are not read. What is no JSON has no state.
  const repoStates = db.prepare<[], { address: string; state: string | null; reason: string | null }>(
    `SELECT address, json_extract(whole, '$.value') AS state, json_extract(whole, '$.context.degraded') AS reason
     FROM (SELECT address, CASE WHEN json_valid(snapshot) THEN snapshot ELSE '{}' END AS whole FROM trees
           WHERE address >= 'repo:' AND address < 'repo;')`,
  );

  return {
    /** Throws `snapshot_unknown` for a row that is damaged. */
    read(address: TreeAddress): TreeRow | null {
      const row = select.get(address);
      if (row === undefined) return null;
      const { machine, version, steps, snapshot, stator } = row;
      return { stored: { machine, version, snapshot: parsed(address, snapshot), stator }, steps };
    },
    /** The state of every repo's tree, without making the trees live; a row that is damaged has none. */
    repoStates: (): Map<string, { state: string | null; reason: string | null }> =>
      new Map(repoStates.all().map(({ address, state, reason }) => [address.slice('repo:'.length), { state, reason }])),
    /** A tree that has taken steps since it was read at `before`, 0 where it was just born. */
    write({ address, stored, before, after, at }: Omit<ChangeOf<'tree.write'>, 'do'>): boolean {
      const { machine, version } = stored;
      const text = padded(stored.text);
      if (before > 0) return update.run(machine, version, after, text, at, stator, address, before).changes === 1;
      return insert.run(address, machine, version, after, text, at, stator).changes === 1;
    },
    remove: (address: TreeAddress): void => void remove.run(address),
    // The character after the colon ends the range.
    ofMachine: (machine: string, { after, limit }: { after: string; limit: number }): TreeAddress[] =>
      ofMachine.all(`${machine}:`, after, `${machine};`, limit),
  };
}

/**
 * SQLite overwrites a row in place where its size stays the same. Where it does not, the pages beyond the first are given free and taken again: at
 * each step that writes those that did not change too, and the file's first page. JSON may end with spaces.
 */
function padded(text: string): string {
  return text.padEnd(Math.ceil(text.length / snapshotStep) * snapshotStep);
}

function parsed(address: TreeAddress, snapshot: string): Snapshot<unknown> {
  try {
    return JSON.parse(snapshot); // what it is of is checked where it is restored
  } catch (cause) {
    throw new EngineError(
      'snapshot_unknown',
      `the stored state of ${address} is damaged: it is no JSON`,
      'bring the store back from a backup; its journal has every step that led there',
      { cause },
    );
  }
}
