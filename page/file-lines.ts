/** The changes of one file, prepared for drawing: in blocks of lines, and each changed line paired with the line that it replaced. */
import { type DiffLine, filesOf } from './diff.ts';
import { literal } from './format.ts';

/** The lines of a block are drawn or left out together. */
const blockLines = 150;
/** A block ends between two changes, unless it would become longer than this. */
const blockLinesMost = 300;

export interface FileLines {
  /** Notes about the file: it is moved or binary. */
  readonly notes: readonly string[];
  readonly blocks: readonly (readonly DiffLine[])[];
  /** For each removed line the added line that replaced it, and the reverse. */
  readonly pairs: ReadonlyMap<DiffLine, DiffLine>;
}

export function fileLines(text: string): FileLines {
  const [file] = filesOf(literal(text));
  const lines = file?.lines ?? [];
  return { notes: file?.notes ?? [], blocks: blocksOf(lines), pairs: pairsOf(lines) };
}

function blocksOf(lines: readonly DiffLine[]): DiffLine[][] {
  const blocks: DiffLine[][] = [];
  for (const line of lines) {
    const last = blocks.at(-1);
    const isBetween = line.kind === 'same' || line.kind === 'hunk';
    if (last === undefined || last.length >= blockLinesMost || (last.length >= blockLines && isBetween))
      blocks.push([line]);
    else last.push(line);
  }
  return blocks;
}

function pairsOf(lines: readonly DiffLine[]): Map<DiffLine, DiffLine> {
  const pairs = new Map<DiffLine, DiffLine>();
  for (const { removed, added } of runsOf(lines))
    for (const [index, line] of removed.entries()) {
      const other = added[index];
      if (other === undefined) break;
      pairs.set(line, other);
      pairs.set(other, line);
    }
  return pairs;
}

/** The changed lines between two unchanged ones. `other` is the line that ends them. */
export interface Run {
  readonly removed: readonly DiffLine[];
  readonly added: readonly DiffLine[];
  readonly other: DiffLine | null;
}

export function runsOf(lines: readonly DiffLine[]): Run[] {
  const runs: Run[] = [];
  let [removed, added]: [DiffLine[], DiffLine[]] = [[], []];
  const end = (other: DiffLine | null) => {
    if (other !== null || removed.length + added.length > 0) runs.push({ removed, added, other });
    [removed, added] = [[], []];
  };
  for (const line of lines) {
    if (line.kind === 'removed') {
      if (added.length > 0) end(null);
      removed.push(line);
    } else if (line.kind === 'added') added.push(line);
    else end(line);
  }
  end(null);
  return runs;
}
