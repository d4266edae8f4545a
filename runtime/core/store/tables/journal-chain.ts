/**
 * The lines of a tree's journal, chained: each keeps a digest of itself and of the digest of the line before it. So a line that was changed, taken out or
 * put in shows at the first line that does not fit. A birth begins a new chain: what stood at its address before goes by its age. Lines of earlier versions
 * have no digest. PostgreSQL makes the same digests by a trigger of its own (`chained` in its schema), since one statement inserts several lines there.
 */
import { textDigest } from '../../../base/platform/text-digest.ts';
import type { UnchainedLine } from '../rows.ts';

/** A row of the table, without its number. */
export interface ChainedRow {
  readonly at: number;
  readonly tree: string;
  readonly signal: number | null;
  readonly type: string;
  readonly origin: string;
  readonly actor: string;
  readonly event: string;
  readonly from_state: string;
  readonly to_state: string;
  readonly effects: string;
  readonly refused: string | null;
  readonly input: string | null;
}

/** Between two columns: JSON and names have no such character. */
const separator = '\x1f';
const digestLength = 32;

/** `before`: the digest of the line before it in its tree; null: there is none. */
export function digestOf(row: ChainedRow, before: string | null): string {
  const { at, tree, signal, type, origin, actor, event, from_state: from, to_state: to, effects, refused, input } = row;
  const first = isBirth(row) ? '' : (before ?? '');
  const columns = [
    first,
    at,
    tree,
    signal ?? '',
    type,
    origin,
    actor,
    event,
    from,
    to,
    effects,
    refused ?? '',
    input ?? '',
  ];
  return textDigest(columns.join(separator)).slice(0, digestLength);
}

function isBirth({ input, actor, from_state: from, to_state: to }: ChainedRow): boolean {
  return input !== null && actor === '' && from === '' && to !== '';
}

/** The first of the lines of a tree, in their order, that does not fit; null: all do. What a first line followed is not known, unless it is a birth. */
export function firstUnchained(
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
