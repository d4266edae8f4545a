/** The table of trees: one row each, the root's snapshot with its children inside, and a version that counts its steps. */

import type { Snapshot } from 'xstate';
import { type TreeStatus, underWay } from '../../../../actors/compatibility.ts';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import type { TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import { statorVersion } from '../../../base/platform/version.ts';
import type { ChangeOf } from '../port.ts';
import type { TreeRow, TreeState } from '../rows.ts';
import { type Answer, all, answered, type Connection, changedOne, orNull } from './connection.ts';
import { endsWithTree } from './effects.ts';
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

export function createTreeTable(db: Connection) {
  const expiry = createExpiry(db, {
    name: 'tree_standings',
    number: 'number',
    where: 'ended_at < @beforeMs',
    statements: [
      ...(['queued', 'running'] as const).map(
        (status) =>
          `UPDATE effects SET ${endsWithTree[status]('@beforeMs')} WHERE ${endsWithTree.of(status)} AND tree IN (SELECT address FROM tree_standings WHERE <these>)`,
      ),
      'DELETE FROM trees WHERE address IN (SELECT address FROM tree_standings WHERE <these>)',
      'DELETE FROM tree_standings WHERE <these>',
    ],
  });
  return { ...treeChanges(db), ...treeQueries(db), expiry };
}

/** The changes of trees, each under the condition that the tree has taken no step meanwhile. */
function treeChanges(db: Connection) {
  const stator = statorVersion();
  const insert = db.prepare(
    'INSERT INTO trees (address, machine, version, steps, snapshot, updated_at, stator) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO NOTHING',
  );
  const update = db.prepare(
    'UPDATE trees SET machine = ?, version = ?, steps = ?, snapshot = ?, updated_at = ?, stator = ? WHERE address = ? AND steps = ?',
    {
      sql: `WITH stepped (machine, version, steps, snapshot, at, stator, address, read_at) AS
          (VALUES (?, ?, CAST(? AS BIGINT), ?, CAST(? AS BIGINT), ?, ?, CAST(? AS BIGINT)))
        UPDATE trees t SET machine = stepped.machine, version = stepped.version, steps = stepped.steps, snapshot = stepped.snapshot, updated_at = stepped.at, stator = stepped.stator
        FROM stepped WHERE t.address = stepped.address AND t.steps = stepped.read_at RETURNING t.address`,
      key: 6,
      answers: 'changed',
    },
  );
  const stepsOf = db.prepare<[string], { steps: number }>('SELECT steps FROM trees WHERE address = ?');
  const remove = db.prepare(
    'DELETE FROM trees WHERE address = @address AND (CAST(@before AS BIGINT) IS NULL OR steps = @before)',
  );
  // A tree that has not ended, keeps its journal and shows no state has no row, so the step of a plan writes none.
  const upsertStatus = db.prepare(
    `INSERT INTO tree_standings (address, state, reason, keeps_journal, ended_at) VALUES (@address, @state, @reason, @keepsJournal, @endedAt)
     ON CONFLICT (address) DO UPDATE SET state = excluded.state, reason = excluded.reason, keeps_journal = excluded.keeps_journal,
       ended_at = CASE WHEN excluded.ended_at IS NOT NULL THEN coalesce(tree_standings.ended_at, excluded.ended_at) END
     WHERE tree_standings.state IS DISTINCT FROM excluded.state OR tree_standings.reason IS DISTINCT FROM excluded.reason
       OR tree_standings.keeps_journal <> excluded.keeps_journal OR (tree_standings.ended_at IS NULL) <> (excluded.ended_at IS NULL)`,
  );
  const deleteStatus = db.prepare('DELETE FROM tree_standings WHERE address = ?', {
    sql: 'DELETE FROM tree_standings WHERE address IN (VALUES (?))',
    answers: 'each',
  });
  function note(address: TreeAddress, status: TreeStatus, at: number): Answer<unknown> {
    const { isEnded, keepsJournal, state, reason } = status;
    if (isUnderWay(status)) return deleteStatus.run(address);
    return upsertStatus.run({
      address,
      state,
      reason,
      keepsJournal: keepsJournal ? 1 : 0,
      endedAt: isEnded ? at : null,
    });
  }

  return {
    /** A tree that has taken steps since it was read at `before`, 0 if it was just created. */
    write({ address, stored, before, after, at }: Omit<ChangeOf<'tree.write'>, 'do'>): Answer<boolean> {
      const { machine, version } = stored;
      const text = padded(stored.text);
      const isWritten = changedOne(
        before > 0
          ? update.run(machine, version, after, text, at, stator, address, before)
          : insert.run(address, machine, version, after, text, at, stator),
      );
      if (isWritten === false) return false;
      // If a tree is not written, the commit is lost, and this with it.
      return answered(
        all<unknown>([isWritten, note(address, stored.status ?? underWay, at)]),
        ([written]) => written === true,
      );
    },
    require: ({ address, steps }: Omit<ChangeOf<'tree.require'>, 'do'>): Answer<boolean> =>
      answered(stepsOf.get(address), (row) => (row?.steps ?? 0) === steps),
    remove({ address, before }: Omit<ChangeOf<'tree.remove'>, 'do'>): Answer<boolean> {
      const isRemoved = changedOne(remove.run({ address, before: before ?? null }));
      if (isRemoved === false) return before === undefined;
      return answered(
        all<unknown>([isRemoved, deleteStatus.run(address)]),
        ([removed]) => before === undefined || removed === true,
      );
    },
  };
}

/** Trees by their address or their machine. */
function treeQueries(db: Connection) {
  const select = db.prepare<[string], Row>(
    'SELECT machine, version, steps, snapshot, stator FROM trees WHERE address = ?',
  );
  const ofMachine = db.prepare<[string, string, string, number], { address: TreeAddress }>(
    'SELECT address FROM trees WHERE address > ? AND address > ? AND address < ? ORDER BY address LIMIT CAST(? AS BIGINT)',
  );
  const rowsOf = db.prepare<[string, string, string, number], Row & { address: TreeAddress }>(
    'SELECT address, machine, version, steps, snapshot, stator FROM trees WHERE address > ? AND address > ? AND address < ? ORDER BY address LIMIT CAST(? AS BIGINT)',
  );
  const earlier = db.prepare<[string, string, string, string, number], { address: TreeAddress }>(
    'SELECT address FROM trees WHERE address > ? AND address > ? AND address < ? AND version <> ? ORDER BY address LIMIT CAST(? AS BIGINT)',
  );
  const byMachine = db.prepare<[], { machine: string; count: number }>(
    'SELECT machine, count(*) AS count FROM trees GROUP BY machine ORDER BY machine',
  );
  const states = db.prepare<[string, string], { address: TreeAddress; state: string | null; reason: string | null }>(
    'SELECT address, state, reason FROM tree_standings WHERE address > ? AND address < ?',
  );
  const status = db.prepare<[string], { steps: number; endedAt: number | null }>(
    'SELECT t.steps, s.ended_at AS "endedAt" FROM trees t LEFT JOIN tree_standings s USING (address) WHERE t.address = ?',
  );

  return {
    /** Throws `snapshot_unknown` for a row that is damaged. */
    read: (address: TreeAddress): Answer<TreeRow | null> =>
      answered(select.get(address), (row) => (row === undefined ? null : treeRow(address, row))),
    // The character after the colon ends the range.
    states: (machine: string): Answer<Map<TreeAddress, TreeState>> =>
      answered(
        states.all(`${machine}:`, `${machine};`),
        (rows) => new Map(rows.map(({ address, state, reason }) => [address, { state, reason }])),
      ),
    status: (address: TreeAddress) => orNull(status.get(address)),
    byMachine: () => byMachine.all(),
    /** The trees that another version of the machine wrote. */
    ofOtherVersion: (
      machine: string,
      { version, after, limit }: { version: string; after: string; limit: number },
    ): Answer<TreeAddress[]> =>
      answered(earlier.all(`${machine}:`, after, `${machine};`, version, limit), (rows) =>
        rows.map(({ address }) => address),
      ),
    /** With their rows; an error says what is wrong with a damaged one. */
    rowsOf: (
      machine: string,
      { after, limit }: { after: string; limit: number },
    ): Answer<{ address: TreeAddress; row: TreeRow | EngineError }[]> =>
      answered(rowsOf.all(`${machine}:`, after, `${machine};`, limit), (rows) =>
        rows.map(({ address, ...row }) => ({ address, row: orDamage(() => treeRow(address, row)) })),
      ),
    // The character after the colon ends the range.
    ofMachine: (machine: string, { after, limit }: { after: string; limit: number }): Answer<TreeAddress[]> =>
      answered(ofMachine.all(`${machine}:`, after, `${machine};`, limit), (rows) => rows.map(({ address }) => address)),
  };
}

/**
 * SQLite overwrites a row in place where its size stays the same. Otherwise the pages beyond the first are freed and allocated again: each
 * step would write unchanged pages too, and the file's first page. JSON may end with spaces.
 */
function padded(text: string): string {
  return text.padEnd(Math.ceil(text.length / snapshotStep) * snapshotStep);
}

function treeRow(address: TreeAddress, { machine, version, steps, snapshot, stator }: Row): TreeRow {
  return { stored: { machine, version, snapshot: parsed(address, snapshot), stator }, steps };
}

function orDamage(read: () => TreeRow): TreeRow | EngineError {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown;
    throw thrown;
  }
}

function parsed(address: TreeAddress, snapshot: string): Snapshot<unknown> {
  try {
    return JSON.parse(snapshot); // its machine is checked where it is restored
  } catch (cause) {
    throw new EngineError(
      'snapshot_unknown',
      `the stored state of ${address} is damaged: it is no JSON`,
      'bring the store back from a backup; its journal has every step that led there',
      { cause },
    );
  }
}

/** Most trees are like this; the store keeps only the fact that they exist. */
function isUnderWay({ isEnded, keepsJournal, state, reason }: TreeStatus): boolean {
  return !isEnded && keepsJournal && state === null && reason === null;
}
