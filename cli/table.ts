/** Rows under headings, aligned by what the terminal shows, cut to its width. Pure. */
import { noPaint, type Paint, type Tone } from './colour.ts';
import { cut, padded, plain, widthOf } from './text.ts';

export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface TableOptions {
  /** null: a pipe, where nothing is cut. */
  readonly width?: number | null;
  readonly paint?: Paint;
}

const gap = 2;
/** A column that is cut further says nothing any more. */
const narrowest = 8;

/** Lines of a table. Where it is too wide, the widest columns are cut first. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  { width = null, paint = noPaint }: TableOptions = {},
): string[] {
  const texts = rows.map((row) => row.map((cell) => plain(typeof cell === 'string' ? cell : cell.text)));
  const widths = headings.map((heading, column) =>
    Math.max(widthOf(heading), ...texts.map((row) => widthOf(row[column] ?? ''))),
  );
  if (width !== null) shrink(widths, { width, names: headings.map((heading) => nameHeadings.has(heading)) });
  const line = (cells: readonly string[], toneOf: (column: number) => Tone) =>
    cells
      .map((text, column) => {
        const columnWidth = widths[column] ?? 0;
        const shown = cut(text, columnWidth);
        const isLast = column === cells.length - 1;
        return paint(toneOf(column), shown) + (isLast ? '' : ' '.repeat(columnWidth - widthOf(shown)));
      })
      .join(' '.repeat(gap))
      .trimEnd();
  return [
    line(headings, () => 'dim'),
    ...texts.map((row, index) =>
      line(row, (column) => {
        const cell = rows[index]?.[column];
        return typeof cell === 'object' ? cell.tone : 'plain';
      }),
    ),
  ];
}

/** A column with names that people type: half of a name is useless. */
const nameHeadings: ReadonlySet<string> = new Set([
  'plan',
  'title',
  'project',
  'repo',
  'issue',
  'name',
  'id',
  'branch',
]);

/** Names are cut only if nothing else can be. */
function shrink(
  widths: number[],
  { width, names }: { readonly width: number; readonly names: readonly boolean[] },
): void {
  let over = widths.reduce((sum, column) => sum + column + gap, -gap) - width;
  const others = (column: number) => names[column] !== true && (widths[column] ?? 0) > narrowest;
  while (over > 0) {
    const hasOthers = widths.some((_, column) => others(column));
    const sizes = widths.map((size, column) => (hasOthers && !others(column) ? 0 : size));
    const widest = sizes.indexOf(Math.max(...sizes));
    const second = Math.max(narrowest, ...sizes.filter((_, column) => column !== widest));
    const current = widths[widest] ?? 0;
    if (current <= narrowest) return;
    const next = Math.max(narrowest, Math.min(second, current - 1), current - over);
    over -= current - next;
    widths[widest] = next;
  }
}

/** Names and values beneath each other; empty values are left out. */
export function fields(pairs: readonly (readonly [string, string | null])[], paint: Paint = noPaint): string[] {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== null && pair[1] !== '');
  const width = Math.max(0, ...shown.map(([name]) => widthOf(name)));
  return shown.map(([name, value]) => `${paint('dim', padded(name, width))}  ${value}`);
}

/** Lines below a title, after an empty line; nothing where there are none. */
export function section(title: string, body: readonly string[]): string[] {
  return body.length === 0 ? [] : ['', title, ...body.map((line) => `  ${line}`)];
}
