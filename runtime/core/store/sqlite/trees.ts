/** The table of trees: one row each, the root's snapshot with its children inside, and a version that counts its steps. */

import type { Snapshot } from 'xstate';
import { type Standing, underWay } from '../../../../actors/compatibility.ts';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import type { ChangeOf } from '../port.ts';
import type { TreeRow, TreeState } from '../rows.ts';
import type { Database } from './db.ts';
import { createExpiry } from './expiry.ts';

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
  const stepsOf = db.prepare<[string], number>('SELECT steps FROM trees WHERE address = ?').pluck();
  const ofMachine = db
    .prepare<[string, string, string, number], TreeAddress>(
      'SELECT address FROM trees WHERE address > ? AND address > ? AND address < ? ORDER BY address LIMIT (? + 0)',
    )
    .pluck();
  const remove = db.prepare('DELETE FROM trees WHERE address = @address AND (@before IS NULL OR steps = @before)');
  // A tree that goes on, keeps its journal and shows nothing has no row, so the step of a plan writes none.
  const stand = db.prepare(
    `INSERT INTO tree_standings (address, state, reason, keeps_journal, ended_at) VALUES (@address, @state, @reason, @keepsJournal, @endedAt)
     ON CONFLICT (address) DO UPDATE SET state = excluded.state, reason = excluded.reason, keeps_journal = excluded.keeps_journal,
       ended_at = CASE WHEN excluded.ended_at IS NOT NULL THEN coalesce(ended_at, excluded.ended_at) END
     WHERE state IS NOT excluded.state OR reason IS NOT excluded.reason OR keeps_journal <> excluded.keeps_journal
       OR (ended_at IS NULL) <> (excluded.ended_at IS NULL)`,
  );
  const goOn = db.prepare('DELETE FROM tree_standings WHERE address = ?');
  const states = db.prepare<[string, string], { address: TreeAddress; state: string | null; reason: string | null }>(
    'SELECT address, state, reason FROM tree_standings WHERE address > ? AND address < ?',
  );
  const standing = db.prepare<[string], { steps: number; endedAt: number | null }>(
    'SELECT t.steps, s.ended_at AS endedAt FROM trees t LEFT JOIN tree_standings s USING (address) WHERE t.address = ?',
  );
  const expiry = createExpiry(db, {
    name: 'tree_standings',
    number: 'number',
    where: 'ended_at < @beforeMs',
    statements: [
      'DELETE FROM trees WHERE address IN (SELECT address FROM tree_standings WHERE <these>)',
      'DELETE FROM tree_standings WHERE <these>',
    ],
  });

  function note(address: TreeAddress, standing: Standing, at: number): void {
    const { isEnded, keepsJournal, state, reason } = standing;
    if (isUnderWay(standing)) goOn.run(address);
    else stand.run({ address, state, reason, keepsJournal: keepsJournal ? 1 : 0, endedAt: isEnded ? at : null });
  }

  return {
    expiry,
    /** Throws `snapshot_unknown` for a row that is damaged. */
    read(address: TreeAddress): TreeRow | null {
      const row = select.get(address);
      if (row === undefined) return null;
      const { machine, version, steps, snapshot, stator } = row;
      return { stored: { machine, version, snapshot: parsed(address, snapshot), stator }, steps };
    },
    // The character after the colon ends the range.
    states: (machine: string): Map<TreeAddress, TreeState> =>
      new Map(
        states.all(`${machine}:`, `${machine};`).map(({ address, state, reason }) => [address, { state, reason }]),
      ),
    standing: (address: TreeAddress) => standing.get(address) ?? null,
    /** A tree that has taken steps since it was read at `before`, 0 where it was just born. */
    write({ address, stored, before, after, at }: Omit<ChangeOf<'tree.write'>, 'do'>): boolean {
      const { machine, version } = stored;
      const text = padded(stored.text);
      const isWritten =
        before > 0
          ? update.run(machine, version, after, text, at, stator, address, before).changes === 1
          : insert.run(address, machine, version, after, text, at, stator).changes === 1;
      if (isWritten) note(address, stored.standing ?? underWay, at);
      return isWritten;
    },
    require: ({ address, steps }: Omit<ChangeOf<'tree.require'>, 'do'>): boolean =>
      (stepsOf.get(address) ?? 0) === steps,
    remove({ address, before }: Omit<ChangeOf<'tree.remove'>, 'do'>): boolean {
      const { changes } = remove.run({ address, before: before ?? null });
      if (changes === 1) goOn.run(address);
      return before === undefined || changes === 1;
    },
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

/** Most trees stand so, and stores keep no more of them than that they are there. */
function isUnderWay({ isEnded, keepsJournal, state, reason }: Standing): boolean {
  return !isEnded && keepsJournal && state === null && reason === null;
}
