/** Lines for a terminal, broken at words; commands to be pasted stay in one piece. Pure. */
import { wideBlocks, widthOf } from './text.ts';

/** The escapes in our own lines: only colours. */
const colours = /\x1b\[[0-9;]{0,32}m/g;
/** A name and the blanks after it, or the blanks before a line. */
const beforeText = /^(?: *\S+(?: \S+){0,2} {2,}| *)/;
/** Blanks, and both sides of a character that takes two columns: such scripts have no blanks between words. */
const breaks = new RegExp(`( +|(?<=[${wideBlocks}])(?![\\p{M}\\p{Cf}])|(?=[${wideBlocks}]))`, 'u');
/** Other programs whose commands we print; their names are also ordinary words, so they begin a command only after a colon. */
const others: ReadonlySet<string> = new Set(['cd', 'git', 'npm', 'curl']);

/**
 * The lines of a text in rows of at most `width` columns; null: unchanged. A further row begins in the column of the text beside a name, or deeper than an
 * indented line, so that it does not look like a new line.
 */
export function folded(text: string, width: number | null): string {
  if (width === null) return text;
  return text
    .split('\n')
    .map((line) => foldedLine(line, width))
    .join('\n');
}

function foldedLine(line: string, width: number): string {
  // A character takes two columns at most.
  if (line.length * 2 <= width || shownWidth(line) <= width) return line;
  const [lead = ''] = beforeText.exec(line.replace(colours, '')) ?? [];
  const [blanks = ''] = /^ */.exec(line) ?? [];
  const isBeside = lead.length > blanks.length && widthOf(lead) <= width / 2;
  const indent = isBeside ? widthOf(lead) : blanks.length === 0 ? 0 : blanks.length + 2;
  const parts = line.split(breaks);
  let folded = '';
  let column = 0;
  for (let at = 0; at < parts.length; at += 2) {
    const [gap = '', word = ''] = [parts[at - 1], parts[at]];
    const isNew = column > indent && column + gap.length + pieceWidth(parts, { at, room: width - indent }) > width;
    const wordWidth = shownWidth(word);
    // A word that has no room beside the name begins further left: no terminal breaks it then.
    const start = isNew ? Math.max(0, Math.min(indent, width - wordWidth)) : column + gap.length;
    folded += isNew ? `\n${' '.repeat(start)}${word}` : `${gap}${word}`;
    column = start + wordWidth;
  }
  return folded;
}

/** The width of a word; at the start of a command, that of the whole command unless it needs more than a row. */
function pieceWidth(parts: readonly string[], { at, room }: { readonly at: number; readonly room: number }): number {
  const wordAt = (index: number) => (parts[index] ?? '').replace(colours, '');
  const word = wordAt(at).replace(/^[`('"]/, '');
  const own = shownWidth(parts[at] ?? '');
  const isCommand = word === 'stator' || (others.has(word) && wordAt(at - 2).endsWith(':'));
  if (!isCommand) return own;
  let width = own;
  for (let next = at + 2; next < parts.length && (parts[next - 1] ?? '').length <= 1; next += 2) {
    if (/[;,:)]$/.test(wordAt(next - 2))) break;
    width += (parts[next - 1] ?? '').length + shownWidth(parts[next] ?? '');
  }
  return width <= room ? width : own;
}

function shownWidth(text: string): number {
  return widthOf(text.replace(colours, ''));
}
