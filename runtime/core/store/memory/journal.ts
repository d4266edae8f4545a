/** The journal in memory, in one order for all trees. */
import type { Upgraded } from '../../../../actors/tree.ts';
import type { TreeAddress } from '../../../../machines/vocabulary/ids.ts';
import type { Signal } from '../../../../machines/vocabulary/signal.ts';
import type { JournalLine, NewLine } from '../rows.ts';
import { createExpiry } from './expiry.ts';
import { createTable, type Undo, where } from './table.ts';

/** The most lines that one reading returns. */
const journalPage = 1_000;

interface StoredLine {
  readonly line: JournalLine;
  /** What the tree was fed, as JSON. */
  readonly input: string | null;
}

/** `keepsJournal`: of trees that are there, and have not ended before that time. */
export function createJournal(undo: Undo, keepsJournal: (tree: TreeAddress, beforeMs: number) => boolean) {
  const rows = createTable<number, StoredLine>(undo);
  const ofTree = (tree: TreeAddress): StoredLine[] => where(rows.all(), ({ line }) => line.tree === tree);

  const all = (): StoredLine[] => where(rows.all(), () => true);
  const lastLine = (): number => all().at(-1)?.line.seq ?? 0;

  return {
    expiry: createExpiry<StoredLine>({
      all: () => all().map((row) => ({ number: row.line.seq, row })),
      goes: ({ line }, beforeMs, isLast) => !isLast && line.at < beforeMs && !keepsJournal(line.tree, beforeMs),
      drop: ({ line }) => rows.remove(line.seq),
    }),
    append({ effects, refused, ...line }: NewLine, input: string | null): number {
      const seq = lastLine() + 1;
      const values = JSON.parse(JSON.stringify({ effects, refused })); // as they come back from a disk
      rows.set(seq, { line: { ...line, ...values, seq }, input });
      return seq;
    },
    since(after: number, { tree, limit = journalPage }: { tree?: TreeAddress; limit?: number }): JournalLine[] {
      return where(rows.all(), ({ line }) => line.seq > after && (tree === undefined || line.tree === tree))
        .slice(0, Math.min(limit, journalPage))
        .map(({ line }) => line);
    },
    lastLine,
    firstLine: (tree: TreeAddress): number =>
      ofTree(tree).findLast(
        ({ line: { actor, from, to }, input }) => input !== null && actor === '' && from === '' && to !== '',
      )?.line.seq ?? 0,
    lastRefused: (tree: TreeAddress): JournalLine | null =>
      ofTree(tree).findLast(({ line }) => line.refused !== null)?.line ?? null,
    inputs: (tree: TreeAddress): (Signal | Upgraded)[] =>
      ofTree(tree).flatMap(({ input }) => (input === null ? [] : [JSON.parse(input)])),
  };
}
