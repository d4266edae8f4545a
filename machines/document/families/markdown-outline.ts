/**
 * The headings and lists of a markdown text with their lines, as CommonMark sees them. Only blocks are parsed, since a plan's structure is in its blocks.
 * Fenced code, comments, tables and quotes are text here.
 */
import { parsers } from './parsers.ts';

/** A line of a document with its number. */
export interface SourceLine {
  readonly text: string;
  /** 1-based; 0: it is in no line of the document. */
  readonly number: number;
}

export interface OutlineHeading {
  readonly kind: 'heading';
  readonly line: number;
  /** The line after it: an underlined heading has two. */
  readonly end: number;
  readonly level: number;
  readonly text: string;
}

/** `[ ]` or `[x]` before the text of an item or a heading. */
export interface CheckBox {
  readonly isChecked: boolean;
  /** The column of the character between the brackets. */
  readonly column: number;
  readonly width: number;
  /** `[ ]*`: Kiro's mark of an optional item. */
  readonly isOptional: boolean;
}

export interface OutlineItem {
  readonly line: number;
  /** The line after its last one that is not blank. */
  readonly end: number;
  readonly box: CheckBox | null;
  /** The first line, without bullet and box. */
  readonly text: string;
  readonly isNumbered: boolean;
  /** The number of the bullet `3.`; null where it is a dash. */
  readonly bullet: string | null;
  readonly items: readonly OutlineItem[];
  /** The lines after the first, without the item's indentation. */
  readonly rest: readonly SourceLine[];
}

export interface OutlineList {
  readonly kind: 'list';
  readonly line: number;
  readonly items: readonly OutlineItem[];
}

export type OutlineBlock = OutlineHeading | OutlineList;

/** The blocks at the top of a text that are headings or lists, in order. Lines between them are other text. */
export function markdownOutline(lines: readonly string[]): OutlineBlock[] {
  const parser = new (parsers.markdown())('commonmark');
  parser.core.ruler.enableOnly(['normalize', 'block']);
  parser.block.ruler.disable(['reference']);
  const blocks: OutlineBlock[] = [];
  /** The open containers, outermost first; null: its content is no structure. */
  const open: (DraftItem[] | DraftItem | null)[] = [];
  let heading: { line: number; end: number; level: number } | null = null;
  for (const { type, map, nesting, tag, content, level } of parser.parse(lines.join('\n'), {})) {
    const [first, behind] = map ?? [0, 0];
    if (type === 'heading_open' && level === 0)
      heading = { line: first + 1, end: behind + 1, level: Number(tag.slice(1)) };
    else if (type === 'inline' && heading !== null) {
      blocks.push({ kind: 'heading', ...heading, text: content });
      heading = null;
    } else if (nesting === 1 && type !== 'paragraph_open' && type !== 'heading_open') {
      open.push(opened(type, first, behind, { blocks, parent: open.at(-1) }, lines));
    } else if (nesting === -1 && type !== 'paragraph_close' && type !== 'heading_close') open.pop();
  }
  return blocks;
}

interface DraftItem extends OutlineItem {
  readonly items: DraftItem[];
}

type Container = DraftItem[] | DraftItem | null;

interface Place {
  readonly blocks: OutlineBlock[];
  /** Undefined at the top of the text. */
  readonly parent: Container | undefined;
}

function opened(
  type: string,
  first: number,
  behind: number,
  { blocks, parent }: Place,
  lines: readonly string[],
): Container {
  if (type === 'bullet_list_open' || type === 'ordered_list_open') {
    if (parent === undefined) {
      const items: DraftItem[] = [];
      blocks.push({ kind: 'list', line: first + 1, items });
      return items;
    }
    return parent === null || Array.isArray(parent) ? null : parent.items;
  }
  // Only items are directly in a list.
  if (!Array.isArray(parent)) return null;
  const item = readItem(first, behind, lines);
  if (item !== null) parent.push(item);
  return item;
}

const itemPattern = /^(\s*)([-*+]|(\d{1,9})[.)])([ \t]+|$)(.*)$/s;
const boxPattern = /^\[([ xX✓✔√~\-/!>]?)\](\*?)(?:[ \t]+|$)/u;

function readItem(first: number, behind: number, lines: readonly string[]): DraftItem | null {
  const found = itemPattern.exec(lines[first] ?? '');
  if (found === null) return null;
  const [, indent = '', bullet = '', digits, gap = '', content = ''] = found;
  const lead = indent.length + bullet.length + gap.length;
  const box = readBox(content, lead);
  let end = behind;
  while (end > first + 1 && (lines[end - 1] ?? '').trim() === '') end -= 1;
  const width = indent.length + bullet.length + (gap.length > 4 || gap === '' ? 1 : gap.length);
  return {
    line: first + 1,
    end: end + 1,
    box: box?.box ?? null,
    text: content.slice(box?.length ?? 0).trim(),
    isNumbered: digits !== undefined,
    bullet: digits ?? null,
    items: [],
    get rest() {
      return lines.slice(first + 1, end).map((line, at) => ({ text: outdented(line, width), number: first + 2 + at }));
    },
  };
}

/** The check box that a text begins with; `lead`: the offset of the text in its line. */
export function readBox(text: string, lead: number): { box: CheckBox; length: number } | null {
  const found = boxPattern.exec(text);
  if (found === null) return null;
  const [all, mark = '', star = ''] = found;
  const isChecked = /[xX✓✔√]/u.test(mark);
  return { box: { isChecked, column: lead + 1, width: mark.length, isOptional: star !== '' }, length: all.length };
}

/** Takes that many columns of white space off; a tab goes to the next multiple of four. */
function outdented(text: string, width: number): string {
  let column = 0;
  let at = 0;
  while (column < width && at < text.length) {
    if (text[at] === ' ') column += 1;
    else if (text[at] === '\t') column += 4 - (column % 4);
    else break;
    at += 1;
  }
  return column > width ? ' '.repeat(column - width) + text.slice(at) : text.slice(at);
}
