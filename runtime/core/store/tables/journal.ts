/**
 * The journal: all events, refusals included, in one order for all trees. A replay needs nothing else. The lines of a tree are chained: each stores a digest of
 * itself and of the digest of the line before it. So a line that was changed, removed or inserted shows at the first line that does not fit. A tree's creation
 * begins a new chain: lines of an earlier tree at its address expire by their age. Lines of earlier versions have no digest. PostgreSQL makes the same digests
 * by a trigger of its own (`chained` in its schema), since one statement inserts several lines there.
 */

import type { TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import type { FedLine, JournalLine, NewLine, UnchainedLine } from '../rows.ts';
import { type Answer, answered, type Connection } from './connection.ts';
import { createExpiry } from './expiry.ts';

interface Row extends Omit<JournalLine, 'from' | 'to' | 'effects' | 'refused' | 'emitted'> {
  from_state: string;
  to_state: string;
  effects: string;
  refused: string | null;
  emitted: string | null;
}

/** The most lines that one reading returns. */
const journalPage = 1_000;
const columns = 'seq, at, tree, signal, type, origin, actor, event, from_state, to_state, effects, refused, emitted';

export function createJournalTable(db: Connection) {
  // null: a trigger of the database makes it.
  const insert = db.prepare<unknown[], { seq: number }>(
    `INSERT INTO journal (at, tree, signal, type, origin, actor, event, from_state, to_state, effects, refused, emitted, input, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
    { answers: 'each' },
  );
  const since = db.prepare<[number, number], Row>(
    `SELECT ${columns} FROM journal WHERE seq > ? ORDER BY seq LIMIT CAST(? AS BIGINT)`,
  );
  const ofTree = db.prepare<[string, number, number], Row>(
    `SELECT ${columns} FROM journal WHERE tree = ? AND seq > ? ORDER BY seq LIMIT CAST(? AS BIGINT)`,
  );
  const fed = db.prepare<[string], Row & { input: string | null }>(
    `SELECT ${columns}, input FROM journal WHERE tree = ? ORDER BY seq`,
  );
  const lastHash = db.prepare<[string], { hash: string | null }>(
    'SELECT hash FROM journal WHERE tree = ? ORDER BY seq DESC LIMIT 1',
  );
  const chained = db.prepare<[string], Row & { input: string | null; hash: string | null }>(
    `SELECT ${columns}, input, hash FROM journal WHERE tree = ? ORDER BY seq`,
  );
  const unexplained = db.prepare<[], { id: number; tree: TreeAddress }>(
    `SELECT id, COALESCE(tree, 'plan:' || project || '/' || plan) AS tree FROM signals
     WHERE status = 'done' AND result = '"done"' AND id NOT IN (SELECT signal FROM journal WHERE signal IS NOT NULL)`,
  );
  const last = db.prepare<[], { seq: number | null }>('SELECT max(seq) AS seq FROM journal');
  const lastRefused = db.prepare<[string], Row>(
    `SELECT ${columns} FROM journal WHERE tree = ? AND refused IS NOT NULL ORDER BY seq DESC LIMIT 1`,
  );
  const lastBirth = db.prepare<[string], { seq: number | null }>(
    `SELECT max(seq) AS seq FROM journal WHERE tree = ? AND input IS NOT NULL AND actor = '' AND from_state = '' AND to_state <> ''`,
  );

  const losing = db.prepare<[{ beforeMs: number }], { address: TreeAddress }>(
    `SELECT s.address FROM tree_standings s WHERE s.ended_at < @beforeMs OR (s.keeps_journal = 0 AND EXISTS (
         SELECT 1 FROM journal j WHERE j.tree = s.address AND j.at < @beforeMs AND j.input IS NOT NULL AND j.actor = '' AND j.from_state = '' AND j.to_state <> ''))`,
  );

  // A live tree keeps its lines. Lines of a tree that is deleted, has ended, or is not meant to keep its journal expire by their age.
  const expiry = createExpiry(db, {
    name: 'journal',
    number: 'seq',
    where: `at < @beforeMs AND seq < (SELECT max(seq) FROM journal)
      AND (NOT EXISTS (SELECT 1 FROM trees t WHERE t.address = tree)
        OR EXISTS (SELECT 1 FROM tree_standings s WHERE s.address = tree AND (s.keeps_journal = 0 OR s.ended_at < @beforeMs)))`,
    statements: ['DELETE FROM journal WHERE <these>'],
  });

  return {
    expiry,
    /** `input`: the input of the tree, on the first line that resulted from it. Returns the number of the line. */
    append(
      { at, tree, signal, type, origin, actor, event, from, to, effects, refused, emitted }: NewLine,
      input: string | null,
    ): Answer<number> {
      const names = effects.length === 0 ? '[]' : JSON.stringify(effects);
      const why = refused === null ? null : JSON.stringify(refused);
      const shown = emitted === undefined ? null : JSON.stringify(emitted);
      const values = [at, tree, signal, type, origin, actor, event, from, to, names, why, shown, input];
      const append = (hash: string | null) => answered(insert.get(...values, hash), (inserted) => inserted?.seq ?? 0);
      if (db.isPipelined) return append(null);
      const row = { at, tree, signal, type, origin, actor, event, from_state: from, to_state: to, effects: names };
      return answered(lastHash.get(tree), (last) =>
        append(digestOf({ ...row, refused: why, emitted: shown, input }, last?.hash ?? null)),
      );
    },
    /** The lines of all trees, or of one. */
    since(after: number, { tree, limit = journalPage }: { tree?: TreeAddress; limit?: number }): Answer<JournalLine[]> {
      const most = Math.min(limit, journalPage);
      const rows = tree === undefined ? since.all(after, most) : ofTree.all(tree, after, most);
      return answered(rows, (found) => found.map(lineOf));
    },
    /** Every line of a tree, with the tree's input. */
    fed: (tree: TreeAddress): Answer<FedLine[]> =>
      answered(fed.all(tree), (rows) =>
        rows.map(({ input, ...row }) => ({ ...lineOf(row), input: input === null ? null : JSON.parse(input) })),
      ),
    /** The first line of a tree that does not fit the one before it; null: all do. */
    unchained: (tree: TreeAddress): Answer<UnchainedLine | null> => answered(chained.all(tree), firstUnchained),
    /** Trees that expire by that age, or whose journal loses its first line by it. */
    losing: (beforeMs: number) => answered(losing.all({ beforeMs }), (rows) => rows.map(({ address }) => address)),
    /** Signals that a tree took, and that are in no line of the journal. */
    unexplained: () => unexplained.all(),
    lastLine: () => answered(last.get(), (row) => row?.seq ?? 0),
    lastRefused: (tree: TreeAddress) =>
      answered(lastRefused.get(tree), (row) => (row === undefined ? null : lineOf(row))),
    /** The first line of a tree since its last creation, whatever was at its address before; 0: there is none. */
    firstLine: (tree: TreeAddress) => answered(lastBirth.get(tree), (row) => row?.seq ?? 0),
  };
}

function lineOf({ from_state, to_state, effects, refused, emitted, ...row }: Row): JournalLine {
  return {
    ...row,
    from: from_state,
    to: to_state,
    effects: JSON.parse(effects),
    refused: refused === null ? null : JSON.parse(refused),
    ...(emitted === null ? {} : { emitted: JSON.parse(emitted) }),
  };
}

/** The columns that a digest is made of, in their order in it. */
const digested = [
  'at',
  'tree',
  'signal',
  'type',
  'origin',
  'actor',
  'event',
  'from_state',
  'to_state',
  'effects',
  'refused',
  'emitted',
  'input',
] as const;

type ChainedRow = Pick<Row & { readonly input: string | null }, (typeof digested)[number]>;

/** Between two columns: JSON and names have no such character. */
const separator = '\x1f';
const digestLength = 32;

/** `before`: the digest of the line before it in its tree; null: there is none. */
function digestOf(row: ChainedRow, before: string | null): string {
  const values = [isBirth(row) ? '' : (before ?? ''), ...digested.map((column) => row[column] ?? '')];
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
  return hash.update(values.join(separator)).digest('hex').slice(0, digestLength);
}

function isBirth({ input, actor, from_state: from, to_state: to }: ChainedRow): boolean {
  return input !== null && actor === '' && from === '' && to !== '';
}

/** The first of the lines of a tree, in their order, that does not fit; null: all do. The line before a first line is not known, unless that created the tree. */
function firstUnchained(
  rows: readonly (ChainedRow & { readonly seq: number; readonly hash: string | null })[],
): UnchainedLine | null {
  let before: string | null = null;
  for (const [index, row] of rows.entries()) {
    const { seq, hash: stored } = row;
    const isKnown: boolean = index > 0 || isBirth(row);
    if (stored !== null || before !== null) {
      const expected = digestOf(row, before);
      if (isKnown && stored !== expected) return { seq, stored, expected };
    }
    before = stored;
  }
  return null;
}
