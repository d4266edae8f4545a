/** The files that a plan has changed, and how much of each. Pure. */
import { counted } from '../../machines/vocabulary/numbers.ts';
import type { PlanDiff } from '../../runtime/api/client/client.ts';
import { cut, padded, plain, widthOf } from '../text.ts';

export interface ChangeLook {
  /** The width of the terminal; null: a pipe, where nothing is cut. */
  readonly width: number | null;
  /** The most lines of files, including the line that counts the rest. */
  readonly most: number;
  /** The command that lists all of them. */
  readonly more: string;
}

/** `3 files changed, +8 -1`, and a line for each file. */
export function changeLines(
  { files, total }: Pick<PlanDiff, 'files' | 'total'>,
  { width, most, more }: ChangeLook,
): string[] {
  const isWhole = total.files <= most && total.files === files.length;
  const shown = isWhole ? files : files.slice(0, most - 1);
  const amounts = shown.map(({ added, removed }) => (added === null ? 'binary' : `+${added} -${removed ?? 0}`));
  const amountWidth = Math.max(0, ...amounts.map(widthOf));
  const names = shown.map(({ path }) => plain(path));
  const room = width === null ? Number.POSITIVE_INFINITY : Math.max(1, width - amountWidth - 4);
  const nameWidth = Math.min(room, Math.max(0, ...names.map(widthOf)));
  return [
    `${counted(total.files, 'file')} changed, +${total.insertions} -${total.deletions}`,
    ...names.map((name, index) => `  ${padded(tailOf(name, nameWidth), nameWidth)}  ${amounts[index] ?? ''}`),
    ...(isWhole ? [] : [`  and ${total.files - shown.length} more: ${more}`]),
  ];
}

/** The end of a path distinguishes it better than its beginning. */
function tailOf(name: string, width: number): string {
  if (widthOf(name) <= width) return name;
  let kept = name;
  while (kept !== '' && widthOf(kept) > width - 1) kept = kept.slice(1);
  return cut(`…${kept}`, width);
}
